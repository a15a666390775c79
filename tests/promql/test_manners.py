"""What random questions to the original brought to light: one case per rule."""

from __future__ import annotations

import pytest

from termprom.promql.engine import Engine, EngineOptions
from termprom.testing.promqltest.runner import all_features, run_script

_LOAD = """
load 1m
  g{i="a"} 5 1 1 1 1 1 1 1 1 1 1
  g{i="b"} 1 5 2 2 2 2 2 2 2 2 2
  b_bucket{le="1"} 5x10
  b_bucket{le="2"} 4x10
  b_bucket{le="+Inf"} 6x10
  h{i="a"} {{schema:0 count:4 sum:5 buckets:[4]}}x10
  x{i="a"} {{schema:0 count:4 sum:5 buckets:[4]}}x10
  one{i="a"} {{schema:0 count:4 sum:5 buckets:[4]}}x10
  one{i="b"} {{schema:0 count:4 sum:5 buckets:[4]}}x10
"""

CASES = {
    "an aggregation tells of the quantile that is furthest out": """
eval range from 0 to 2m step 1m quantile(2 + time(), g)
  expect warn regex: .* quantile value should be between 0 and 1, got 122 .*
  {} Inf Inf Inf
""",
    "a power of a half is no square root": """
eval instant at 2m vector(-Inf) ^ 0.5
  {} Inf

eval instant at 2m 1 / ((-0) ^ 0.5)
  Inf
""",
    "a histogram by zero has its zero bucket": """
load 1m
  z{} {{schema:0 count:6 sum:5 z_bucket:2 z_bucket_w:0.001 buckets:[4]}}x10

eval instant at 2m z / 0
  {} {{schema:0 count:Inf sum:Inf z_bucket:Inf z_bucket_w:0.001}}
""",
    "topk chooses anew at each step of a subquery": """
eval instant at 2m count_over_time((topk(1, g))[3m:1m])
  {i="a"} 1
  {i="b"} 2
""",
    "histograms on the one side are told as duplicates": """
eval instant at 2m h + on () one
  expect fail regex: found duplicate series for the match group \\{\\} on the right .*
""",
    "a quantile that needs no bucket does not tell of their repair": """
eval instant at 2m histogram_quantile(-1, b_bucket)
  expect no_info
  {} -Inf

eval instant at 2m histogram_quantile(NaN, b_bucket)
  expect no_info
  {} NaN
""",
    "a quantile of no floats is no quantile": """
eval instant at 2m quantile_over_time(2, h[2m])
  expect no_warn
""",
    "each quantile that is none is told": """
eval range from 0 to 2m step 1m histogram_quantile(2 + time(), b_bucket)
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 2 (1:20)
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 62 (1:20)
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 122 (1:20)
  {} Inf Inf Inf
""",
    "what there is not is not smoothed": """
eval instant at 2m double_exponential_smoothing(nope[2m], 0.5, 1)

eval instant at 2m double_exponential_smoothing(g[2m], 0.5, 1)
  expect fail msg: invalid trend factor. Expected: 0 < tf < 1, got: 1.000000
""",
    "choosing nothing still looks at everything": """
eval instant at 2m topk(0, quantile_over_time(2, g[2m]))
  expect warn regex: PromQL warning: quantile value should be between 0 and 1, got 2 .*

eval instant at 2m limit_ratio(0, quantile_over_time(2, g[2m]))
  expect warn regex: PromQL warning: quantile value should be between 0 and 1, got 2 .*
""",
    "the store finds before it takes away": """
eval instant at 2m absent(nope{i!="b", i="a"})
  {} 1

eval instant at 2m absent(nope{i=~"b", i="a"})
  {i="a"} 1
""",
    "what has lost its name is not said to be no counter": """
eval instant at 2m rate((count_over_time(g[5m]))[2m:1m])
  expect no_info
  {i="a"} 0.016666666666666666
  {i="b"} 0.016666666666666666
""",
    "histograms have no order, in ranges neither": """
eval range from 0 to 2m step 1m sort(h)

eval instant at 2m count_over_time((sort_desc(h))[2m:1m])
""",
    "times of samples are checked for equal labels": """
eval instant at 2m timestamp({__name__=~"h|x"})
  expect fail msg: vector cannot contain metrics with the same labelset
""",
}


def _immediate() -> Engine:
    """Names go where an operation drops them, as servers have it."""
    return Engine(EngineOptions(features=all_features()))


@pytest.mark.parametrize("rule", CASES)
def test_it_is_done_as_the_original_does_it(rule: str) -> None:
    report = run_script(_LOAD + CASES[rule], _immediate)
    assert report.passed
    assert [str(one) for one in report.failures] == []
