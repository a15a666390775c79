"""What the TSDB pane says of the store: pure, no widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from termprom.model.labels import quote
from termprom.tui.figures import count, date_and_clock, number, percent, size, span
from termprom.tui.session import Session
from termprom.tui.widgets.columns import Column, RowModel
from termprom.tui.widgets.text_box import Fact, Row, facts
from termprom.views import BlockView, CardinalityView, StatusView, StorageView

Kind = Literal["metric", "label", "label bytes", "pair"]
UNITS = {"metric": "series", "label": "values", "label bytes": "bytes", "pair": "series"}


@dataclass(frozen=True, slots=True)
class CardinalityRow:
    """One of the largest of its kind. `series` is the total of the head."""

    kind: Kind
    name: str
    count: int
    series: int

    @property
    def share(self) -> float | None:
        """Of all series; None where the count is not one of series."""
        if UNITS[self.kind] != "series" or not self.series:
            return None
        return self.count / self.series

    @property
    def figure(self) -> str:
        if self.kind == "label bytes":
            return size(self.count)
        return f"{count(self.count)} {UNITS[self.kind]}"


def cardinality_rows(view: CardinalityView) -> Sequence[CardinalityRow]:
    lists: Sequence[tuple[Kind, Sequence[tuple[str, int]]]] = (
        ("metric", view.by_metric),
        ("label", view.by_label_values),
        ("label bytes", view.by_label_bytes),
        ("pair", view.by_pair),
    )
    return [
        CardinalityRow(kind, name, many, view.series) for kind, rows in lists for name, many in rows
    ]


def cardinality_expr(row: CardinalityRow) -> str:
    """A query that takes the row apart."""
    if row.kind == "metric":
        return f"count({{__name__={quote(row.name)}}})"
    if row.kind == "pair":
        name, _, value = row.name.partition("=")
        value = value[1:-1] if value.startswith('"') and value.endswith('"') else value
        return f"topk(20, count by (__name__) ({{{_label(name)}={quote(value)}}}))"
    return f'topk(20, count by ({_label(row.name)}) ({{{_label(row.name)}!=""}}))'


def _label(name: str) -> str:
    plain = name.isascii() and name.replace("_", "a").isalnum() and not name[:1].isdigit()
    return name if plain else quote(name)


def cardinality_model() -> RowModel[CardinalityRow]:
    return RowModel(
        (
            Column("name", "NAME", lambda one: one.name, width_min=14, width_max=120, flex=1,
                   middle=True),
            Column("count", "COUNT", lambda one: one.figure, right=True,
                   sort=lambda one: one.count, sort_descending=True,
                   value=lambda one: float(one.count)),
            Column("share", "SHARE",
                   lambda one: "" if one.share is None else percent(one.share), right=True, rank=1,
                   sort=lambda one: one.share or 0.0, sort_descending=True,
                   value=lambda one: one.share),
        ),
        key=lambda one: (one.kind, one.name),
    )  # fmt: skip


def blocks_model(session: Session) -> RowModel[BlockView]:
    return RowModel(
        (
            Column("id", "BLOCK", lambda one: one.id, width_max=26, rank=3),
            Column("from", "FROM", lambda one: date_and_clock(one.start_ms, session.zone),
                   sort=lambda one: one.start_ms),
            Column("span", "SPAN", lambda one: span((one.end_ms - one.start_ms) / 1000),
                   right=True, sort=lambda one: one.end_ms - one.start_ms),
            Column("series", "SERIES", lambda one: count(one.series), right=True, rank=2,
                   sort=lambda one: one.series, sort_descending=True,
                   value=lambda one: float(one.series)),
            Column("samples", "SAMPLES", lambda one: count(one.samples), right=True, rank=1,
                   sort=lambda one: one.samples, sort_descending=True,
                   value=lambda one: float(one.samples)),
            Column("bytes", "SIZE", lambda one: size(one.size_bytes), right=True,
                   sort=lambda one: one.size_bytes, sort_descending=True,
                   value=lambda one: float(one.size_bytes)),
            Column("each", "B/SAMPLE",
                   lambda one: f"{one.size_bytes / one.samples:.2f}" if one.samples else "-",
                   right=True, rank=4),
            Column("level", "LEVEL", lambda one: str(one.level), right=True, rank=5,
                   sort=lambda one: one.level),
        ),
        key=lambda one: one.id,
    )  # fmt: skip


NOT_TOLD: Final = "not told"


def store_rows(
    status: StatusView, session: Session, width: int, counted: CardinalityView | None = None
) -> Sequence[Row]:
    """Head, write-ahead log, blocks and retention; what is wrong comes first.

    A server that says nothing of its store may still count its series (`counted`).
    """
    if status.storage == StorageView():
        return facts(_untold_store(status, counted), width)
    return facts(_store_facts(status, session), width)


def _untold_store(status: StatusView, counted: CardinalityView | None) -> list[Fact]:
    """What else a server tells: its flags, and its count of series."""
    head = NOT_TOLD
    if counted is not None:
        head = f"{count(counted.series)} series, {count(counted.label_pairs)} label pairs"
    flags = status.flags
    kept = flags.get("storage.tsdb.retention.time") or flags.get("retentionPeriod") or ""
    most = flags.get("storage.tsdb.retention.size", "0B")
    parts = [kept] if kept not in ("", "0s") else []
    parts += [f"at most {most}"] if most not in ("", "0B") else []
    rest: list[Fact] = [
        (name, NOT_TOLD, "muted") for name in ("head span", "appended", "refused", "log (WAL)",
                                               "blocks")
    ]  # fmt: skip
    return [
        ("folder", status.data_folder or NOT_TOLD),
        ("head", head),
        *rest,
        ("kept", ", ".join(parts) or NOT_TOLD),
    ]


def _store_facts(status: StatusView, session: Session) -> list[Fact]:
    store, zone = status.storage, session.zone
    disk = sum(block.size_bytes for block in store.blocks)
    stored = sum(block.samples for block in store.blocks)
    pairs: list[Fact] = []
    if store.read_only_reason:
        pairs.append(("READ ONLY", store.read_only_reason, "critical"))
    if store.replay_dropped:
        pairs.append(("replay cut", store.replay_dropped, "warning"))
    pairs += [
        ("folder", store.path or status.data_folder or NOT_TOLD),
        ("head", f"{count(store.head_series)} series in {count(store.head_groups)} groups, "
                 f"{count(store.head_samples)} samples"),
    ]  # fmt: skip
    if store.head_start_ms:
        start = date_and_clock(store.head_start_ms, zone)
        lasts = span((store.head_end_ms - store.head_start_ms) / 1000)
        pairs.append(
            ("head span", f"{start} to {date_and_clock(store.head_end_ms, zone)}, {lasts}")
        )
    else:
        pairs.append(("head span", "no samples yet"))
    total = f"{count(store.samples_appended)} since the start"
    if status.samples_per_second:
        total += f", {number(status.samples_per_second)} samples/s now"
    refused = (
        f"{count(store.out_of_order)} out of order, {count(store.duplicates)} duplicates, "
        f"{count(store.too_old)} too old"
    )
    some = store.out_of_order or store.duplicates or store.too_old
    kept = span(store.retention_ms / 1000) if store.retention_ms else "for ever"
    if store.retention_bytes:
        kept += f", at most {size(store.retention_bytes)}"
    pairs += [
        ("appended", total),
        ("refused", refused, "warning" if some else "text"),
        ("log (WAL)", f"{size(store.wal_bytes)}, {count(store.replayed_records)} records replayed"),
        ("blocks", f"{len(store.blocks)}, {size(disk)}, {count(stored)} samples"),
        ("kept", kept),
    ]
    return pairs


def block_rows(block: BlockView, session: Session, width: int) -> Sequence[Row]:
    each = f", {block.size_bytes / block.samples:.2f} B a sample" if block.samples else ""
    return facts(
        (
            ("block", block.id),
            ("from", date_and_clock(block.start_ms, session.zone)),
            ("to", date_and_clock(block.end_ms, session.zone)),
            ("holds", f"{count(block.samples)} samples of {count(block.series)} series"),
            ("size", f"{size(block.size_bytes)}{each}"),
            ("level", str(block.level)),
        ),
        width,
    )
