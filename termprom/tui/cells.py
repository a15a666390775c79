"""Text from outside made safe for a screen, and cut to a number of cells.

A label value may hold an escape sequence, a line break, a right-to-left override or ten thousand
letters. Nothing of that may move the cursor, turn a line round or cost more than its own cells.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from rich.cells import cell_len, chop_cells, set_cell_size

ELLIPSIS: Final = "…"
_ASCII_ELLIPSIS: Final = "~"
# Control (Cc), format (Cf: bidi overrides, zero-width joiners), line and paragraph separators,
# surrogates and private use: none of them has one well-defined cell.
_INERT_CATEGORIES: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})
_CONTROL_PICTURES: Final = 0x2400  # U+2400 is the picture of NUL, and so on up to U+241F
_CELLS_PER_CHAR_MIN: Final = 4  # a text of more than this many characters a cell is cut unseen


def inert(text: str) -> str:
    """`text` on one line, with whatever could act on a terminal replaced by a visible sign."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_inert_char(char) for char in text)


@lru_cache(maxsize=4096)
def _inert_char(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    if code == 0x7F:
        return "\u2421"
    if unicodedata.category(char) in _INERT_CATEGORIES:
        return "\ufffd"
    return char


def width_of(text: str) -> int:
    """How many cells the (inert) text takes."""
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, width: int, *, middle: bool = False, ascii_only: bool = False) -> str:
    """`text` in exactly `width` cells: padded with blanks, or cut with an ellipsis.

    A name that is cut in the `middle` keeps its head and its tail.
    """
    return pad(cut(text, width, middle=middle, ascii_only=ascii_only), width)


def pad(text: str, width: int) -> str:
    """`text`, which is no wider, followed by blanks up to `width` cells."""
    return text + " " * (width - width_of(text))


def cut(text: str, width: int, *, middle: bool = False, ascii_only: bool = False) -> str:
    """`text` in at most `width` cells."""
    if width <= 0:
        return ""
    limit = width * _CELLS_PER_CHAR_MIN
    if len(text) <= limit and width_of(text) <= width:
        return text
    dots = _ASCII_ELLIPSIS if ascii_only else ELLIPSIS
    if width == 1:
        return dots
    room = width - 1
    if not middle:
        return _head(text[:limit], room) + dots
    tail = _tail(text[-limit:], room // 3)
    return _head(text[:limit], room - width_of(tail)) + dots + tail


def _head(text: str, width: int) -> str:
    return text[:width] if text.isascii() else set_cell_size(text, width).rstrip()


def _tail(text: str, width: int) -> str:
    if text.isascii():
        return text[-width:] if width else ""
    kept = ""
    for char in reversed(text):
        if cell_len(char + kept) > width:
            break
        kept = char + kept
    return kept


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells, broken between words where that is possible."""
    width = max(width, 1)
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if width_of(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *whole, line = chop_cells(word, width) or [""]
        lines.extend(whole)
    lines.append(line)
    return lines
