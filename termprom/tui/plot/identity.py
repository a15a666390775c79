"""Which colour, dash pattern and letter a series has on a graph.

Colours follow the label set, so a series keeps its own when others come and go; a letter and a
dash pattern tell series apart where colours cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from termprom.model.labels import Labels

COLOUR_COUNT: Final = 8
DASH_COUNT: Final = 4
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Pen:
    """How a series is drawn: a colour of the palette, a dash pattern, a letter at its end."""

    colour: int
    dash: int
    letter: str


def letter(number: int) -> str:
    """a..z, A..Z, then nothing: more than 52 lines are told apart by nobody."""
    return _LETTERS[number] if number < len(_LETTERS) else " "


class Pens:
    """Hands out pens; a label set keeps its colour as long as it stays among those shown.

    The colour is a hash of the labels; one that is taken yields to the next free one (linear
    probing). Letters and dashes follow the order in which series are listed.
    """

    def __init__(self) -> None:
        self._colours: dict[Labels, int] = {}

    def assign(self, series: Sequence[Labels]) -> list[Pen]:
        """One pen per label set, in the same order."""
        shown = set(series)
        self._colours = {labels: c for labels, c in self._colours.items() if labels in shown}
        used = [0] * COLOUR_COUNT
        for colour in self._colours.values():
            used[colour] += 1
        for labels in series:
            if labels not in self._colours:
                colour = _probe(crc32(repr(tuple(labels)).encode()) % COLOUR_COUNT, used)
                self._colours[labels] = colour
                used[colour] += 1
        return [
            Pen(self._colours[labels], number % DASH_COUNT, letter(number))
            for number, labels in enumerate(series)
        ]


def _probe(wanted: int, used: list[int]) -> int:
    """The first of the least used colours, counted from `wanted` round."""
    fewest = min(used)
    return next(
        colour
        for colour in ((wanted + n) % COLOUR_COUNT for n in range(COLOUR_COUNT))
        if used[colour] == fewest
    )


def common_labels(series: Sequence[Labels]) -> Labels:
    """The labels that all of them share; all of the labels of a single one."""
    if not series:
        return Labels()
    shared = set(series[0])
    for labels in series[1:]:
        shared.intersection_update(labels)
        if not shared:
            break
    return Labels(pair for pair in series[0] if pair in shared)
