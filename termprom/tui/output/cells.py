"""Text as the cells that it takes on a screen.

Agrees with the measure that Textual lays out by (`rich.cells`), so a row of cells is as long as its
strip says. What must not reach a terminal as part of a text never becomes a cell: control
characters and the marks that reorder a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from rich.cells import cell_len

# The second cell of a wide glyph; whatever is written over it takes the first one with it.
TAIL: Final = ""

_JOINER: Final = "\u200d"
_REORDERING: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
# One cell each, on every terminal: the fast path for nearly everything that is ever shown.
_SINGLE: Final = frozenset(
    character
    for first, last in (
        (0x20, 0x7E),
        (0xA0, 0xAC),
        (0xAE, 0x2FF),
        (0x370, 0x482),
        (0x2010, 0x2015),
        (0x2190, 0x2193),
        (0x2500, 0x25FC),
        (0x2800, 0x28FF),
    )
    for character in map(chr, range(first, last + 1))
)
is_single: Final = _SINGLE.issuperset
"""Whether each character of a text is a cell of its own, whatever the terminal."""


@lru_cache(maxsize=4_096)
def split_cells(text: str) -> tuple[str, ...]:
    """One string for each cell: a character with the marks that join it, or TAIL."""
    cells: list[str] = []
    glyph, width = "", 0
    glued = False
    for character in text:
        if _is_forbidden(character):
            continue
        grown = cell_len(glyph + character) - width
        if glyph and (glued or character == _JOINER or character == "\ufe0f" or grown == 0):
            glyph += character
            width += 0 if glued else grown
            glued = character == _JOINER
            continue
        _close(cells, glyph, width)
        glyph, width, glued = character, cell_len(character), character == _JOINER
    _close(cells, glyph, width)
    return tuple(cells)


def _close(cells: list[str], glyph: str, width: int) -> None:
    if width > 0:
        cells.append(glyph)
        cells.extend([TAIL] * (width - 1))
    elif cells and glyph:
        # A mark that has nothing to join in its own text joins what stands before it.
        head = next(place for place in range(len(cells) - 1, -1, -1) if cells[place] != TAIL)
        cells[head] += glyph


# What a terminal of ASCII only shows for the signs of this screen; for any other: a question mark.
_PLAIN: Final = str.maketrans(
    {"…": "~", "⋯": "~", "·": ".", "✓": "+", "✗": "x", "●": "!", "◐": ".", "○": "o", "▼": "v",
     "▲": "^", "▸": "+", "▾": "-", "↕": "*", "↑": "^", "↓": "v", "─": "-", "│": "|", "█": "#",
     "░": ".", "≈": "~", "⊘": "z", "↻": "@"}
)  # fmt: skip


def plain_cells(cells: Sequence[str]) -> list[str]:
    """The same number of cells, each of one ASCII character."""
    plain = [glyph.translate(_PLAIN) for glyph in cells]
    return [glyph if len(glyph) == 1 and glyph.isascii() else "?" for glyph in plain]


def _is_forbidden(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f" or character in _REORDERING


@lru_cache(maxsize=4_096)
def reach(glyph: str) -> int:
    """How many cells this glyph may take on some terminal: the sum of its parts, at least its own.

    Terminals disagree about emoji, joined sequences and variation selectors. One that takes more
    cells than it should overwrites those after it, which is why the stage sends them again.
    """
    if is_single(glyph):
        return 1
    parts = sum(cell_len(character) for character in glyph)
    own = cell_len(glyph)
    if len(glyph) == 1 and _is_settled(glyph):
        return own
    return max(parts, own, 2)


def _is_settled(character: str) -> bool:
    """Whether all terminals agree: East Asian scripts and whatever is older than emoji."""
    point = ord(character)
    return (
        0x1100 <= point <= 0x115F
        or 0x2E80 <= point <= 0x9FFF
        or 0xAC00 <= point <= 0xD7A3
        or 0xF900 <= point <= 0xFAFF
        or 0xFF00 <= point <= 0xFFEF
        or point < 0x2100
    )
