"""Which columns of a list are in sight, and how wide: laid out for the rows that are seen."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from termprom.tui.widgets.columns import Column, lay_out
from termprom.tui.widgets.row_order import RowOrder

R = TypeVar("R")

_SAMPLE_ROWS: Final = 200  # rows that decide how wide the columns are


class ColumnWindow(Generic[R]):
    """One per list. Narrow, it leaves out what does not fit; wide, it has every column and is
    moved sideways, all but the first one.
    """

    def __init__(self) -> None:
        self._layout: list[tuple[Column[R], int]] = []
        self._width = -1
        self._wide = False
        self._first = 0

    def __repr__(self) -> str:
        return f"ColumnWindow({'wide' if self._wide else 'narrow'}, from {self._first})"

    def forget(self) -> None:
        """The rows or the size are others."""
        self._width = -1

    def widen(self) -> None:
        """All columns, or as many as fit."""
        self._wide = not self._wide
        self._first = 0
        self.forget()

    def shift(self, columns: int) -> None:
        most = max(len(self._layout) - 2, 0)
        self._first = max(min(self._first + columns, most), 0) if self._wide else 0

    def layout(self, order: RowOrder[R], top: int, width: int) -> list[tuple[Column[R], int]]:
        """From left to right, with the cells of each, for the lines from `top` on."""
        if self._width != width:
            rows = (order.row(line) for line in order.lines[top : top + _SAMPLE_ROWS])
            sample = [row for row in rows if row is not None]
            self._layout = lay_out(order.model.columns, sample, width - 1, all_columns=self._wide)
            self._width = width
        return self._layout[:1] + self._layout[1 + self._first :]
