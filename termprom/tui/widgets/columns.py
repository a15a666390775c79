"""Columns of a list: what they show, what they sort by, and how wide they get."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from rich.style import Style

from termprom.tui.cells import inert, width_of
from termprom.tui.colours import Colours

R = TypeVar("R")

GAP: Final = 1  # cells between columns


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """One column. `text` is what came from outside: the list makes it inert.

    `flex` columns share what the others leave. On a narrow screen columns of the highest `rank`
    go first; rank 0 never goes. `sort` is a key, by default the text.
    """

    id: str
    title: str
    text: Callable[[R], str]
    width_min: int = 3
    width_max: int = 40
    flex: int = 0
    rank: int = 0
    right: bool = False
    middle: bool = False
    sort: Callable[[R], Any] | None = None
    sort_descending: bool = False  # what the first press of "sort" gives: the largest first
    style: Callable[[R, Colours], Style] | None = None
    value: Callable[[R], str | float | None] | None = None  # what filters compare


@dataclass(frozen=True, slots=True)
class RowModel(Generic[R]):
    """How a list sees its rows. `key` is the identity that selection sticks to."""

    columns: Sequence[Column[R]]
    key: Callable[[R], Hashable]
    labels: Callable[[R], Mapping[str, str]] | None = None

    def column(self, column_id: str) -> Column[R] | None:
        return next((one for one in self.columns if one.id == column_id), None)


class SearchableRow(Generic[R]):
    """A row as a filter sees it; its text is put together only when a filter asks for it."""

    __slots__ = ("_model", "_row", "_text")

    def __init__(self, model: RowModel[R], row: R) -> None:
        self._model = model
        self._row = row
        self._text: str | None = None

    @property
    def row(self) -> R:
        return self._row

    def text(self) -> str:
        if self._text is None:
            parts = [column.text(self._row) for column in self._model.columns]
            if self._model.labels is not None:
                parts += [f"{k}={v}" for k, v in self._model.labels(self._row).items()]
            self._text = " ".join(parts).lower()
        return self._text

    def field(self, name: str) -> str | float | None:
        column = self._model.column(name)
        if column is not None:
            return column.text(self._row) if column.value is None else column.value(self._row)
        if self._model.labels is not None:
            return self._model.labels(self._row).get(name)
        return None


def lay_out(
    columns: Sequence[Column[R]], sample: Sequence[R], width: int, *, all_columns: bool = False
) -> list[tuple[Column[R], int]]:
    """The columns that fit into `width` cells, with their widths.

    Widths come from the titles and the sample; what is left goes to the flexible columns.
    """
    wanted = {column.id: _natural(column, sample) for column in columns}
    kept = list(columns)
    while len(kept) > 1 and not all_columns:
        need = sum(
            column.width_min if column.flex else wanted[column.id] for column in kept
        ) + GAP * (len(kept) - 1)
        last = max(kept, key=lambda column: column.rank)
        if need <= width or last.rank == 0:
            break
        kept.remove(last)
    flexible = [column for column in kept if column.flex]
    widths = {column.id: wanted[column.id] for column in kept}
    rest = width - GAP * (len(kept) - 1) - sum(widths.values())
    if flexible and rest < 0:
        _shrink(widths, flexible, -rest)
    elif flexible:
        shares = sum(column.flex for column in flexible)
        for column in flexible:
            widths[column.id] += rest * column.flex // shares
    return [(column, widths[column.id]) for column in kept]


def _natural(column: Column[R], sample: Sequence[R]) -> int:
    widest = width_of(column.title) + 1
    for row in sample:
        text = column.text(row)
        widest = max(widest, min(width_of(inert(text[: 2 * column.width_max])), column.width_max))
        if widest >= column.width_max:
            break
    return max(min(widest, column.width_max), column.width_min)


def _shrink(widths: dict[str, int], flexible: Sequence[Column[R]], excess: int) -> None:
    """Take `excess` cells from the flexible columns, from the widest first."""
    while excess > 0:
        widest = max(flexible, key=lambda column: widths[column.id] - column.width_min)
        if widths[widest.id] <= widest.width_min:
            return
        widths[widest.id] -= 1
        excess -= 1
