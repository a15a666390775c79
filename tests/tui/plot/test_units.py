"""How values are written and which unit an expression has."""

from __future__ import annotations

import math

import pytest

from termprom.promql.syntax import ast
from termprom.tui.plot.ticks import free_labels, linear_ticks, log_ticks, tick_labels
from termprom.tui.plot.unit_of import unit_of, unit_of_metric
from termprom.tui.plot.units import PLAIN, Kind, Unit, format_value, significant

RATIO, BYTES, SECONDS = Unit(Kind.RATIO), Unit(Kind.BYTES), Unit(Kind.SECONDS)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0490, RATIO, "4.90 %"),
        (1.84, SECONDS, "1.84 s"),
        (0.041, SECONDS, "41 ms"),
        (90.0, SECONDS, "90 s"),
        (7_200.0, SECONDS, "2 h"),
        (1210.0, PLAIN, "1.21k"),
        (999_700.0, PLAIN, "1.00M"),
        (0.0, PLAIN, "0"),
        (-2_500.0, PLAIN, "-2.50k"),
        (1.5 * 2**30, BYTES, "1.50 GiB"),
        (1.5 * 2**20, Unit(Kind.BYTES, "/s"), "1.50 MiB/s"),
        (412.0, Unit(suffix="/s"), "412/s"),
        (math.nan, RATIO, "NaN"),
        (-math.inf, BYTES, "-Inf"),
        (1_777_723_471.0, Unit(Kind.MOMENT), "2026-05-02 12:04:31Z"),
        (5e-5, PLAIN, "50µ"),
        (0.0042, PLAIN, "0.0042"),
    ],
)
def test_values_have_three_digits_and_their_unit(value, unit, text):
    assert format_value(value, unit) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e9, "1.00e9"), (1e-7, "1.00e-7"), (123456.0, "123456"), (0.5, "0.50"), (12.34, "12.3")],
)
def test_significant_digits(value, text):
    assert significant(value) == text


@pytest.mark.parametrize(
    ("low", "high", "count", "unit", "labels"),
    [
        (0, 0.05, 6, RATIO, ["0 %", "1 %", "2 %", "3 %", "4 %", "5 %"]),
        (0, 4 * 2**30, 5, BYTES, ["0 GiB", "1 GiB", "2 GiB", "3 GiB", "4 GiB"]),
        (0, 2.4, 5, PLAIN, ["0", "0.5", "1.0", "1.5", "2.0"]),
        (0, 0.3, 4, SECONDS, ["0 ms", "100 ms", "200 ms", "300 ms"]),
        (0, 3_600, 5, SECONDS, ["0 min", "15 min", "30 min", "45 min", "60 min"]),
    ],
)
def test_linear_ticks_are_round_in_their_unit(low, high, count, unit, labels):
    assert tick_labels(linear_ticks(low, high, count, unit), unit) == labels


def test_ticks_near_each_other_are_told_apart():
    ticks = linear_ticks(100.001, 100.004, 4, PLAIN)
    assert len(set(tick_labels(ticks, PLAIN))) == len(ticks) > 1


def test_log_ticks_are_powers_of_ten():
    assert log_ticks(1, 1000, 4) == [1.0, 10.0, 100.0, 1000.0]
    assert free_labels([1.0, 1000.0, 1e6], PLAIN) == ["1", "1k", "1M"]


def _rate(name: str) -> ast.Call:
    selector = ast.VectorSelector(name, ())
    return ast.Call("rate", (ast.MatrixSelector(selector, ast.NumberLiteral(300.0, True)),))


def _name(name: str) -> ast.VectorSelector:
    return ast.VectorSelector(name, ())


@pytest.mark.parametrize(
    ("expr", "unit"),
    [
        (_name("node_memory_MemFree_bytes"), BYTES),
        (_rate("node_network_receive_bytes_total"), Unit(Kind.BYTES, "/s")),
        (_rate("http_requests_total"), Unit(suffix="/s")),
        (_rate("node_cpu_seconds_total"), PLAIN),
        (ast.Binary("/", _rate("http_requests_total"), _rate("http_requests_total")), RATIO),
        (ast.Binary("/", _rate("a_total"), _rate("b_total")), PLAIN),
        (ast.Binary("/", _name("free_bytes"), _name("size_bytes")), RATIO),
        (
            ast.Binary(
                "*",
                ast.NumberLiteral(100.0),
                ast.Paren(ast.Binary("/", _name("free_bytes"), _name("size_bytes"))),
            ),
            Unit(Kind.PERCENT),
        ),
        (ast.Binary("/", _rate("x_seconds_sum"), _rate("x_seconds_count")), SECONDS),
        (
            ast.Binary("-", ast.Call("time", ()), _name("process_start_time_seconds")),
            SECONDS,
        ),
        (
            ast.Call("histogram_quantile", (ast.NumberLiteral(0.9), _rate("x_seconds_bucket"))),
            SECONDS,
        ),
        (ast.Aggregate("count", _name("x_bytes")), PLAIN),
        (ast.Aggregate("sum", _name("x_bytes")), BYTES),
        (ast.Binary(">", _name("x_bytes"), ast.NumberLiteral(1.0)), BYTES),
        (ast.Binary(">", _name("x_bytes"), ast.NumberLiteral(1.0), return_bool=True), PLAIN),
        (ast.Binary("-", ast.NumberLiteral(1.0), _name("x_ratio")), RATIO),
        (_name("process_start_time_seconds"), Unit(Kind.MOMENT)),
    ],
)
def test_the_unit_of_an_expression(expr, unit):
    assert unit_of(expr) == unit


def test_bucket_and_count_series_are_plain_numbers():
    assert unit_of_metric("request_duration_seconds_bucket") == PLAIN
    assert unit_of_metric("request_duration_seconds_count") == PLAIN
    assert unit_of_metric("request_duration_seconds_sum") == SECONDS
