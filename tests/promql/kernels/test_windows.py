from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from termprom.promql.kernels.windows import References, shared, windows_of
from tests.promql.kernels.samples import Case, cases


@settings(max_examples=60)
@given(cases())
def test_both_forms_see_the_same_samples_as_a_plain_filter(case: Case) -> None:
    for windows, plain in ((case.ragged(), case), (case.shared(), case.aligned())):
        series, steps = windows.shape
        first = np.broadcast_to(windows.first, windows.shape)
        end = np.broadcast_to(windows.end, windows.shape)
        for row in range(series):
            for step in range(steps):
                inside = slice(int(first[row, step]), int(end[row, step]))
                values = windows.values[row] if windows.values.ndim == 2 else windows.values
                wanted = plain.window(row, step)
                assert windows.times_ms[inside].tolist() == [time for time, _ in wanted]
                np.testing.assert_array_equal(values[inside], [value for _, value in wanted])


def test_the_left_edge_is_open_and_the_right_one_closed() -> None:
    samples = shared(np.array([0, 60_000]), np.array([[1.0, 2.0]]))
    windows = windows_of(samples, References(60_000, 0, 1), 60_000)
    assert (windows.first.tolist(), windows.end.tolist()) == ([1], [2])
