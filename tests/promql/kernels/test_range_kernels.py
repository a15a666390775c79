"""Each kernel over windows against its slow twin, in the shared and in the ragged form."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings

from termprom.model.values import Mask, Values
from termprom.promql.kernels import over_time, quantile, rate, regression
from termprom.promql.kernels.windows import References, Windows
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


@settings(max_examples=40)
@given(cases(plain_values))
def test_spread_and_lines(case: Case) -> None:
    check(case, over_time.variance, slow.stdvar_over_time)
    check(case, regression.slope, lambda window: slow.line(window, window[0][0])[0], least=2)
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
