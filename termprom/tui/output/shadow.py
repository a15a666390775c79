"""Two pictures of the screen: what it is to show and what the terminal has been sent.

The compositor forgets a region once it has rendered it. So every update goes into the wanted
picture at once, and a frame is whatever makes the sent picture equal to it, whenever there is room
for a frame: updates that were held back are never lost, and those that cancelled out cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from termprom.tui.output.cells import TAIL, is_single, plain_cells, reach, split_cells
from termprom.tui.output.moves import Place, move
from termprom.tui.output.pen import DEFAULT, Pen, change

Piece = tuple[str, Pen]

_BRIDGE_BYTES_MAX: Final = 4  # unchanged cells cheaper than this to send again than to jump over
_ERASE_CELLS_MIN: Final = 8  # fewer blanks are sent as spaces
_UNKNOWN: Final = "\x00"  # equals no cell that is ever wanted


class _Row:
    """One line of a picture: glyphs and pens, and the columns [low, high) that may differ."""

    __slots__ = ("glyphs", "high", "low", "pens", "sent_glyphs", "sent_pens")

    def __init__(self, width: int) -> None:
        self.glyphs = [" "] * width
        self.pens = [DEFAULT] * width
        self.sent_glyphs = [_UNKNOWN] * width
        self.sent_pens = [DEFAULT] * width
        self.low, self.high = 0, width

    def touch(self, low: int, high: int) -> None:
        self.low, self.high = min(self.low, low), max(self.high, high)

    def settle(self) -> None:
        """What is wanted is what was sent, in all columns that may have differed."""
        low, high = self.low, self.high
        self.sent_glyphs[low:high] = self.glyphs[low:high]
        self.sent_pens[low:high] = self.pens[low:high]
        self.low, self.high = len(self.glyphs), 0


class ShadowScreen:
    """The two pictures of a screen of `width` x `height` cells.

    `erases_colour`: the terminal fills erased cells with the current background colour.
    `ascii_only`: it can show nothing else; other glyphs are replaced, cell for cell.
    """

    def __init__(
        self, width: int, height: int, *, erases_colour: bool = False, ascii_only: bool = False
    ) -> None:
        self.width, self.height = width, height
        self._erases_colour = erases_colour
        self._ascii_only = ascii_only
        self._rows = [_Row(width) for _ in range(height)]
        self._touched: set[int] = set()
        self._cursor: Place | None = None
        self._pen = DEFAULT
        self.forget()

    def __repr__(self) -> str:
        return f"ShadowScreen({self.width}x{self.height}, {len(self._touched)} rows to send)"

    @property
    def is_settled(self) -> bool:
        """Whether no update has come in since the last frame."""
        return not self._touched

    def put(self, y: int, x: int, pieces: Iterable[Piece], limit: int) -> None:
        """Want `pieces` on line `y` from column `x` on, cut off at column `limit` (exclusive)."""
        if not 0 <= y < self.height:
            return
        glyphs: list[str] = []
        pens: list[Pen] = []
        for text, pen in pieces:
            cells: Sequence[str] = text if is_single(text) else split_cells(text)
            if self._ascii_only and not text.isascii():
                cells = plain_cells(cells)
            glyphs += cells
            if pen.blank is not pen and pen.blank is not None and text.isspace():
                pen = pen.blank
            pens += [pen] * len(cells)
        end = min(x + len(glyphs), limit, self.width)
        if x < 0 or end <= x:
            return
        del glyphs[end - x :], pens[end - x :]
        row = self._rows[y]
        if row.glyphs[x:end] == glyphs and row.pens[x:end] == pens:
            return  # wherever that differs from what was sent, the row is touched already
        row.glyphs[x:end], row.pens[x:end] = glyphs, pens
        row.touch(*_whole_glyphs(row.glyphs, row.pens, x, end))
        self._touched.add(y)

    def forget(self) -> None:
        """The terminal may show anything: the next frame sends every cell."""
        for y, row in enumerate(self._rows):
            row.sent_glyphs = [_UNKNOWN] * self.width
            row.touch(0, self.width)
            self._touched.add(y)
        self._cursor = None
        self._pen = DEFAULT

    def frame(self, cursor: Place) -> str:
        """What makes the terminal show what is wanted, with the cursor at `cursor` and no pen set;
        it counts as sent.
        """
        out: list[str] = []
        for y in sorted(self._touched):
            self._send_row(y, out)
            self._rows[y].settle()
        self._touched.clear()
        out.append(change(self._pen, DEFAULT))
        self._pen = DEFAULT
        out.append(move(self._cursor, cursor))
        self._cursor = cursor
        return "".join(out)

    def _send_row(self, y: int, out: list[str]) -> None:
        row = self._rows[y]
        glyphs, pens = row.glyphs, row.pens
        old_glyphs, old_pens = row.sent_glyphs, row.sent_pens
        x, high = row.low, row.high
        if glyphs[x:high] == old_glyphs[x:high] and pens[x:high] == old_pens[x:high]:
            return
        forced = 0  # cells before this column are sent whether they differ or not
        while x < high:
            if x >= forced and glyphs[x] == old_glyphs[x] and pens[x] is old_pens[x]:
                x += 1
                continue
            if glyphs[x] == TAIL:
                # A glyph is sent whole, and its head came before: the tail is done with it.
                x += 1
                continue
            self._bridge(y, x, out)
            erased = self._erase(y, x, high, out)
            if erased:
                x += erased
                continue
            glyph, pen = glyphs[x], pens[x]
            self._take_pen(pen, glyph, out)
            span = 2 if x + 1 < self.width and glyphs[x + 1] == TAIL else 1
            most = reach(glyph)
            risky = most > span or (most > 1 and len(glyph) > 1)
            if risky:
                # On a terminal that draws it narrower, what stood in its second cell must go.
                out.append(" " * span + move(None, (y, x)))
            out.append(glyph)
            x += span
            self._cursor = (y, x) if x < self.width and not risky else None
            if risky:
                forced = max(forced, min(x - span + most, self.width))
                high = max(high, forced)

    def _bridge(self, y: int, x: int, out: list[str]) -> None:
        """Get the cursor to (y, x): over a few unchanged cells by sending them again."""
        if self._cursor == (y, x):
            return
        jump = move(self._cursor, (y, x))
        if self._cursor is not None and self._cursor[0] == y and self._cursor[1] < x:
            row, start = self._rows[y], self._cursor[1]
            between = row.glyphs[start:x]
            if (
                len(between) <= _BRIDGE_BYTES_MAX
                and all(pen is self._pen for pen in row.pens[start:x])
                and all(map(is_single, between))
                and TAIL not in between
                and between == row.sent_glyphs[start:x]
            ):
                again = "".join(between)
                if len(again.encode()) <= min(len(jump), _BRIDGE_BYTES_MAX):
                    jump = again
        out.append(jump)
        self._cursor = (y, x)

    def _erase(self, y: int, x: int, high: int, out: list[str]) -> int:
        """Erase the blanks of one pen from here on, if that is shorter; how many cells it was."""
        row = self._rows[y]
        glyphs, pens, pen = row.glyphs, row.pens, row.pens[x]
        if glyphs[x] != " " or pen.blank is not pen or pen.link:
            return 0
        if pen.background and not self._erases_colour:
            return 0
        end = x + 1
        while end < high and glyphs[end] == " " and pens[end] is pen:
            end += 1
        count = end - x
        if count < _ERASE_CELLS_MIN:
            return 0
        whole = end == self.width
        sequence = "\x1b[K" if whole else f"\x1b[{count}X"
        # After ECH the cursor still stands in front of the blanks, which costs a jump.
        if not whole and len(sequence) + 5 >= count:
            return 0
        self._take_pen(pen, "", out)
        out.append(sequence)
        return count

    def _take_pen(self, pen: Pen, glyph: str, out: list[str]) -> None:
        """Draw with `pen` from now on; for a blank, any pen of its background does."""
        now = self._pen
        if now is pen:
            return
        if (
            glyph == " "
            and pen.plain_on_blanks
            and now.plain_on_blanks
            and now.background == pen.background
            and now.link == pen.link
        ):
            return
        out.append(change(now, pen))
        self._pen = pen


def _whole_glyphs(glyphs: list[str], pens: list[Pen], x: int, end: int) -> tuple[int, int]:
    """Make sense of glyphs that were cut at either end of [x, end): halves become blanks. The
    columns that may have changed.
    """
    low, high = x, end
    if glyphs[x] == TAIL:
        glyphs[x] = " "
    if x > 0 and glyphs[x - 1] != TAIL and split_cells(glyphs[x - 1])[1:]:
        # A wide glyph in front of x whose tail has just been overwritten.
        glyphs[x - 1] = " "
        low = x - 1
    while high < len(glyphs) and glyphs[high] == TAIL:
        glyphs[high] = " "
        high += 1
    # A wide glyph that was cut at `end`: a tail that stood there before was blanked above.
    last = glyphs[end - 1]
    if last != TAIL and split_cells(last)[1:]:
        glyphs[end - 1] = " "
    return low, high
