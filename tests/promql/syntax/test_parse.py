"""What parses, what it means, and the words for what does not. Source: reference 2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.errors import ParseError
from termprom.promql.syntax.check import type_of
from termprom.promql.syntax.format import one_line, pretty
from termprom.promql.syntax.parse import Features, parse, parse_selector


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("sum(a)by(b)", "sum by (b) (a)"),
        ("-2^2", "-2 ^ 2"),
        ("2^3^2", "2 ^ 3 ^ 2"),
        ("a{z='1',b=~\"x.*\"}", 'a{b=~"x.*",z="1"}'),
        ("foo offset -5m @ 10", "foo @ 10.000 offset -5m"),
        ("rate(foo[5m] @ start() offset 1m)", "rate(foo[5m] @ start() offset 1m)"),
        ("max_over_time(foo[1h:])", "max_over_time(foo[1h:])"),
        ("a * on() b", "a * on () b"),
        ("a + ignoring() b", "a + b"),
        ("a / ignoring(x) group_left(y) b", "a / ignoring (x) group_left (y) b"),
        ("topk(5, up) > bool 1", "topk(5, up) > bool 1"),
        ("1e3", "1000"),
        ("foo[5m+30s]", "foo[5m + 30s]"),
        ('sum by ("a b") (up)', 'sum by ("a b") (up)'),
    ],
)
def test_the_canonical_text(text: str, printed: str) -> None:
    assert one_line(parse(text)) == printed
    assert one_line(parse(printed)) == printed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "unknown position: parse error: no expression found in input"),
        ("# nothing", "1:1: parse error: no expression found in input"),
        (
            "foo{a}",
            '1:6: parse error: unexpected "}" in label matching, expected label matching operator',
        ),
        ("sum by (a)", "1:11: parse error: unexpected end of input in aggregation"),
        ("sum by", '1:7: parse error: unexpected end of input in grouping opts, expected "("'),
        (
            "rate(a)",
            '1:6: parse error: expected type range vector in call to function "rate", '
            "got instant vector",
        ),
        ("1 > 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"),
        ("a\n+ + )", "2:6: parse error: unexpected right parenthesis ')'"),
        (
            "rat(a[5m])",
            '1:1: parse error: unknown function with name "rat", did you mean "rate"?',
        ),
        (
            "summ(a)",
            '1:1: parse error: unknown function with name "summ", did you mean "sum"?',
        ),
        (
            "Rate(a[5m])",
            '1:1: parse error: unknown function with name "Rate", did you mean "rate"?',
        ),
        ("xyzzy(a)", '1:1: parse error: unknown function with name "xyzzy"'),
        ("(foo)[5m]", "1:6: parse error: ranges only allowed for vector selectors"),
        ("{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ("foo[0s]", "1:5: parse error: duration must be greater than 0"),
        ("sort_by_label(a)", '1:1: parse error: function "sort_by_label" is not enabled'),
        ("time(1)", '1:1: parse error: expected 0 argument(s) in call to "time", got 1'),
        ("abs(a,)", "1:6: parse error: trailing commas not allowed in function call args"),
        ("a and 1", '1:1: parse error: set operator "and" not allowed in binary scalar expression'),
        ("foo offset 1m offset 2m", "1:1: parse error: offset may not be set multiple times"),
    ],
)
def test_errors_in_the_original_s_words(text: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert str(caught.value) == message


def test_spans_count_bytes() -> None:
    with pytest.raises(ParseError) as caught:
        parse('up{a="ü"} + }')
    assert (caught.value.start, caught.value.column) == (13, 14)


@pytest.mark.parametrize("text", ["(" * 10_000 + "1" + ")" * 10_000, "-" * 10_000 + "a"])
def test_bottomless_nesting_is_one_clear_error(text: str) -> None:
    with pytest.raises(ParseError, match="nested deeper than"):
        parse(text)


def test_features_switch_parts_on() -> None:
    assert type_of(parse("sort_by_label(a, 'b')", Features.everything())) == "vector"
    with pytest.raises(ParseError, match="experimental and not enabled"):
        parse("a + fill(0) b")
    parse("a + fill(0) b", Features.everything())


def test_a_selector_alone() -> None:
    assert [str(one) for one in parse_selector('up{job!="a"}')] == ['job!="a"', '__name__="up"']
    with pytest.raises(ParseError):
        parse_selector("sum(up)")


def test_long_expressions_are_split() -> None:
    text = f"sum by (job) (rate({'x' * 60}[5m])) / sum by (job) (rate({'y' * 60}[5m]))"
    assert pretty(parse(text)) == (
        f"  sum by (job) (rate({'x' * 60}[5m]))\n/\n  sum by (job) (rate({'y' * 60}[5m]))"
    )
    assert parse(pretty(parse(text))) == parse(text)


@given(st.text(alphabet='abr(){}[]=~!"5m,:+-*/ @sumbyofte\n', max_size=40))
def test_any_text_is_an_expression_or_one_located_error(text: str) -> None:
    try:
        tree = parse(text)
    except ParseError as wrong:
        problem = wrong
    else:
        printed = one_line(tree)
        assert one_line(parse(printed)) == printed
        return
    assert problem.message
    assert problem.end <= len(text.encode()) + 1
