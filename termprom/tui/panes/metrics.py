"""Metrics: every name with its type and help; enter opens a query that suits the type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.style import Style

from termprom.backend.interface import Topic
from termprom.model.labels import quote
from termprom.model.metadata import Metadata, MetricType
from termprom.tui.colours import Colours
from termprom.tui.figures import count
from termprom.tui.messages import OpenPane, QueryRequest
from termprom.tui.panes.tabbed import TabbedPane
from termprom.tui.session import Session
from termprom.tui.widgets.columns import Column, RowModel
from termprom.tui.widgets.text_box import Row, facts
from termprom.tui.widgets.virtual_list import VirtualList

_NAMES_MAX: Final = 100_000
_LOOK_BACK_MS: Final = 3_600_000
_RATE_WINDOW: Final = "5m"
# What a histogram or summary called `x` has besides, and a counter of OpenMetrics.
_SUFFIXES: Final = ("_bucket", "_count", "_sum", "_total", "_created", "_info")


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A name that can be queried, and what the targets say about its family."""

    name: str
    family: str
    metadata: Metadata


def metric_rows(
    names: Sequence[str], metadata: Mapping[str, Sequence[Metadata]]
) -> Sequence[MetricRow]:
    """A row per name; a family of which no series has the name is a row too, for its help."""
    rows = []
    named = set()
    for name in names:
        family = _family_of(name, metadata)
        named.add(family)
        found = metadata.get(family) or (Metadata(),)
        rows.append(MetricRow(name, family, found[0]))
    rows += [
        MetricRow(family, family, found[0])
        for family, found in metadata.items()
        if found and family not in named
    ]
    return sorted(rows, key=lambda row: row.name)


def _family_of(name: str, metadata: Mapping[str, Sequence[Metadata]]) -> str:
    if name in metadata:
        return name
    for suffix in _SUFFIXES:
        if name.endswith(suffix) and name.removesuffix(suffix) in metadata:
            return name.removesuffix(suffix)
    return name


def query_for(row: MetricRow) -> str:
    """What one wants to see first of such a metric."""
    name, kind = row.name, row.metadata.type
    window = f"[{_RATE_WINDOW}]"
    if kind is MetricType.HISTOGRAM and name == f"{row.family}_bucket":
        return f"histogram_quantile(0.99, sum by (le) (rate({_selector(name)}{window})))"
    if kind is MetricType.HISTOGRAM and name == row.family:
        # The series of a native histogram have the name of the family.
        return f"histogram_quantile(0.99, sum(rate({_selector(name)}{window})))"
    counted = kind in (MetricType.HISTOGRAM, MetricType.SUMMARY) and name != row.family
    guess = kind is MetricType.UNKNOWN and name.endswith("_total")
    if kind is MetricType.COUNTER or counted or guess:
        return f"rate({_selector(name)}{window})"
    return _selector(name)


def _selector(name: str) -> str:
    plain = name.isascii() and name.replace("_", "a").replace(":", "a").isalnum()
    return name if plain and not name[0].isdigit() else f"{{{quote(name)}}}"


def _model() -> RowModel[MetricRow]:
    def type_style(row: MetricRow, colours: Colours) -> Style:
        return colours.muted if row.metadata.type is MetricType.UNKNOWN else colours.accent

    return RowModel(
        (
            Column("name", "METRIC", lambda row: row.name, width_min=16, width_max=60, flex=1,
                   middle=True),
            Column("type", "TYPE", lambda row: row.metadata.type.value, style=type_style),
            Column("help", "HELP", lambda row: row.metadata.help, width_min=10, width_max=200,
                   flex=2, rank=1),
        ),
        key=lambda row: row.name,
    )  # fmt: skip


class MetricsPane(TabbedPane):
    """See the module."""

    PANE_ID = "metrics"
    TITLE = "Metrics"
    TOPICS = frozenset({Topic.CONFIG})

    def __init__(self, session: Session) -> None:
        self._metrics = VirtualList(
            _model(), title="Metrics", ascii_only=session.ascii,
            empty="no metrics in the last hour (r looks again)", id="metrics-all",
        )  # fmt: skip
        super().__init__(session, (("Metrics", self._metrics),))

    async def take(self) -> None:
        backend, now_ms = self.session.backend, self.session.now_ms()
        found = await backend.label_values(
            "__name__", (), now_ms - _LOOK_BACK_MS, now_ms, limit=_NAMES_MAX
        )
        metadata = await backend.metadata()
        cut = len(found.names) >= _NAMES_MAX
        self._metrics.note = f"cut at {count(_NAMES_MAX)}" if cut else "of the last hour"
        self._metrics.set_rows(metric_rows(found.names, metadata))

    def detail_of(self, row: object, width: int) -> Sequence[Row]:
        assert isinstance(row, MetricRow)
        return facts(
            (
                ("metric", row.name, "strong"),
                ("type", row.metadata.type.value),
                ("unit", row.metadata.unit or "not told"),
                ("help", row.metadata.help or "not told"),
                ("enter", query_for(row), "muted"),
            ),
            width,
        )

    def title_of(self, row: object) -> str:
        assert isinstance(row, MetricRow)
        return row.name

    def query_of(self, row: object) -> QueryRequest | None:
        return QueryRequest(query_for(row)) if isinstance(row, MetricRow) else None

    def copy_of(self, row: object) -> tuple[str, str] | None:
        assert isinstance(row, MetricRow)
        return row.name, "the name of the metric"

    def problem_test(self) -> Callable[[object], bool] | None:
        return None

    def on_virtual_list_opened(self, event: VirtualList.Opened) -> None:
        event.stop()
        event.prevent_default()  # the base class would show the detail
        request = self.query_of(event.row)
        if request is not None:
            self.post_message(OpenPane("query", request))
