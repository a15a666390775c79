"""Counters that say since when they count: what the original's script does not ask."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from termprom.promql.engine import Engine, EngineOptions
from termprom.promql.kernels import rate, start_times
from termprom.promql.kernels.windows import References, Samples, windows_of
from termprom.testing.promqltest.runner import run_script

_LOAD = """
load 1m
  h@st _ _ -1m -1s _ _
  h    _ _ {{count:5 sum:5 buckets:[5]}} {{count:5 sum:5 buckets:[5]}} {{count:2 sum:2 buckets:[2]}}
  late@st _ _ -30s
  late    _ _ 3
"""


def _answers(*questions: str) -> list[str]:
    report = run_script(_LOAD + "\n".join(f"\n{one}\n" for one in questions))
    assert report.passed + report.failed == len(questions)
    return [str(one) for one in report.failures]


def test_histograms_follow_the_same_rules_as_floats() -> None:
    assert not _answers(
        "eval instant at 5m histogram_count(increase(h[5m]))\n  {} 16",
        "eval instant at 5m resets(h[5m])\n  {} 2",
        "eval instant at 3m histogram_count(irate(h[5m]))\n  {} 0.08333333333333333",
    )


def test_one_sample_is_enough_where_it_began_inside_the_window() -> None:
    assert not _answers(
        "eval instant at 3m increase(late[2m])\n  {} 3",
        "eval instant at 3m increase(late[61s])",
    )


def test_without_the_switch_nothing_is_known_of_starts() -> None:
    script = _LOAD + "\neval instant at 3m increase(late[2m])\n"
    assert run_script(script, lambda: Engine(EngineOptions())).failed == 0


@given(st.lists(st.integers(0, 9).map(float), min_size=1, max_size=12), st.integers(1, 90))
def test_unknown_starts_change_nothing(values: list[float], width: int) -> None:
    times = np.arange(len(values), dtype=np.int64) * 15
    borders = np.array([0, len(values)], dtype=np.int64)
    samples = Samples(times, np.array(values), borders)
    windows = windows_of(samples, References(0, 10, 20), width)
    starts = np.zeros(len(values), dtype=np.int64)
    with np.errstate(all="ignore"):
        pairs = [
            (
                start_times.increase(windows, starts, per_second=3.0),
                rate.extrapolated(windows, counter=True, per_second=3.0),
            ),
            (start_times.instantaneous(windows, starts), rate.instantaneous(windows, counter=True)),
            (start_times.resets(windows, starts), rate.resets(windows)),
        ]
    for (found, present), (expected, expected_present) in pairs:
        assert (present == expected_present).all()
        np.testing.assert_allclose(found[present], expected[present], rtol=1e-12)
