"""The series notation of scripts and rule tests. What is refused a real promtool refuses too."""

from __future__ import annotations

import math

import pytest

from termprom.model.histogram import FloatHistogram
from termprom.model.labels import Labels
from termprom.model.values import STALE_BITS, bits_of
from termprom.testing.promqltest.nhcb import native_lines
from termprom.testing.promqltest.series import parse_series

_NAN, _INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1 2 3", [1, 2, 3]),
        ("1+1x3", [1, 2, 3, 4]),
        ("1-1x2", [1, 0, -1]),
        ("-1+2x2", [-1, 1, 3]),
        ("1x2", [1, 1, 1]),
        ("1x0", [1]),
        ("1 _ _x2 2", [1, None, None, None, 2]),
        ("_x0", []),
        ("1_000 .5 5. 1e3", [1000, 0.5, 5, 1000]),
        ("+Inf -Inf NaN inf", [_INF, -_INF, _NAN, _INF]),
        ("1 +2x1", [1, 2, 2]),
        ("1\t 2  ", [1, 2]),
        ("0.1+0.1x2", [0.1, 0.2, 0.1 + 0.1 + 0.1]),
        ("", []),
    ],
)
def test_values(text: str, values: list[float | None]) -> None:
    # As text: a NaN is not equal to itself.
    found = parse_series(f"m {text}").items
    assert repr(list(found)) == repr([None if one is None else float(one) for one in values])


def test_a_series_may_end() -> None:
    ended = parse_series("m stale").items[0]
    assert isinstance(ended, float)
    assert bits_of(ended) == STALE_BITS


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("m", {"__name__": "m"}),
        ('m{a="b",}', {"__name__": "m", "a": "b"}),
        ("m{a='b'}", {"__name__": "m", "a": "b"}),
        ("m{a=`b\\n`}", {"__name__": "m", "a": "b\\n"}),
        ('{"m.x",a="b"}', {"__name__": "m.x", "a": "b"}),
        ('m{"a.b"="c"}', {"__name__": "m", "a.b": "c"}),
        ('{a="é\\n\\"\\\\"}', {"a": 'é\n"\\'}),
        ('m{__name__="x"}', {"__name__": "m"}),
        ("{}", {}),
    ],
)
def test_labels(text: str, labels: dict[str, str]) -> None:
    assert parse_series(f"{text} 1").labels == Labels.of(labels)


@pytest.mark.parametrize(
    "text",
    [
        *("m 0+-1x2", "m 1--1x2", "m 1+ 1x2", "m abc", "m 1+1", "m 1+1x", "m x3", "m 1x-1"),
        *("m 1+1x1.5", "m 1,2", "m 1e", "m 0x1F", "m 1__0", "m 1e400", "m {{buckets:[]}}"),
        *("m {{foo:1}}", "m {{ count:1 }}", "m {{count:1}}_", "m {{count:1 count:2}}"),
        *("m {{schema:1}}+{{schema:0}}x2", "m {{count:1}}+{{count:1}}", "m {{count:x}}"),
        *('m{a="b" 1', "m{a=b} 1", "1m 1", 'm{a!="b"} 1', 'm{a="b" c="d"} 1', 'm {a="b"} 1'),
        *("inf 1", "NaN 1", "m{,} 1", "m{{count:1"),
    ],
)
def test_what_is_no_series_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_series(text)


def test_histograms_are_added_up() -> None:
    first, second, third = parse_series(
        "m {{count:1 sum:2 buckets:[1]}}+{{count:2 sum:1 buckets:[2]}}x2"
    ).items
    assert isinstance(first, FloatHistogram)
    assert isinstance(second, FloatHistogram)
    assert isinstance(third, FloatHistogram)
    assert [one.count for one in (first, second, third)] == [1, 3, 5]
    assert third.positive_buckets == (5,)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (['a_bucket{le="1"} 5', 'a_bucket{le="2"} 4'], "not cumulative: 4 < 5"),
        (['a_bucket{le="+Inf"} 5', "a_count 6"], "does not match the count: 5 != 6"),
        (['a_bucket{le="1"} -1'], "cannot be negative"),
    ],
)
def test_contradicting_buckets_are_refused(lines: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        native_lines([parse_series(line) for line in lines])
