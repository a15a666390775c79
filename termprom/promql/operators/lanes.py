"""From stored frames to samples that kernels can index.

Wide frames keep their shared timestamps and go through in chunks of rows that fit the cache. Narrow
ones (one series each of thousands of targets) are laid end to end until there is enough to do, so
that kernels are called a few times and not once per frame. Columns in which every cell is a hole
(a whole target went stale) are cut out; rows that still have holes take the ragged form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from termprom.model.values import Ints, Mask, TimesMs, Values, is_absent, is_stale
from termprom.promql.kernels.windows import Samples, ragged, shared
from termprom.storage import Frame

# In cells. Below the first a frame is narrow; the second is when a stack is handed on; chunks of
# the third keep a kernel's handful of temporaries inside the second level cache.
_NARROW_CELLS = 1 << 15
_STACK_CELLS = 1 << 18
_CHUNK_CELLS = 1 << 17

Lane = tuple[Ints, Samples]  # row numbers (K,) and the samples of those rows


def lanes(
    frames: Iterable[Frame], steps: int, *, keep_stale: bool, keep_starts: bool = False
) -> Iterator[Lane]:
    """All samples of `frames`, prepared for windows over `steps` steps.

    `keep_stale` leaves staleness markers in, for selectors to which they mean "ended";
    `keep_starts` the start times of samples that have any.
    """
    stack = _Stack(steps)
    for frame in frames:
        if frame.values.size == 0:
            continue
        if keep_starts and frame.starts_ms is not None:
            yield from _with_starts(frame, frame.starts_ms, keep_stale=keep_stale)
            continue
        if frame.values.size + frame.series.size * steps <= _NARROW_CELLS:
            held = None if frame.dense else holds_sample(frame.values, keep_stale=keep_stale)
            stack.add(frame.series, frame.times_ms, frame.values, held)
            if stack.cells >= _STACK_CELLS:
                yield from stack.flush()
            continue
        held = None if frame.dense else holds_sample(frame.values, keep_stale=keep_stale)
        yield from split(frame.series, frame.times_ms, frame.values, held, steps)
    yield from stack.flush()


def _with_starts(frame: Frame, starts_ms: Ints, *, keep_stale: bool) -> Iterator[Lane]:
    """A frame whose samples tell since when they count, laid end to end."""
    held = holds_sample(frame.values, keep_stale=keep_stale)
    samples = ragged([frame.times_ms], [frame.values], [held])
    if samples.times_ms.size:
        yield frame.series, replace(samples, since_ms=starts_ms[held])


def holds_sample(values: Values, *, keep_stale: bool) -> Mask:
    """Which cells are samples."""
    held: Mask = ~is_absent(values)
    return held if keep_stale else held & ~is_stale(values)


def split(
    rows: Ints, times_ms: TimesMs, values: Values, held: Mask | None, steps: int
) -> Iterator[Lane]:
    """Chunks of one matrix (K, T); `held` None says that all cells are samples."""
    if held is None or held.all():
        yield from _chunks(rows, times_ms, values, steps)
        return
    used = held.any(axis=0)
    if not used.any():
        return
    if not used.all():
        times_ms, values, held = times_ms[used], values[:, used], held[:, used]
    full = held.all(axis=1)
    if full.any():
        yield from _chunks(rows[full], times_ms, values[full], steps)
    holey = np.flatnonzero(~full & held.any(axis=1))
    height = _chunk_height(times_ms.size, steps)
    for start in range(0, holey.size, height):
        part = holey[start : start + height]
        yield rows[part], ragged([times_ms], [values[part]], [held[part]])


def _chunks(rows: Ints, times_ms: TimesMs, values: Values, steps: int) -> Iterator[Lane]:
    height = _chunk_height(times_ms.size, steps)
    for start in range(0, rows.size, height):
        chunk = slice(start, start + height)
        yield rows[chunk], shared(times_ms, values[chunk])


def _chunk_height(times: int, steps: int) -> int:
    return max(1, _CHUNK_CELLS // max(times, steps))


class _Stack:
    """Narrow matrices that wait to be laid end to end."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._clear()

    def _clear(self) -> None:
        self.cells = 0
        self._rows: list[Ints] = []
        self._times: list[TimesMs] = []
        self._values: list[Values] = []
        self._held: list[Mask | None] = []

    def add(self, rows: Ints, times_ms: TimesMs, values: Values, held: Mask | None) -> None:
        self.cells += values.size + rows.size * self._steps
        self._rows.append(rows)
        self._times.append(times_ms)
        self._values.append(values)
        self._held.append(held)

    def flush(self) -> Iterator[Lane]:
        """What was stacked, as one lane; a lone matrix without holes stays as it is."""
        if not self._rows:
            return
        if len(self._rows) == 1 and self._held[0] is None:
            lane = self._rows[0], shared(self._times[0], self._values[0])
        else:
            masks = None
            if any(held is not None for held in self._held):
                masks = [
                    np.ones(values.shape, dtype=np.bool_) if held is None else held
                    for held, values in zip(self._held, self._values, strict=True)
                ]
            lane = np.concatenate(self._rows), ragged(self._times, self._values, masks)
        self._clear()
        if lane[1].times_ms.size:
            yield lane
