"""Questions that are asked to hurt: the right answer or one clear error, soon."""

from __future__ import annotations

import math
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom import limits
from termprom.errors import EvaluationError, ParseError, QueryTimeout, TooManySamples
from termprom.model.grid import Grid
from termprom.model.labels import Labels
from termprom.model.result import QueryResult
from termprom.promql.engine import Engine, EngineOptions
from termprom.promql.syntax.parse import Features, parse
from termprom.testing.memory_storage import MemoryStorage

_DAY_MS = 86_400_000
_TEN_YEARS_MS = 3650 * _DAY_MS


def _storage() -> MemoryStorage:
    storage = MemoryStorage()
    for number in range(20):
        labels = Labels.of(__name__="m", i=str(number), long="a" * 5000 + "!")
        storage.add(labels, range(0, 75_000, 15_000), [0.0, 1.0, 2.0, 3.0, 4.0])
    return storage


_STORAGE = _storage()
_ENGINE = Engine(EngineOptions(features=Features.everything()))


def _ask(expr: str, at_ms: int = 60_000) -> QueryResult:
    return _ENGINE.instant(_STORAGE, expr, at_ms)


# --- Expressions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "m" + ")" * 10_000,
        "-" * 10_000 + "m",
        "+".join(["m"] * 5_000),
        "^".join(["m"] * 5_000),
        " and ".join(["m"] * 5_000),
        "abs(" * 10_000 + "m" + ")" * 10_000,
        "sum by (a) (" * 10_000 + "m" + ")" * 10_000,
        "max_over_time(" * 5_000 + "m" + "[1m:1m])" * 5_000,
        "m[" + "(" * 5_000 + "1m" + ")" * 5_000 + "]",
        "m[" + "-" * 5_001 + "1m]",
        "m[1m" + "+1m" * 10_000 + "]",
        "m offset " + "(" * 5_000 + "1m" + ")" * 5_000,
        "m[" + "max_of(1m," * 5_000 + "1m" + ")" * 5_000 + "]",
    ],
    ids=lambda text: text[:20],
)
def test_bottomless_nesting_is_answered_or_one_error(text: str) -> None:
    try:
        _ask(text)
    except (ParseError, EvaluationError) as problem:
        shown = str(problem)
    else:
        shown = ""
    assert len(shown) < 300


@pytest.mark.parametrize(
    "text", ["(", "{", "[", '"', "m{", "sum(", "m[", "1e", "0x", "m{a=", "@", "\\"]
)
def test_a_megabyte_of_beginnings_is_one_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text * (200_000 // len(text)))


def test_a_long_list_of_matchers_and_labels_is_read() -> None:
    labels = ",".join(f"l{number}" for number in range(20_000))
    assert len(_ask(f"sum by ({labels}) (m)").labels) == 1
    matchers = ",".join(f'l{number}=""' for number in range(2_000))
    assert len(_ask(f"m{{{matchers}}}").labels) == 20


# --- Regular expressions ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("(a+)+$", 0),
        ("(a|aa)+", 0),
        ("(.*)*(.*)*(.*)*x", 0),
        ("(a*)*!", 20),
        ("(?:a|a|a|a|a|a)*!", 20),
        (".*" * 50 + "!", 20),
        ("|".join(str(number) for number in range(20_000)), 0),
    ],
)
def test_no_pattern_takes_longer_than_its_text(pattern: str, count: int) -> None:
    assert len(_ask(f'm{{long=~"{pattern}"}}').labels) == count
    replaced = _ask(f'label_replace(m, "new", "$1", "long", "({pattern})")')
    assert sum("new" in labels.names() for labels in replaced.labels) == count


@pytest.mark.parametrize(
    "pattern",
    ["a{1001}", "((a{100}){100}){100}", "(", "[", "*", "a**", "(?<n", "\\\\8", "x" * (6 << 20)],
)
def test_what_is_no_pattern_or_too_large_is_one_error(pattern: str) -> None:
    with pytest.raises(ParseError, match="error parsing regexp"):
        parse(f'm{{a=~"{pattern}"}}')


# --- Ranges and steps -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expr",
    [
        "count_over_time(vector(1)[10y:1ms])",
        "sum_over_time(m[10y:1ms])",
        "m[290y:1ms]",
        "max_over_time(sum_over_time(m[1y:1s])[1y:1s])",
        "absent_over_time(m[200y:1ms])",
    ],
)
def test_subqueries_of_billions_of_steps_are_refused(expr: str) -> None:
    with pytest.raises(TooManySamples, match="too many samples into memory"):
        _ask(expr)


@pytest.mark.parametrize("expr", ["m", "1", "vector(1)", "sum(m)", "time()"])
def test_ten_years_at_a_millisecond_are_refused(expr: str) -> None:
    with pytest.raises(TooManySamples):
        _ENGINE.range(_STORAGE, expr, Grid(0, _TEN_YEARS_MS, 1))


@pytest.mark.parametrize("expr", ["m[290y]", "rate(m[290y])", "m offset 290y", "m offset -290y"])
def test_windows_of_centuries_cost_nothing(expr: str) -> None:
    found = _ask(expr)
    assert len(found.labels) == (0 if "offset" in expr else 20)


@pytest.mark.parametrize("at_ms", [2**63 - 1, -(2**63), 9 * 10**18, -9 * 10**18])
@pytest.mark.parametrize(
    "expr",
    [
        "m",
        "m[5m]",
        "rate(m[5m])",
        "m offset 5m",
        "m offset -5m",
        "sum_over_time(m[5m:1m])",
        "time()",
        "timestamp(m)",
        "hour()",
        "m @ 9e15",
        "m @ -9e15",
        "sum_over_time(m[9m:] @ -9e15)",
    ],
)
def test_the_end_of_time_is_a_time(expr: str, at_ms: int) -> None:
    # Beyond it nothing can be asked, which is an error and no crash.
    with suppress(EvaluationError):
        assert len(_ask(expr, at_ms).labels) <= 20


@pytest.mark.parametrize(
    "call",
    [
        "stddev_over_time(X)",
        "quantile_over_time(0.5, X)",
        "mad_over_time(X)",
        "deriv(X)",
        "ts_of_max_over_time(X)",
        "double_exponential_smoothing(X, 0.5, 0.5)",
        "sum_over_time(X)",
    ],
)
def test_windows_of_millions_are_answered_or_stopped(call: str) -> None:
    """What walks over long windows looks at the clock on its way: minutes each if it did not."""
    engine = Engine(EngineOptions(features=Features.everything(), timeout_seconds=0.2))
    with suppress(QueryTimeout):
        found = engine.range(
            _STORAGE, call.replace("X", "vector(1)[4d:1s]"), Grid(0, 10_000_000, 1000)
        )
        assert len(found.labels) == 1


def test_a_selector_of_everything_stops_at_the_limit() -> None:
    storage = MemoryStorage()
    for number in range(5_000):
        storage.add(Labels.of(__name__=f"m{number % 50}", i=str(number)), [0, 15_000], [1.0, 2.0])
    engine = Engine(EngineOptions(samples_max=4_000))
    with pytest.raises(TooManySamples):
        engine.instant(storage, '{__name__=~".+"}', 15_000)
    assert len(Engine(EngineOptions()).instant(storage, '{__name__=~".+"}', 15_000).labels) == 5_000
    with pytest.raises(ParseError, match="at least one non-empty matcher"):
        engine.instant(storage, '{__name__=~".*"}', 15_000)


# --- Values and labels ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        ("1/0", math.inf),
        ("-1/0", -math.inf),
        ("0/0", math.nan),
        ("1/-0", -math.inf),
        ("5%0", math.nan),
        ("0^-1", math.inf),
        ("1e308*10", math.inf),
        ("2^1024", math.inf),
        ("-(2^1025)", -math.inf),
        ("sum(m)/0", math.inf),
        ("min(m)/0", math.inf),
        ("max(m - m) / 0", math.nan),
        ("sum(m % 0)", math.nan),
        ("sum(sqrt(-m - 1))", math.nan),
        ("sum(ln(m * 0))", -math.inf),
        ("sum(round(m, 0))", math.nan),
        ("stddev(m / 0)", math.nan),
        ("quantile(2, m)", math.inf),
        ("avg(m * 1e308)", math.inf),
    ],
)
def test_there_is_a_number_for_every_division(expr: str, value: float) -> None:
    found = float(_ask(expr).values[0, 0])
    assert found == value or (math.isnan(found) and math.isnan(value))


@pytest.mark.parametrize(
    "expr",
    [
        "nothing",
        "sum(nothing)",
        "rate(nothing[5m])",
        "nothing + m",
        "m + nothing",
        "topk(3, nothing)",
        "histogram_quantile(0.9, nothing)",
        "nothing or nothing",
        "nothing[5m]",
        "sort(nothing)",
        "count_values('x', nothing)",
        "label_replace(nothing, 'a', 'b', 'c', 'd')",
        "info(nothing)",
        "quantile_over_time(0.5, nothing[5m])",
        "absent(m)",
        "sum_over_time(nothing[5m:1m])",
        "predict_linear(nothing[5m], 3600)",
        "nothing > bool 1",
        "limit_ratio(0.5, nothing)",
    ],
)
def test_of_nothing_comes_nothing(expr: str) -> None:
    found = _ask(expr)
    assert (len(found.labels), found.notices) == (0, ())


# A character of each plane that has any, the ends of the Basic one, and what changes direction.
_CHARACTERS = st.sampled_from(
    "é日\u0301\u202e\ufeff\uffff\u2028\x00\x7f\n\\\"'`{},=a"
    "\U00010000\U0001f600\U00020000\U00030000\U000e0001\U000f0000\U0010ffff"
)


@given(st.text(_CHARACTERS, min_size=1, max_size=8), st.text(_CHARACTERS, min_size=1, max_size=8))
def test_labels_of_every_plane(name: str, value: str) -> None:
    storage = MemoryStorage()
    labels = Labels.of({"__name__": "m", name: value})
    storage.add(labels, [0], [1.0])
    quoted = [_quoted(one) for one in (name, value)]
    selector = f'{{__name__="m",{quoted[0]}={quoted[1]}}}'
    assert list(_ENGINE.instant(storage, selector, 0).labels) == [labels]
    grouped = _ENGINE.instant(storage, f"sum by ({quoted[0]}) (m)", 0)
    assert list(grouped.labels) == [Labels.of({name: value})]
    joined = _ENGINE.instant(storage, f"m * on ({quoted[0]}) group_left () m", 0)
    assert list(joined.labels) == [Labels.of({name: value})]
    copied = _ENGINE.instant(storage, f'label_replace(m, "c", "$1", {quoted[0]}, "(.*)")', 0)
    assert copied.labels[0].get("c") == value
    assert str(parse(selector)) == str(parse(selector))


def _quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(char):08x}" for char in text) + '"'


def test_recursion_has_room_to_spare() -> None:
    """The bound on depth keeps well away from Python's own."""
    assert sys.getrecursionlimit() >= 1000
    deepest = limits.QUERY_DEPTH_MAX - 1
    for text in ("abs(" * deepest + "m" + ")" * deepest, "+".join(["m"] * deepest)):
        assert len(_ask(text).labels) == 20
