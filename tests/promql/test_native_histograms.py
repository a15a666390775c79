"""Native histograms through the whole engine; expected values are the original's answers."""

from __future__ import annotations

from termprom.testing.promqltest.runner import run_script

_FIRST = "{{schema:0 count:7 sum:20 z_bucket:1 z_bucket_w:0.001 buckets:[2 3 1]}}"
_SECOND = "{{schema:0 count:14 sum:50 z_bucket:2 z_bucket_w:0.001 buckets:[4 6 2]}}"
_LOAD = f"""
load 1m
  h {_FIRST} {_SECOND}
  mixed 1 2 {{{{schema:0 count:7 sum:20 buckets:[2 3 1]}}}} 4 5
"""


def _answers(*questions: str) -> list[str]:
    report = run_script(_LOAD + "\n".join(f"\n{one}\n" for one in questions))
    assert report.passed + report.failed == len(questions)
    return [str(one) for one in report.failures]


def test_functions_of_histograms() -> None:
    assert not _answers(
        "eval instant at 1m histogram_quantile(0.5, h)\n  {} 1.122462048309373",
        "eval instant at 1m histogram_quantile(0.05, h)\n  {} 0.00035000000000000005",
        "eval instant at 1m histogram_fraction(0, 1.5, h)\n  {} 0.6792696431662099",
        "eval instant at 1m histogram_stddev(h)\n  {} 2.497900879097763",
        "eval instant at 1m histogram_avg(h)\n  {} 3.5714285714285716",
    )


def test_operators_on_histograms() -> None:
    assert not _answers(
        "eval instant at 1m h * 2\n"
        "  {} {{count:28 sum:100 z_bucket:4 z_bucket_w:0.001 buckets:[8 12 4]}}",
        "eval instant at 1m h + 1\n  expect info msg: PromQL info: incompatible sample types "
        'encountered for binary operator "+": histogram + float (1:1)',
        "eval instant at 1m h - h offset 1m\n  {} {{count:7 sum:30 z_bucket:1 z_bucket_w:0.001 "
        "counter_reset_hint:gauge buckets:[2 3 1]}}",
        "eval instant at 1m h </ 1\n"
        "  h {{count:6 sum:2.82942712474619 z_bucket:2 z_bucket_w:0.001 buckets:[4]}}",
        "eval instant at 1m h >/ 1\n"
        "  h {{count:8 sum:14.142135623730951 z_bucket_w:0.001 offset:1 buckets:[6 2]}}",
    )


def test_rates_of_histograms() -> None:
    assert not _answers(
        "eval instant at 1m rate(h[2m])\n"
        "  {} {{count:0.11666666666666667 sum:0.5 z_bucket:0.016666666666666666 z_bucket_w:0.001 "
        "counter_reset_hint:gauge buckets:[0.03333333333333333 0.05 0.016666666666666666]}}",
    )


def test_a_series_of_both_kinds_shows_the_newest_of_either() -> None:
    assert not _answers(
        "eval range from 0 to 4m step 1m mixed\n"
        "  mixed 1 2 {{schema:0 count:7 sum:20 buckets:[2 3 1]}} 4 5",
        "eval instant at 4m count_over_time(mixed[5m])\n  {} 5",
        "eval instant at 4m rate(mixed[5m])\n  expect warn msg: PromQL warning: encountered a mix "
        'of histograms and floats for metric name "mixed" (1:6)',
        "eval instant at 4m max_over_time(mixed[5m])\n  expect info msg: PromQL info: ignored "
        'histograms in a range containing both floats and histograms for metric name "mixed" '
        "(1:15)\n  {} 5",
    )
