"""Native histograms put together from their component columns."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from termprom.model.histogram import CounterResetHint
from termprom.model.values import ABSENT_BITS, AnyArray, Ints, TimesMs, Values, is_stale
from termprom.storage import Frame, HistogramFrame
from termprom.tsdb.components import BucketLayout, spans_of, split
from termprom.tsdb.starts import Starts
from termprom.tsdb.union import Components

FLOATS: Final = ""
_ABSENT = np.uint64(ABSENT_BITS)
_GAUGE = int(CounterResetHint.GAUGE)


@dataclass(frozen=True, slots=True)
class Part:
    """One component: its name, and bits (T,) at times_ms (T,)."""

    name: str
    times_ms: TimesMs
    bits: AnyArray


def gather(
    frame: Frame, first: int, components: Components, found: Mapping[int, list[Part]]
) -> None:
    """Add what is in `frame` to the parts of each series; components are numbered from `first`.

    The floats of a series are a part without a name.
    """
    bits = np.ascontiguousarray(frame.values).view(np.uint64)
    for row, place in enumerate((frame.series - first).tolist()):
        if place < 0:
            found[place + first].append(Part(FLOATS, frame.times_ms, bits[row]))
        else:
            part = Part(components.names[place], frame.times_ms, bits[row])
            found[int(components.bases[place])].append(part)


def histogram_frames(
    number: int, place: int, parts: Sequence[Part], starts: Starts | None
) -> Iterator[HistogramFrame]:
    """The histograms of one series, in runs of one layout, ordered by time.

    `number` is what the frames call the series, `place` what `starts` calls it.
    """
    layouts: dict[BucketLayout, list[tuple[str, Part]]] = {}
    floats_ms = np.zeros(0, dtype=np.int64)
    for part in parts:
        name, layout = split(part.name)
        if layout is not None:
            layouts.setdefault(layout, []).append((name, part))
        elif part.name == FLOATS:
            floats_ms = part.times_ms[part.bits != _ABSENT]
    frames = [
        frame
        for layout, named in layouts.items()
        if (frame := _frame(number, layout, named)) is not None
    ]
    for run in _in_order_of_time(frames):
        frame = replace(run, hints=_hints(run, floats_ms))
        known = None if starts is None else starts.at(place, frame.times_ms)
        yield frame if known is None else replace(frame, starts_ms=known)


def since(frames: Iterable[HistogramFrame], start_ms: int) -> Iterator[HistogramFrame]:
    """The frames less what is before `start_ms`."""
    for frame in frames:
        low = int(np.searchsorted(frame.times_ms, start_ms))
        if low == 0:
            yield frame
        elif low < frame.times_ms.size:
            yield _rows(frame, low, frame.times_ms.size)


def _frame(
    number: int, layout: BucketLayout, named: Sequence[tuple[str, Part]]
) -> HistogramFrame | None:
    """All histograms of one layout; None where there are none."""
    of = dict(named)
    total = of.get("sum")
    if total is None:
        return None
    here = np.flatnonzero(total.bits != _ABSENT)
    times = total.times_ms[here]
    if not times.size:
        return None

    def column(part: Part | None) -> Values:
        """The part's numbers at the times of the sums, 0 where it has none."""
        if part is None:
            return np.zeros(times.size, dtype=np.float64)
        if part.times_ms is total.times_ms:
            bits = part.bits[here]
            missing = bits == _ABSENT
        else:
            place = np.minimum(np.searchsorted(part.times_ms, times), part.times_ms.size - 1)
            bits = part.bits[place]
            missing = (part.times_ms[place] != times) | (bits == _ABSENT)
        return np.where(missing, np.uint64(0), bits).view(np.float64)

    def buckets(sign: str) -> tuple[list[int], Values]:
        indexes = sorted(int(name[1:]) for name in of if name[0] == sign)
        matrix = np.empty((times.size, len(indexes)), dtype=np.float64)
        for at, index in enumerate(indexes):
            matrix[:, at] = column(of[f"{sign}{index}"])
        return indexes, matrix

    positive, negative = buckets("+"), buckets("-")
    return HistogramFrame(
        number,
        layout.schema,
        layout.zero_threshold,
        spans_of(positive[0]),
        spans_of(negative[0]),
        layout.custom_values,
        times,
        column(of.get("hint")).astype(np.int64),
        column(of.get("count")),
        column(total),
        column(of.get("zero")),
        positive[1],
        negative[1],
    )


def _in_order_of_time(frames: Sequence[HistogramFrame]) -> Iterator[HistogramFrame]:
    """Frames cut where another layout comes between."""
    if len(frames) < 2:
        yield from frames
        return
    times = np.concatenate([frame.times_ms for frame in frames])
    owners = np.repeat(np.arange(len(frames)), [frame.times_ms.size for frame in frames])
    rows = np.concatenate([np.arange(frame.times_ms.size) for frame in frames])
    order = np.argsort(times, kind="stable")
    # Two layouts at one time can only come from two blocks: the first has it.
    order = order[np.diff(times[order], prepend=times[order[0]] - 1) > 0]
    owners, rows = owners[order], rows[order]
    cuts = [0, *(np.flatnonzero(np.diff(owners)) + 1).tolist(), owners.size]
    for low, high in itertools.pairwise(cuts):
        yield _rows(frames[int(owners[low])], int(rows[low]), int(rows[high - 1]) + 1)


def _hints(run: HistogramFrame, floats_ms: TimesMs) -> Ints:
    """What is known of counter resets: none where one histogram goes on where the last one was.

    Source: what the original's store hands out; it begins anew at a reset, at another layout and
    behind a float.
    """
    stored = run.hints
    goes_on = np.zeros(stored.size, dtype=np.bool_)
    if stored.size > 1:
        goes_on[1:] = (stored[:-1] != _GAUGE) & ~is_stale(run.sums)[:-1]
        for column in (run.counts, run.zero_counts):
            goes_on[1:] &= column[1:] >= column[:-1]
        for matrix in (run.positive, run.negative):
            goes_on[1:] &= (matrix[1:] >= matrix[:-1]).all(axis=1)
        if floats_ms.size:
            before = np.searchsorted(floats_ms, run.times_ms)
            goes_on[1:] &= before[1:] == before[:-1]
    goes_on &= stored == CounterResetHint.UNKNOWN
    hints: Ints = np.where(stored == _GAUGE, _GAUGE, goes_on * int(CounterResetHint.NOT_RESET))
    return hints


def _rows(frame: HistogramFrame, low: int, high: int) -> HistogramFrame:
    part = slice(low, high)
    return replace(
        frame,
        times_ms=frame.times_ms[part],
        hints=frame.hints[part],
        counts=frame.counts[part],
        sums=frame.sums[part],
        zero_counts=frame.zero_counts[part],
        positive=frame.positive[part],
        negative=frame.negative[part],
        starts_ms=None if frame.starts_ms is None else frame.starts_ms[part],
    )
