"""The scanners of both text formats against the rows of the reference, and of real pages."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from termprom.errors import ExpositionError
from termprom.exposition.entries import HelpEntry, SeriesEntry, TypeEntry, UnitEntry
from termprom.exposition.negotiate import Format, scanner_for
from termprom.exposition.scanner import scan
from termprom.model.metadata import MetricType
from termprom.model.values import NAN_BITS, bits_of
from tests.shared_folder import shared

TEXT, OM = Format.TEXT, Format.OPENMETRICS


def entries(body: str | bytes, kind: Format = TEXT) -> list[object]:
    data = body if isinstance(body, bytes) else body.encode()
    return list(scan(scanner_for(data, kind)))


def samples(body: str | bytes, kind: Format = TEXT) -> list[SeriesEntry]:
    return [one for one in entries(body, kind) if isinstance(one, SeriesEntry)]


def shown(body: str | bytes, kind: Format = TEXT) -> list[str]:
    """Each sample as name{labels} value [timestamp]."""
    found = []
    for one in samples(body, kind):
        (_, name), *rest = one.pairs
        labels = ",".join(f"{label}={value}" for label, value in rest)
        stamp = "" if one.timestamp_ms is None else f" @{one.timestamp_ms}"
        found.append(f"{name}{{{labels}}} {one.value:g}{stamp}")
    return found


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", []),
        ("foo 1", ["foo{} 1"]),
        ("foo 1\n\n  \nbar 2\n", ["foo{} 1", "bar{} 2"]),
        ("  foo 1\n", ["  foo{} 1"]),
        ('  {"foo"} 1\n', ["foo{} 1"]),
        ("foo 1 \n", ["foo{} 1"]),
        ("foo\t1\t2\n", ["foo{} 1 @2"]),
        ('foo{a="b"}1\n', ["foo{a=b} 1"]),
        ("foo 1 0\n", ["foo{} 1 @0"]),
        ("foo 1 007\n", ["foo{} 1 @7"]),
        ("foo{} 1\n", ["foo{} 1"]),
        ('{"foo",a="1"} 1\n', ["foo{a=1} 1"]),
        ('{a="1","foo",b="2"} 1\n', ["foo{a=1,b=2} 1"]),
        ('foo{a="1",} 1\n', ["foo{a=1} 1"]),
        ('foo{a="1" b="2"} 1\n', ["foo{a=1,b=2} 1"]),
        ('foo{a="1"b="2"} 1\n', ["foo{a=1,b=2} 1"]),
        ('foo { a = "1" , b = "2" } 1\n', ["foo{a=1,b=2} 1"]),
        ('foo{a="x\\yz"} 1\n', ["foo{a=x\\yz} 1"]),
        ('foo{a="x\ny"} 1\n', ["foo{a=x\ny} 1"]),
        ('foo{a="1",a="2"} 1\n', ["foo{a=1,a=2} 1"]),
        ('{"a\\"b\\nc"} 1\n', ['a"b\nc{} 1']),
        ("a:b:c 1\n:x 2\n", ["a:b:c{} 1", ":x{} 2"]),
        ('{"a.b","c.d"="e"} 1\n', ["a.b{c.d=e} 1"]),
        ('foo{a=""} 1\n', ["foo{a=} 1"]),
        ('{""} 1\n', ["{} 1"]),
        ("# TYPE\n# HELP\n#TYPE foo counter\n# type foo counter\n# UNIT foo s\n# EOF\n", []),
        ("foo 1\n\0 junk\nbar 2\n", ["foo{} 1"]),
        ("foo 1\n# x\0y\nbar 2\n", ["foo{} 1"]),
        ('foo{a="x\0y"} 1\n', ["foo{a=x\0y} 1"]),
        ("foo{a=\"\u2028\x85\r\"} 1\n", ["foo{a=\u2028\x85\r} 1"]),
    ],
)  # fmt: skip
def test_text_that_is_taken(body: str, expected: list[str]) -> None:
    """Source: reference of exposition, 9.1."""
    assert shown(body) == expected


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("foo 1\r\n", 'strconv.ParseFloat: parsing "1\\r": invalid syntax'),
        ("foo\n", "expected value after metric"),
        ('foo{a="1"}\n', "expected value after metric"),
        ("foo 1 -5\n", "expected timestamp or new record"),
        ("foo 1 +5\n", "expected timestamp or new record"),
        ("foo 1 #c\n", "expected timestamp or new record"),
        ("foo 1 1.5\n", "expected next entry after timestamp"),
        ("foo 1 2 3\n", "expected next entry after timestamp"),
        ("foo 1 5 # c\n", "expected next entry after timestamp"),
        ("foo 1 99999999999999999999\n", "value out of range"),
        ('foo "1"\n', "invalid syntax"),
        ("{} 1\n", "metric name not set"),
        ("{foo} 1\n", "expected equal"),
        ('{"foo","bar"} 1\n', "metric name already set"),
        ('foo{"bar"} 1\n', "metric name already set"),
        ('foo{,a="1"} 1\n', "expected label name"),
        ('foo{a="1",,b="2"} 1\n', "expected label name"),
        ('foo{a:b="1"} 1\n', "expected equal"),
        ('foo{1a="1"} 1\n', "expected label name"),
        ("foo{a=1} 1\n", "expected label value"),
        ("foo{a='1'} 1\n", "expected label value"),
        (b'foo{a="\xff"} 1\n', "invalid UTF-8 label value"),
        ("fö 1\n", ""),
        ("9foo 1\n", "expected a valid start token"),
        ("foo-bar 1\n", ""),
        ("\ufefffoo 1\n", "expected a valid start token"),
        ("# TYPE foo Counter\n", 'invalid metric type "Counter"'),
        ("# TYPE foo counter \n", 'invalid metric type "counter "'),
        ("# TYPE foo  counter\n", 'invalid metric type " counter"'),
        ("# TYPE foo counter # x\n", 'invalid metric type "counter # x"'),
        ("# TYPE foo\n", 'invalid metric type ""'),
        ("# TYPE foo gaugehistogram\n", "invalid metric type"),
        ("# TYPE foo info\n", "invalid metric type"),
        ("# TYPE foo unknown\n", "invalid metric type"),
        ("# HELP 9foo x\n", "expected metric name after HELP"),
        (b"# HELP foo \xff\n", "is not a valid utf8 string"),
        ('foo 1 # {a="b"} 1\n', "expected timestamp or new record"),
        ("foo 1_0\n", "unsupported character in float"),
        ("foo 0x10\n", "invalid syntax"),
        ("foo 1e400\n", "value out of range"),
        ("foo +nan\n", "invalid syntax"),
        ("foo infinit\n", "invalid syntax"),
        ("foo 1,000\n", "invalid syntax"),
        ("foo ٣\n", "invalid syntax"),
        ("foo .\n", "invalid syntax"),
        ("foo 1e\n", "invalid syntax"),
        ("foo ++1\n", "invalid syntax"),
    ],
)
def test_text_that_is_refused(body: str | bytes, words: str) -> None:
    with pytest.raises(ExpositionError) as caught:
        entries(b"ok 1\n" + (body if isinstance(body, bytes) else body.encode()))
    assert words in str(caught.value)
    assert str(caught.value).startswith("line 2: ")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("#  TYPE  foo counter\n", TypeEntry("foo", MetricType.COUNTER)),
        ("# TYPE\tfoo\tcounter\n", TypeEntry("foo", MetricType.COUNTER)),
        ("# TYPE foo untyped\n", TypeEntry("foo", MetricType.UNKNOWN)),
        ('# TYPE "a.b" gauge\n', TypeEntry("a.b", MetricType.GAUGE)),
        ("# HELP foo   bar  \n", HelpEntry("foo", "  bar  ")),
        ("# HELP foo    \n", HelpEntry("foo", "")),
        ('# HELP foo a\\nb\\\\c\\"d\\x\n', HelpEntry("foo", 'a\nb\\c\\"d\\x')),
    ],
)
def test_metadata_of_text(body: str, expected: object) -> None:
    assert entries(body) == [expected]


@pytest.mark.parametrize(
    ("token", "value"),
    [("1", 1), ("1.", 1), (".5", 0.5), ("00012", 12), ("1e5", 1e5), ("1E+5", 1e5), ("-0", -0.0),
     ("inf", math.inf), ("+INF", math.inf), ("-Infinity", -math.inf), ("1e-400", 0.0),
     ("9007199254740993", 9007199254740992), ("0.1", 0.1)],
)  # fmt: skip
def test_numbers(token: str, value: float) -> None:
    (found,) = samples(f"foo {token}\n")
    assert bits_of(found.value) == bits_of(float(value))


def test_every_nan_is_the_one_nan() -> None:
    for token in ("NaN", "nan", "NAN"):
        assert bits_of(samples(f"foo {token}\n")[0].value) == NAN_BITS


@pytest.mark.parametrize(
    ("bound", "normal"),
    [("1", "1.0"), ("1e3", "1000.0"), ("inf", "+Inf"), ("0.50", "0.5"), ("-0", "0.0"),
     ("nan", "NaN"), ("123456789", "1.23456789e+08"), ("0.00001", "1e-05"), ("1e21", "1e+21"),
     ("abc", "abc"), (" 1", " 1"), ("0x10", "0x10"), ("1_0", "10.0"), ("1e6", "1e+06"),
     ("100000", "100000.0"), ("0.0001", "0.0001")],
)  # fmt: skip
def test_bounds_have_one_spelling_under_their_type(bound: str, normal: str) -> None:
    line = f'foo_bucket{{le="{bound}"}} 1\n'
    assert samples("# TYPE foo histogram\n" + line)[0].pairs[1] == ("le", normal)
    assert samples("# TYPE foo gauge\n" + line)[0].pairs[1] == ("le", bound)
    assert samples(line)[0].pairs[1] == ("le", bound)
    quantile = f'foo{{quantile="{bound}"}} 1\n'
    assert samples("# TYPE foo summary\n" + quantile)[0].pairs[1] == ("quantile", normal)


# --- OpenMetrics ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("foo 1 1.2345\n", ["foo{} 1 @1234"]),
        ("foo 1 -1.5\n", ["foo{} 1 @-1500"]),
        ("foo 1 -0.0015\n", ["foo{} 1 @-1"]),
        ("foo 1 1e3\n", ["foo{} 1 @1000000"]),
        ("foo 1 1520879607.789\n", ["foo{} 1 @1520879607789"]),
        ('foo{a="1",} 1\n', ["foo{a=1} 1"]),
        ('{"foo",a="1"} 1\n', ["foo{a=1} 1"]),
        ("# TYPE foo counter\nfoo 1\n", ["foo{} 1"]),
        ("# TYPE foo info\n# TYPE bar stateset\nfoo_info 1\n", ["foo_info{} 1"]),
        ("foo_created 5\n", ["foo_created{} 5"]),
        ('foo{a="\\"\\\\\\n"} 1\n', ['foo{a="\\\n} 1']),
    ],
)
def test_openmetrics_that_is_taken(body: str, expected: list[str]) -> None:
    """Source: reference of exposition, 9.2."""
    assert shown(body + "# EOF\n", OM) == expected
    assert shown(body + "# EOF", OM) == expected


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("foo  1\n", "expected value after metric"),
        ("foo\t1\n", ""),
        (" foo 1\n", "expected a valid start token"),
        ("foo 1 \n", ""),
        ("foo 1\r\n", "invalid syntax"),
        ("\n", "expected a valid start token"),
        ("# hello\n", "expected a valid start token"),
        ('foo{a="1", b="2"} 1\n', "expected label name"),
        ('foo{a="1"b="2"} 1\n', "expected comma or brace close"),
        ('foo {a="b"} 1\n', ""),
        ('foo{a="b"}1\n', "expected value after metric"),
        ('foo{a="x\ny"} 1\n', ""),
        ("foo 1 NaN\n", "invalid timestamp NaN"),
        ("foo 1 +Inf\n", "invalid timestamp +Inf"),
        ("# TYPE foo untyped\n", 'invalid metric type "untyped"'),
        ("# TYPE foo  gauge\n", "invalid metric type"),
        ("# HELP foo\n", "expected text in HELP"),
        ("# UNIT foo\n", "expected text in UNIT"),
        ("# UNIT foo seconds\n", 'unit "seconds" not a suffix of metric "foo"'),
        ("foo_total 1 # {a=\"b\"} 1 # {a=\"b\"} 1\n", ""),
        ('foo_total 1 #{a="b"} 1\n', ""),
        ('foo_total 1 # {a="b"}\n', ""),
        ('foo_total 1 # {"a"} 1\n', ""),
        ('foo_total 1 # {a="b"} 1 NaN\n', "invalid exemplar timestamp NaN"),
        ("foo_total 1 st@1.5\n", ""),
        ("foo {count:1,sum:2} 1\n", ""),
    ],
)  # fmt: skip
def test_openmetrics_that_is_refused(body: str, words: str) -> None:
    with pytest.raises(ExpositionError) as caught:
        entries(body + "# EOF\n", OM)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("foo 1\n", "data does not end with # EOF"),
        ("foo 1\n# eof\n", "expected a valid start token"),
        ("# EOF \n", "unexpected data after # EOF"),
        ("# EOF\nfoo 1\n", "unexpected data after # EOF"),
        ("# EOF\n\n", "unexpected data after # EOF"),
    ],
)
def test_the_end_mark(body: str, words: str) -> None:
    with pytest.raises(ExpositionError, match=words):
        entries(body, OM)


def test_exemplars() -> None:
    (one,) = samples('foo_total 1 1.5 # {a="b",c="x\\"y"} 2 3.5\n# EOF\n', OM)
    assert one.timestamp_ms == 1500
    assert one.exemplar is not None
    assert one.exemplar.labels == (("a", "b"), ("c", 'x\\"y'))
    assert (one.exemplar.value, one.exemplar.timestamp_ms) == (2.0, 3500)
    for labels in ("{}", '{"a.b"="c"}', '{a="b",}'):
        assert samples(f"foo 1 # {labels} 0.5\n# EOF\n", OM)[0].exemplar is not None


def test_metadata_of_openmetrics() -> None:
    found = entries('# HELP foo_s a\\n\\"b\n# HELP bar \n# UNIT foo_s s\n# UNIT bar \n# EOF\n', OM)
    assert found == [
        HelpEntry("foo_s", 'a\n"b'),
        HelpEntry("bar", ""),
        UnitEntry("foo_s", "s"),
        UnitEntry("bar", ""),
    ]


# --- Real pages -------------------------------------------------------------------------------


def test_the_original_s_pages_are_read_to_their_end() -> None:
    folder = shared("conformance", "exposition")
    pages = sorted(Path(folder).iterdir())
    assert pages
    for page in pages:
        kind = OM if page.name.endswith(".om.txt") else TEXT
        body = page.read_bytes()
        lines = [line for line in body.split(b"\n") if line.strip() and not line.startswith(b"#")]
        assert len(samples(body, kind)) == len(lines), page.name
