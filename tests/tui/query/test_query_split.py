"""Splitting an expression by a label, and putting it together again."""

from __future__ import annotations

import pytest

from termprom.promql.syntax.format import one_line
from termprom.promql.syntax.parse import parse
from termprom.tui.panes.query_split import grouped_labels, split_by


@pytest.mark.parametrize(
    ("expr", "split"),
    [
        ("sum(rate(x[5m]))", "sum by (job) (rate(x[5m]))"),
        ("sum by (env) (x) / sum by (env) (y)", "sum by (env, job) (x) / sum by (env, job) (y)"),
        ("sum by (job) (x)", "sum(x)"),
        ("sum without (job, env) (x)", "sum without (env) (x)"),
        ("max without (env) (x)", "max without (env, job) (x)"),
        ("1 - avg(x)", "1 - avg by (job) (x)"),
        ("rate(x[5m])", "sum by (job) (rate(x[5m]))"),
        ("histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))",
         "histogram_quantile(0.9, sum by (le, job) (rate(x_bucket[5m])))"),
    ],
)  # fmt: skip
def test_split(expr, split):
    found = split_by(parse(expr), "job")
    assert found == parse(split)
    assert parse(one_line(found)) == found


def test_twice_is_as_before():
    expr = parse("sum by (env) (x) / sum by (env) (y)")
    assert split_by(split_by(expr, "job"), "job") == expr
    assert grouped_labels(expr) == {"env"}
