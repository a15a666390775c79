"""What stands between the values of a body, kept so that another body is compared in one go.

    head i   from the end of value i-1 (its newline) up to value i; the last one ends the body

A head moves as the values before it grow and shrink, but its text stays. So each is covered with
pieces of 32 bytes at fixed distances from its start; the pieces of a whole body are picked with one
index and compared with the kept ones as one string. A mask over the body, and cutting the values
out by it, takes three times as long: it branches at every value, and between two scrapes the
processor forgets how these branches went.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from termprom.model.values import Ints

_WIDTH: Final = 32
_PIECE: Final = np.dtype(f"V{_WIDTH}")
_WORDS: Final = _WIDTH // 8


class Heads:
    """The K + 1 heads of a body with K values.

    lengths: (K + 1,) bytes of each
    """

    __slots__ = ("_distances", "_early", "_heads", "_masks", "_pieces", "lengths")

    def __init__(self, body: bytes, value_starts: Ints, ends: Ints) -> None:
        """Values are body[value_starts:ends], none empty; `ends` are newlines."""
        starts = _starts(ends)
        limits = np.append(value_starts, len(body))
        self.lengths: Ints = limits - starts
        # The least place at which a head can end, whatever the values: they have a byte at least.
        least_ends = np.cumsum(self.lengths + 1) - 1
        short = self.lengths < _WIDTH
        # What a piece that ends with the head would begin in front of the body.
        early = np.flatnonzero(short & (least_ends < _WIDTH)).tolist()
        self._early = [(number, body[starts[number] : limits[number]]) for number in early]
        short[early] = False
        long = np.flatnonzero(self.lengths >= _WIDTH)
        counts = -(-self.lengths[long] // _WIDTH)
        first = np.cumsum(counts) - counts
        heads = np.repeat(long, counts)
        distances = (np.arange(len(heads)) - np.repeat(first, counts)) * _WIDTH
        # The last piece of a head ends with it, over its neighbour if need be.
        distances = np.minimum(distances, self.lengths[heads] - _WIDTH)
        brief = np.flatnonzero(short)
        self._heads = np.concatenate([heads, brief]).astype(np.int32)
        self._distances = np.concatenate([distances, self.lengths[brief] - _WIDTH]).astype(np.int32)
        # Of a piece that is longer than its head only the end counts.
        own = np.arange(_WIDTH) >= _WIDTH - self.lengths[brief][:, None]
        self._masks = (own * np.uint8(255)).astype(np.uint8).view("<u8").ravel()
        self._pieces = self._pick(body, starts)

    def __repr__(self) -> str:
        return f"Heads({len(self.lengths)}, {len(self._pieces)} bytes)"

    def find(self, body: bytes, ends: Ints) -> Ints | None:
        """Where the values start that end at `ends`, if `body` has these heads; else None."""
        starts = _starts(ends)
        value_starts: Ints = starts + self.lengths
        if len(body) != int(value_starts[-1]):
            return None
        value_starts = value_starts[:-1]
        if len(ends) and int((ends - value_starts).min()) <= 0:
            return None
        for number, text in self._early:
            if not body.startswith(text, int(starts[number])):
                return None
        return value_starts if self._pick(body, starts) == self._pieces else None

    def text(self) -> bytes:
        """All heads, one after the other."""
        starts = np.cumsum(self.lengths) - self.lengths
        text = np.empty(int(self.lengths.sum()), dtype=np.uint8)
        count = len(self._heads) - len(self._masks) // _WORDS
        if count:
            places = starts[self._heads[:count]] + self._distances[:count]
            _windows(text)[places] = np.frombuffer(self._pieces, dtype=_PIECE, count=count)
        for place, number in enumerate(self._heads[count:].tolist(), start=count):
            start, length = int(starts[number]), int(self.lengths[number])
            end = (place + 1) * _WIDTH
            text[start : start + length] = np.frombuffer(
                self._pieces[end - length : end], dtype=np.uint8
            )
        for number, head in self._early:
            start = int(starts[number])
            text[start : start + len(head)] = np.frombuffer(head, dtype=np.uint8)
        return text.tobytes()

    def _pick(self, body: bytes, starts: Ints) -> bytes:
        """The pieces of a body whose heads start there."""
        if not len(self._heads):
            return b""
        places = starts[self._heads]
        places += self._distances
        pieces = _windows(body)[places]
        if len(self._masks):
            words = pieces.view("<u8")
            words[-len(self._masks) :] &= self._masks
        return pieces.tobytes()


def _starts(ends: Ints) -> Ints:
    starts = np.zeros(len(ends) + 1, dtype=np.int64)
    starts[1:] = ends
    return starts


def _windows(body: bytes | NDArray[np.uint8]) -> NDArray[np.void]:
    """The 32 bytes at every place of `body`, without a copy."""
    return np.ndarray((len(body) - _WIDTH + 1,), dtype=_PIECE, buffer=body, strides=(1,))
