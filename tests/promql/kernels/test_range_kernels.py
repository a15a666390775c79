"""Each kernel over windows against its slow twin, in the shared and in the ragged form."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings

from termprom.model.values import Mask, Values
from termprom.promql.kernels import over_time, quantile, rate, regression
from termprom.promql.kernels.windows import References, Windows, shared, windows_of
from tests.promql.kernels import slow
from tests.promql.kernels.samples import Case, cases, plain_values

Kernel = Callable[[Windows], tuple[Values, Mask]]
Twin = Callable[[slow.Window], float]


def check(case: Case, kernel: Kernel, twin: Twin, *, least: int = 1, exact: bool = True) -> None:
    for windows, plain in ((case.ragged(), case), (case.shared(), case.aligned())):
        with np.errstate(all="ignore"):
            values, present = kernel(windows)
        assert values.shape == present.shape == windows.shape
        for row in range(values.shape[0]):
            for step in range(values.shape[1]):
                window = plain.window(row, step)
                assert bool(present[row, step]) is (len(window) >= least)
                if len(window) < least:
                    continue
                wanted, got = twin(window), float(values[row, step])
                if exact:
                    np.testing.assert_array_equal(got, wanted)
                else:
                    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-300)


EXACT: dict[str, tuple[Kernel, Twin]] = {
    "count": (over_time.count, lambda window: float(len(window))),
    "first": (over_time.first, lambda window: window[0][1]),
    "last": (over_time.last, lambda window: window[-1][1]),
    "present": (over_time.present, lambda window: 1.0),
    "max": (over_time.largest, slow.extreme(lambda new, best: new > best)),
    "min": (over_time.smallest, slow.extreme(lambda new, best: new < best)),
    "changes": (rate.changes, slow.changes),
    "resets": (rate.resets, slow.resets),
    "first time": (over_time.time_of_first, lambda window: window[0][0] / 1000),
    "last time": (over_time.time_of_last, lambda window: window[-1][0] / 1000),
}


@pytest.mark.parametrize("name", EXACT)
@settings(max_examples=40)
@given(case=cases())
def test_exact_over_odd_values(name: str, case: Case) -> None:
    check(case, *EXACT[name])


@settings(max_examples=50)
@given(cases(plain_values))
def test_rates_are_equal_to_the_bit(case: Case) -> None:
    edges = {}
    for step, right in enumerate(case.references.times_ms().tolist()):
        edges[step] = (right - case.range_ms, right)
    for counter, seconds in ((True, 7.5), (True, None), (False, None)):
        for windows, plain in ((case.ragged(), case), (case.shared(), case.aligned())):
            with np.errstate(all="ignore"):
                values, present = rate.extrapolated(windows, counter=counter, per_second=seconds)
            for row in range(values.shape[0]):
                for step in range(values.shape[1]):
                    window = plain.window(row, step)
                    assert bool(present[row, step]) is (len(window) >= 2)
                    if len(window) >= 2:
                        wanted = slow.rate(window, *edges[step], counter=counter, seconds=seconds)
                        assert float(values[row, step]) == wanted


@settings(max_examples=50)
@given(cases())
def test_sums_and_averages_with_odd_values(case: Case) -> None:
    def near(kernel: Kernel, twin: Twin) -> None:
        check(case, kernel, twin, exact=False)

    near(over_time.total, slow.sum_over_time)
    near(over_time.average, slow.avg_over_time)


def test_long_sums_keep_what_cancels() -> None:
    """The tables of runs must not lose what Kahan's sum keeps, at any offset and length."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=700) * 10.0 ** rng.integers(-3, 12, size=700)
    case = Case(
        [list(zip(range(0, 7000, 10), values.tolist(), strict=True))],
        References(500, 370, 18),
        3000,
    )
    check(case, over_time.total, lambda window: math.fsum(v for _, v in window), exact=False)


@pytest.mark.parametrize("start", [0.0, 1e9])
def test_long_windows_come_from_tables_of_runs(start: float) -> None:
    """Spread, lines and times of extremes at any offset and length; far from zero as well."""
    rng = np.random.default_rng(6)
    series = []
    for size in (700, 650, 3):
        times = np.cumsum(rng.integers(5, 15, size))
        values = start + np.cumsum(np.round(rng.normal(size=size), 2))
        series.append(list(zip(times.tolist(), values.tolist(), strict=True)))
    series.append([(time, 7.0) for time in range(0, 7000, 10)])
    case = Case(series, References(500, 370, 18), 3000)
    # Far from zero what the twin answers is rounding, which only its own order repeats.
    check(case, over_time.variance, slow.stdvar_over_time, exact=bool(start))
    check(case, over_time.time_of_largest, lambda w: max((v, t) for t, v in w)[1] / 1000)
    check(case, over_time.time_of_smallest, lambda w: -min((v, -t) for t, v in w)[1] / 1000)
    slope = regression.slope
    check(case, slope, lambda w: slow.line(w, w[0][0])[0], least=2, exact=bool(start))


def test_nan_and_infinities_in_long_windows_stay_in_them() -> None:
    values = np.ones((1, 400))
    values[0, 100], values[0, 300] = np.nan, np.inf
    times = np.arange(400, dtype=np.int64) * 10
    windows = windows_of(shared(times, values), References(500, 500, 7), 500)
    with np.errstate(all="ignore"):
        spread, _ = over_time.variance(windows)
        slopes, _ = regression.slope(windows)
    assert np.isnan(spread[0]).tolist() == [False, True, False, False, False, True, False]
    assert np.isnan(slopes[0]).tolist() == [False, True, False, False, False, True, False]


@settings(max_examples=40)
@given(cases(plain_values))
def test_spread_and_lines(case: Case) -> None:
    # To the bit where windows are short; tables of runs go in another order.
    check(case, over_time.variance, slow.stdvar_over_time, exact=False)
    slope = regression.slope
    check(case, slope, lambda w: slow.line(w, w[0][0])[0], least=2, exact=False)
    factors = np.full(case.references.count, 0.3)
    check(
        case,
        lambda windows: regression.smooth(windows, factors, factors),
        lambda window: slow.smooth(window, 0.3, 0.3),
        least=2,
    )


@pytest.mark.parametrize("q", [-1.0, 0.0, 0.3, 0.5, 0.99, 1.0, 2.0, math.nan])
@settings(max_examples=20)
@given(case=cases())
def test_quantiles(q: float, case: Case) -> None:
    qs = np.full(case.references.count, q)
    check(
        case,
        lambda windows: quantile.quantile_over(windows, qs),
        lambda window: slow.quantile([value for _, value in window], q),
    )
