"""Random samples for kernels, and the plain view of them that the slow twins take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from termprom.promql.kernels.windows import References, Samples, Windows, ragged, shared, windows_of
from tests.promql.kernels.slow import Window

plain_values = st.one_of(
    st.integers(-3, 50).map(float), st.floats(-1e6, 1e6, allow_subnormal=False)
)
odd_values = st.one_of(
    plain_values, st.sampled_from([np.nan, np.inf, -np.inf, 1e308, -1e308, 1e100, -1e100, -0.0])
)


@dataclass(frozen=True)
class Case:
    """Series with times of their own, seen through windows."""

    series: list[list[tuple[int, float]]]
    references: References
    range_ms: int

    def ragged(self) -> Windows:
        times = [np.array([t for t, _ in one], dtype=np.int64) for one in self.series]
        values = [np.array([[v for _, v in one]], dtype=np.float64) for one in self.series]
        return self._windows(ragged(times, values, None))

    def shared(self) -> Windows:
        """All series at the times of the first one."""
        times = np.array([t for t, _ in self.series[0]], dtype=np.int64)
        return self._windows(shared(times, np.array([self._values(one) for one in self.series])))

    def aligned(self) -> Case:
        """What `shared` sees, in the plain form."""
        times = [t for t, _ in self.series[0]]
        return Case(
            [list(zip(times, self._values(one), strict=True)) for one in self.series],
            self.references,
            self.range_ms,
        )

    def _values(self, one: list[tuple[int, float]]) -> list[float]:
        values = [v for _, v in one]
        size = len(self.series[0])
        return (values * (size // len(values) + 1))[:size]

    def _windows(self, samples: Samples) -> Windows:
        return windows_of(samples, self.references, self.range_ms)

    def window(self, series: int, step: int) -> Window:
        right = int(self.references.times_ms()[step])
        return [(t, v) for t, v in self.series[series] if right - self.range_ms < t <= right]


@st.composite
def cases(draw: st.DrawFn, values: st.SearchStrategy[float] = odd_values) -> Case:
    """One to three series of up to 60 samples, up to 8 steps."""
    series = []
    for _ in range(draw(st.integers(1, 3))):
        gaps = draw(st.lists(st.integers(1, 40), min_size=1, max_size=60))
        times = np.cumsum(gaps).tolist()
        series.append([(time, draw(values)) for time in times])
    step = draw(st.sampled_from([0, 1, 7, 60, 500]))
    references = References(draw(st.integers(-100, 1500)), step, draw(st.integers(1, 8)))
    return Case(series, references, draw(st.sampled_from([1, 10, 100, 400, 3000])))
