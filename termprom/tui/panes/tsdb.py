"""TSDB: the head, the log, the blocks, and where the series come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from termprom.backend.interface import Feature, Topic
from termprom.errors import NotOffered
from termprom.tui.messages import QueryRequest
from termprom.tui.panes.tabbed import TabbedPane
from termprom.tui.panes.tsdb_rows import (
    CardinalityRow,
    block_rows,
    blocks_model,
    cardinality_expr,
    cardinality_model,
    cardinality_rows,
    store_rows,
)
from termprom.tui.session import Session
from termprom.tui.widgets.text_box import Row, TextBox, facts
from termprom.tui.widgets.virtual_list import VirtualList
from termprom.views import BlockView, CardinalityView, StatusView, StorageView

_CARDINALITY_MAX: Final = 50  # of each list
_CARDINALITY_PERIOD_MS: Final = 10_000  # counting all series is work for the engine
_NO_BLOCK: Final = "no block yet: everything is in the head"
_HEADINGS: Final = {
    "metric": "metrics with the most series",
    "label": "labels with the most values",
    "label bytes": "labels whose values take most memory",
    "pair": "label pairs of the most series",
}


class TsdbPane(TabbedPane):
    """See the module."""

    PANE_ID = "tsdb"
    TITLE = "TSDB"
    TOPICS = frozenset({Topic.STATS})

    def __init__(self, session: Session) -> None:
        self._store = TextBox("Store", id="tsdb-store")
        self._series = VirtualList(
            cardinality_model(), title="Cardinality of the head", ascii_only=session.ascii,
            empty="no series yet", id="tsdb-cardinality",
        )  # fmt: skip
        self._series.set_group(lambda one: _HEADINGS[one.kind])
        self._blocks = VirtualList(
            blocks_model(session), title="Blocks on disk", ascii_only=session.ascii,
            empty=_NO_BLOCK, id="tsdb-blocks",
        )  # fmt: skip
        tabs = (("Store", self._store), ("Cardinality", self._series), ("Blocks", self._blocks))
        super().__init__(session, tabs)
        self._counted_ms = 0
        self._counted: CardinalityView | None = None

    async def take(self) -> None:
        backend, now_ms = self.session.backend, self.session.now_ms()
        status = await backend.status()
        self._fill_store(status)
        told = status.storage != StorageView()
        self._blocks.empty = _NO_BLOCK if told else f"{backend.name} does not tell its blocks"
        self._blocks.set_rows(status.storage.blocks)
        if not backend.offers(Feature.CARDINALITY):
            self._series.say(f"{backend.name} does not count its series: unavailable", "warning")
        elif now_ms - self._counted_ms >= _CARDINALITY_PERIOD_MS:
            try:
                view = await backend.cardinality(_CARDINALITY_MAX)
            except NotOffered as problem:
                self._series.say(f"unavailable: {problem}", "warning")
                return
            self._counted_ms = now_ms
            self._counted = view
            self._fill_store(status)
            self._series.note = f"{view.series} series, {view.label_pairs} label pairs"
            self._series.set_rows(cardinality_rows(view))

    def _fill_store(self, status: StatusView) -> None:
        self._store.fill(lambda width: store_rows(status, self.session, width, self._counted))

    def detail_of(self, row: object, width: int) -> Sequence[Row]:
        if isinstance(row, BlockView):
            return block_rows(row, self.session, width)
        assert isinstance(row, CardinalityRow)
        return facts(
            (
                (row.kind, row.name),
                ("count", row.figure),
                ("o opens", cardinality_expr(row), "muted"),
            ),
            width,
        )

    def title_of(self, row: object) -> str:
        return "block" if isinstance(row, BlockView) else "cardinality"

    def query_of(self, row: object) -> QueryRequest | None:
        if not isinstance(row, CardinalityRow):
            return None
        return QueryRequest(cardinality_expr(row), graph=False)

    def copy_of(self, row: object) -> tuple[str, str] | None:
        if isinstance(row, BlockView):
            return row.id, "the id of the block"
        assert isinstance(row, CardinalityRow)
        return row.name, "the name"

    def problem_test(self) -> Callable[[object], bool] | None:
        return None
