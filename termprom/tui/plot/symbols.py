"""The glyphs that graphs are made of: how many dots a cell holds and how they look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Codepoints = NDArray[np.uint32]
Bits = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Symbols:
    """A set of glyphs. `glyphs` maps the bits of a cell to a character; 0 is a space.

    `bit` holds the bit of each dot, shape (tall, wide), top row first.
    """

    name: str
    wide: int
    tall: int
    bit: Bits
    glyphs: Codepoints

    def __repr__(self) -> str:
        return f"Symbols({self.name}, {self.wide}x{self.tall} dots a cell)"


def _set(name: str, bit: list[list[int]], glyphs: list[int]) -> Symbols:
    glyphs[0] = ord(" ")
    return Symbols(
        name,
        len(bit[0]),
        len(bit),
        np.array(bit, dtype=np.uint8),
        np.array(glyphs, dtype=np.uint32),
    )


def _sextant(bits: int) -> int:
    # U+1FB00.. leaves out the two that exist as half blocks: left half (21) and right half (42).
    special = {0: ord(" "), 21: ord("▌"), 42: ord("▐"), 63: ord("█")}
    return special.get(bits, 0x1FB00 + bits - 1 - (bits > 21) - (bits > 42))


BRAILLE: Final = _set(
    "braille",
    [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]],
    [0x2800 + bits for bits in range(256)],
)
SEXTANT: Final = _set("sextant", [[1, 2], [4, 8], [16, 32]], [_sextant(b) for b in range(64)])
QUADRANT: Final = _set("quadrant", [[1, 2], [4, 8]], [ord(c) for c in " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"])
BLOCK: Final = _set("block", [[1], [2]], [ord(c) for c in " ▀▄█"])
ASCII: Final = _set("ascii", [[1], [2]], [ord(c) for c in " '.:"])

SYMBOL_SETS: Final = {s.name: s for s in (BRAILLE, SEXTANT, QUADRANT, BLOCK, ASCII)}
