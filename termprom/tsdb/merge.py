"""Cells of several sources, brought together into frames."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from termprom.model.values import ABSENT_BITS, STALE_BITS, AnyArray, Ints, TimesMs
from termprom.storage import Frame
from termprom.tsdb.source import OWN_TIMES, Piece

_ABSENT = np.uint64(ABSENT_BITS)
_STALE = np.uint64(STALE_BITS)


def frames_of(pieces: Sequence[Piece], series_max: int) -> Iterator[Frame]:
    """Frames from the pieces of some series, oldest source first; each series in exactly one.

    Series that lie in one timeline only, which is nearly all, stay matrices. The others (a target
    that moved, samples out of order) are merged one by one.
    """
    by_timeline: dict[bytes | tuple[bytes, int], list[Piece]] = {}
    for piece in pieces:
        key = piece.timeline or (OWN_TIMES, int(piece.series[0]))
        by_timeline.setdefault(key, []).append(piece)
    mixed = _in_several(list(by_timeline.values()))
    if mixed is not None:
        # In the order of the pieces, not of the timelines: at equal times the first decides.
        apart: dict[int, list[Piece]] = {}
        by_timeline = {}
        for piece in pieces:
            left = _take_apart(piece, mixed, apart)
            if left is not None:
                key = piece.timeline or (OWN_TIMES, int(piece.series[0]))
                by_timeline.setdefault(key, []).append(left)
        for number in sorted(apart):
            yield from _cut(join(apart[number]), series_max)
    for parts in by_timeline.values():
        yield from _cut(join(parts), series_max)


def join(parts: Sequence[Piece]) -> Piece:
    """One piece out of those of one timeline; at equal times the first piece with a sample wins."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    same = all(
        part.series is first.series or np.array_equal(part.series, first.series) for part in parts
    )
    series = first.series if same else np.unique(np.concatenate([part.series for part in parts]))
    ascending = all(
        earlier.times_ms[-1] < later.times_ms[0] for earlier, later in itertools.pairwise(parts)
    )
    if ascending:
        times = np.concatenate([part.times_ms for part in parts])
        if same:
            bits = np.concatenate([part.bits for part in parts], axis=1)
            return Piece(first.timeline, series, times, bits)
    else:
        times = np.unique(np.concatenate([part.times_ms for part in parts]))
    bits = np.full((series.size, times.size), ABSENT_BITS, dtype=np.uint64)
    start = 0
    for part in parts:
        rows = slice(None) if same else np.searchsorted(series, part.series)
        if ascending:
            bits[rows, start : start + part.times_ms.size] = part.bits
            start += part.times_ms.size
        else:
            columns = np.searchsorted(times, part.times_ms)
            places = np.ix_(np.arange(series.size)[rows], columns)
            held = bits[places]
            bits[places] = np.where(held == _ABSENT, part.bits, held)
    return Piece(first.timeline, series, times, bits)


def _in_several(timelines: Sequence[Sequence[Piece]]) -> Ints | None:
    """The series that lie in more than one timeline; None where there are none."""
    if len(timelines) < 2:
        return None
    held = []
    for parts in timelines:
        if len(parts) == 1 or all(part.series is parts[0].series for part in parts):
            held.append(parts[0].series)
        else:
            held.append(np.unique(np.concatenate([part.series for part in parts])))
    series, counts = np.unique(np.concatenate(held), return_counts=True)
    several: Ints = series[counts > 1]
    return several if several.size else None


def _take_apart(piece: Piece, mixed: Ints, apart: dict[int, list[Piece]]) -> Piece | None:
    """`piece` less the `mixed` series, which go to `apart`; None where nothing is left."""
    is_mixed = np.isin(piece.series, mixed)
    if not is_mixed.any():
        return piece
    for row in np.flatnonzero(is_mixed).tolist():
        bits = piece.bits[row]
        used = np.flatnonzero(bits != _ABSENT)
        if used.size:
            alone = Piece(
                OWN_TIMES, piece.series[row : row + 1], piece.times_ms[used], bits[used][None, :]
            )
            apart.setdefault(int(piece.series[row]), []).append(alone)
    if is_mixed.all():
        return None
    kept = np.flatnonzero(~is_mixed)
    return Piece(piece.timeline, piece.series[kept], piece.times_ms, piece.bits[kept])


def _cut(piece: Piece, series_max: int) -> Iterator[Frame]:
    for start in range(0, piece.series.size, series_max):
        part = slice(start, start + series_max)
        frame = _frame(piece.series[part], piece.times_ms, piece.bits[part])
        if frame is not None:
            yield frame


def _frame(series: Ints, times: TimesMs, bits: AnyArray) -> Frame | None:
    """None where no cell holds a sample."""
    values = bits.view(np.float64)
    # Both patterns are NaNs, and finding out that there is none takes one pass.
    nan = np.isnan(values)
    if not nan.any():
        return Frame(series, times, values, dense=True)
    absent = bits == _ABSENT
    if absent.any():
        alive = ~absent.all(axis=1)
        if not alive.all():
            if not alive.any():
                return None
            series, bits, absent = series[alive], bits[alive], absent[alive]
        # A time at which none of these series has a sample is not a row.
        used = ~absent.all(axis=0)
        if not used.all():
            times, bits = times[used], bits[:, used]
        return Frame(series, times, bits.view(np.float64), dense=False)
    return Frame(series, times, values, dense=not bool((bits == _STALE).any()))
