"""info(): what the original's script does not ask."""

from __future__ import annotations

from termprom.testing.promqltest.runner import run_script

_LOAD = """
load 1m
  m_total{instance="a", job="1"} 0+60x10
  target_info{instance="a", job="1", version="v1"} 1 _ _ _ _ _ _ _ _ _ _
"""


def _answers(*questions: str) -> list[str]:
    report = run_script(_LOAD + "\n".join(f"\n{one}\n" for one in questions))
    assert report.passed + report.failed == len(questions)
    return [str(one) for one in report.failures]


def test_info_series_are_seen_as_far_back_as_any_selector() -> None:
    # The range is shorter than the lookback, and the info series has one sample at 0.
    assert not _answers(
        'eval instant at 4m info(rate(m_total[90s]))\n  {instance="a", job="1", version="v1"} 1',
        'eval instant at 9m info(rate(m_total[90s]))\n  {instance="a", job="1"} 1',
        "eval instant at 9m info(rate(m_total[90s] offset 5m))\n"
        '  {instance="a", job="1", version="v1"} 1',
    )


def test_two_info_series_of_one_target_and_time_are_an_error() -> None:
    assert not _answers(
        'load 1m\n  other_info{instance="a", job="1", v="1"} 1\n'
        '  other_info{instance="a", job="1", v="2"} 1\n\n'
        'eval instant at 0 info(m_total, {__name__="other_info"})\n  expect fail msg: found '
        'duplicate series for info metric: existing {__name__="other_info", instance="a", '
        'job="1", v="1"} @ 0, new {__name__="other_info", instance="a", job="1", v="2"} @ 0',
    )
