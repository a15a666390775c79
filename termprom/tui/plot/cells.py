"""A rectangle of characters with an ink each: what a picture is before it has colours."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from termprom.model.values import Ints

Inks = NDArray[np.int16]
Run = tuple[str, int]


class Ink(IntEnum):
    """What a character is part of; the screen turns it into a style.

    SERIES + colour is a line, SERIES_STRONG + colour the highlighted one, SERIES_DIM + colour its
    comparison; HEAT + level a cell of a heatmap. SELECTED is added to what lies in a selection.
    """

    PLAIN = 0
    AXIS = 1
    LABEL = 2
    THRESHOLD = 3
    CROSSHAIR = 4
    BAND = 5
    MARK = 7
    MARK_PENDING = 8
    MARK_FIRING = 9
    SERIES = 16
    SERIES_STRONG = 32
    SERIES_DIM = 48
    HEAT = 64
    SELECTED = 256


_SPACE: Final = ord(" ")


class Cells:
    """Characters and inks, both of shape (height, width); starts out blank."""

    __slots__ = ("chars", "inks")

    def __init__(self, height: int, width: int) -> None:
        self.chars: NDArray[np.uint32] = np.full((height, width), _SPACE, dtype=np.uint32)
        self.inks: Inks = np.zeros((height, width), dtype=np.int16)

    def __repr__(self) -> str:
        height, width = self.chars.shape
        return f"Cells({width}x{height})"

    @property
    def height(self) -> int:
        return int(self.chars.shape[0])

    @property
    def width(self) -> int:
        return int(self.chars.shape[1])

    def put(
        self, y: int, x: int, text: str, ink: int = Ink.PLAIN, *, sparing: bool = False
    ) -> None:
        """Write `text` at row y from column x, cut at the edges.

        `sparing` writes only on blank cells. Characters are one cell wide: the caller sees to it.
        """
        if not 0 <= y < self.height or not text:
            return
        if x < 0:
            text, x = text[-x:], 0
        text = text[: max(self.width - x, 0)]
        if not text:
            return
        where = slice(x, x + len(text))
        letters = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        if sparing:
            free = self.chars[y, where] == _SPACE
            self.chars[y, where] = np.where(free, letters, self.chars[y, where])
            self.inks[y, where] = np.where(free, ink, self.inks[y, where])
        else:
            self.chars[y, where] = letters
            self.inks[y, where] = ink

    def changed_rows(self, before: Cells | None) -> Ints:
        """The rows that differ from `before`; all of them where the size differs."""
        if before is None or before.chars.shape != self.chars.shape:
            return np.arange(self.height)
        differs = (self.chars != before.chars) | (self.inks != before.inks)
        return np.flatnonzero(differs.any(axis=1))

    def row(self, y: int) -> list[Run]:
        """Row y as runs of one ink; a blank takes the ink before it, which it does not show."""
        inks = self.inks[y].copy()
        blank = self.chars[y] == _SPACE
        # Blanks with a ground colour (selection, heat) do show; only the others may merge.
        mergeable = blank & (inks < Ink.HEAT)
        source = np.where(mergeable, 0, np.arange(inks.size))
        np.maximum.accumulate(source, out=source)
        inks = np.where(mergeable & (inks[source] < Ink.HEAT), inks[source], inks)
        text = self.chars[y].tobytes().decode("utf-32-le")
        edges = np.flatnonzero(inks[1:] != inks[:-1]) + 1
        starts = [0, *edges.tolist()]
        ends = [*edges.tolist(), inks.size]
        return [(text[a:b], int(inks[a])) for a, b in zip(starts, ends, strict=True) if b > a]

    def text(self) -> str:
        """The picture without inks, one line per row, no spaces at the ends."""
        return "\n".join(row.tobytes().decode("utf-32-le").rstrip() for row in self.chars)
