"""An alerting expression and its threshold."""

from __future__ import annotations

import pytest

from termprom.tui.panes.alert_threshold import split_threshold


@pytest.mark.parametrize(
    ("expr", "drawn", "limit", "label"),
    [
        ("up == 0", "up", 0.0, "== 0"),
        ("a / b > 0.03", "a / b", 0.03, "> 0.03"),
        ("0.5 < x", "x", 0.5, "> 0.5"),
        ("x > -1", "x", -1.0, "> -1"),
        ("predict_linear(x[5m], 60) < 4 * 3600", "predict_linear(x[5m], 60)", 14400.0, "< 14400"),
        ('x{l="ü"} > 2 and on (i) b == 0', 'x{l="ü"} and on (i) b == 0', 2.0, "> 2"),
        ("(x > 2) unless y", "(x) unless y", 2.0, "> 2"),
        ("x > bool 3", "x", 3.0, "> 3"),
    ],
)
def test_the_comparison_with_a_constant_is_cut_out(
    expr: str, drawn: str, limit: float, label: str
) -> None:
    assert split_threshold(expr) == (drawn, ((limit, label),))


@pytest.mark.parametrize("expr", ["a > b", "a", "absent(up)", "((", "", "1 > 2 or x"])
def test_what_has_no_threshold_stays_whole(expr: str) -> None:
    assert split_threshold(expr) == (expr, ())
