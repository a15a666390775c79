"""Which samples each step of a grid sees.

Two forms share all kernels, because both are indexed along the last axis:
    shared   times (T,), values (K, T), bounds (S,)      K series scraped together
    ragged   times (N,), values (N,),   bounds (K, S)    K series one after the other
`values[..., bounds]` is (K, S) either way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from termprom.model.values import Ints, Mask, TimesMs, Values


@dataclass(frozen=True, slots=True)
class References:
    """The right edges of the windows: start, start + step, ...; step 0 says that all are equal."""

    start_ms: int
    step_ms: int
    count: int

    def times_ms(self) -> TimesMs:
        """Shape (count,)."""
        return self.start_ms + np.arange(self.count, dtype=np.int64) * self.step_ms

    @property
    def last_ms(self) -> int:
        return self.start_ms + (self.count - 1) * self.step_ms


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of K series without holes, in one of the two forms.

    `starts` (K + 1,) are the borders between ragged series; None says shared. `since_ms` (N,), only
    with ragged ones, tells since when each sample counts; 0 is unknown.
    """

    times_ms: TimesMs
    values: Values
    starts: Ints | None = None
    since_ms: Ints | None = None

    @property
    def series_count(self) -> int:
        return self.values.shape[0] if self.starts is None else self.starts.size - 1

    def of_series(self, number: int) -> tuple[TimesMs, Values]:
        """Times and values of one series, (N,) each."""
        if self.starts is None:
            return self.times_ms, self.values[number]
        inside = slice(int(self.starts[number]), int(self.starts[number + 1]))
        return self.times_ms[inside], self.values[inside]


def _go_on() -> None:
    return


@dataclass(frozen=True, slots=True)
class Windows:
    """Samples and, per step, the index range [first, end) of those inside (left, right].

    Shapes: first, end (S,) or (K, S); left_ms, right_ms (S,).
    `check` raises when it is time to stop; kernels that walk over long windows call it on the way.
    """

    times_ms: TimesMs
    values: Values
    first: Ints
    end: Ints
    left_ms: TimesMs
    right_ms: TimesMs
    check: Callable[[], None] = _go_on

    @property
    def counts(self) -> Ints:
        return self.end - self.first

    @property
    def shape(self) -> tuple[int, int]:
        """(K, S)"""
        series = self.values.shape[0] if self.first.ndim == 1 else self.first.shape[0]
        return series, self.right_ms.size

    def of_rows(self, rows: Ints) -> Windows:
        """The windows of some series."""
        if self.first.ndim == 1:
            return replace(self, values=self.values[rows])
        return replace(self, first=self.first[rows], end=self.end[rows])

    def pick(self, index: Ints) -> Values:
        """Values at sample numbers, (K, S). Out of range is clipped: for cells masked later."""
        return np.take(self.values, index, axis=-1, mode="clip")

    def pick_times(self, index: Ints) -> TimesMs:
        """Times at sample numbers; the shape of `index`, so (S,) when shared."""
        return np.take(self.times_ms, index, mode="clip")

    def spread(self, mask: Mask) -> Mask:
        """`mask`, (S,) or (K, S), as (K, S)."""
        return np.broadcast_to(mask, self.shape)

    @property
    def held(self) -> Mask:
        """Where there is any sample; (K, S)."""
        return self.spread(self.counts >= 1)

    def spread_ints(self, numbers: Ints) -> Ints:
        """`numbers`, (S,) or (K, S), as (K, S)."""
        return np.broadcast_to(numbers, self.shape)


def windows_of(
    samples: Samples, references: References, range_ms: int, check: Callable[[], None] = _go_on
) -> Windows:
    """The windows (reference - range_ms, reference] over samples."""
    assert samples.times_ms.size > 0, "series without samples are never selected"
    right = references.times_ms()
    left = right - range_ms
    if samples.starts is None:
        first = np.searchsorted(samples.times_ms, left, side="right")
        end = np.searchsorted(samples.times_ms, right, side="right")
    else:
        first = _ragged_until(samples, references, references.start_ms - range_ms)
        end = _ragged_until(samples, references, references.start_ms)
    return Windows(samples.times_ms, samples.values, first, end, left, right, check)


def _ragged_until(samples: Samples, references: References, start_ms: int) -> Ints:
    """Per series and step, the index after the last sample at or before the edge; (K, S).

    The edges are evenly spaced, so each sample's first step is a division and no search is needed.
    """
    starts = samples.starts
    assert starts is not None
    series, steps = starts.size - 1, references.count
    since = samples.times_ms - start_ms
    if references.step_ms == 0:
        steps = 1
        seen_from = (since > 0).astype(np.int64)
    else:
        # The first edge that is not before the sample. Floats divide ten times faster than
        # integers, and are exact enough: what is no multiple is further from one than rounding.
        first_edge = np.ceil(since / references.step_ms)
        np.minimum(np.maximum(first_edge, 0, out=first_edge), steps, out=first_edge)
        seen_from = first_edge.astype(np.int64)
    owner = np.repeat(np.arange(series), np.diff(starts))
    seen = np.bincount(owner * (steps + 1) + seen_from, minlength=series * (steps + 1))
    until = seen.reshape(series, steps + 1)[:, :steps].cumsum(axis=1)
    until += starts[:-1, np.newaxis]
    return np.broadcast_to(until, (series, references.count))


def shared(times_ms: TimesMs, values: Values) -> Samples:
    """Series (K, T) without a hole."""
    return Samples(times_ms, values)


def ragged(
    times_ms: Sequence[TimesMs], values: Sequence[Values], held: Sequence[Mask] | None
) -> Samples:
    """Matrices of series laid end to end, less the cells that `held` denies.

    Shapes: per matrix times (T,), values and held (K, T); series may end up with no samples.
    """
    lengths = np.concatenate([np.full(v.shape[0], v.shape[1], dtype=np.int64) for v in values])
    flat_times = np.concatenate(
        [
            np.broadcast_to(t, v.shape).ravel() if v.shape[0] > 1 else t
            for t, v in zip(times_ms, values, strict=True)
        ]
    )
    flat_values = np.concatenate([v.ravel() for v in values])
    if held is not None:
        kept = np.concatenate([h.ravel() for h in held])
        owner = np.repeat(np.arange(lengths.size), lengths)
        lengths = np.bincount(owner[kept], minlength=lengths.size)
        flat_times, flat_values = flat_times[kept], flat_values[kept]
    starts = np.zeros(lengths.size + 1, dtype=np.int64)
    np.cumsum(lengths, out=starts[1:])
    return Samples(flat_times, flat_values, starts)
