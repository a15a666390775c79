"""Matchers as people and amtool write them. Source: Alertmanager's documentation of matchers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.model.matchers import Matcher, MatchOp
from termprom.model.silences import parse_matcher


@pytest.mark.parametrize(
    ("text", "matcher"),
    [
        ("foo=bar", Matcher("foo", MatchOp.EQUAL, "bar")),
        (" foo = bar ", Matcher("foo", MatchOp.EQUAL, "bar")),
        ('foo="a b"', Matcher("foo", MatchOp.EQUAL, "a b")),
        ("foo!=bar", Matcher("foo", MatchOp.NOT_EQUAL, "bar")),
        ("foo=~a|b", Matcher("foo", MatchOp.REGEX, "a|b")),
        ("foo!~a.*", Matcher("foo", MatchOp.NOT_REGEX, "a.*")),
        ("foo=", Matcher("foo", MatchOp.EQUAL, "")),
        ('foo="a\\"b\\\\c\\nd"', Matcher("foo", MatchOp.EQUAL, 'a"b\\c\nd')),
        ('foo="a\\d"', Matcher("foo", MatchOp.EQUAL, "a\\d")),
        ('"foo bar"=x', Matcher("foo bar", MatchOp.EQUAL, "x")),
        ("föö=bar", Matcher("föö", MatchOp.EQUAL, "bar")),
        # The reference's table: what each parser says, and which of them is believed.
        ("foo=bar baz", Matcher("foo", MatchOp.EQUAL, "bar baz")),
        ("foo==bar", Matcher("foo", MatchOp.EQUAL, "=bar")),
        ("foo=bar,", Matcher("foo", MatchOp.EQUAL, "bar,")),
        ("foo=a\\nb", Matcher("foo", MatchOp.EQUAL, "a\nb")),
        ('foo="\\x41"', Matcher("foo", MatchOp.EQUAL, "\\x41")),
        ("foo='bar'", Matcher("foo", MatchOp.EQUAL, "'bar'")),
        ("a.b=c", Matcher("a.b", MatchOp.EQUAL, "c")),
        ('""=x', Matcher("", MatchOp.EQUAL, "x")),
        ("1a=b", Matcher("1a", MatchOp.EQUAL, "b")),
        ("1a=b,", Matcher("1a", MatchOp.EQUAL, "b")),
        ('"foo"="\\x41\\u00e9\\303\\251\\t"', Matcher("foo", MatchOp.EQUAL, "Aéé\t")),
        ('"a\\"b"="\\U0001F600"', Matcher('a"b', MatchOp.EQUAL, "\U0001f600")),
    ],
)
def test_what_can_be_read(text: str, matcher: Matcher) -> None:
    assert parse_matcher(text) == matcher


@pytest.mark.parametrize("text", ["", "foo", "=bar", "foo bar=x", "{foo=bar}", 'foo="a', 'foo=a"b'])
def test_what_cannot(text: str) -> None:
    with pytest.raises(ValueError, match=r"bad matcher|unescaped|brace"):
        parse_matcher(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("foo", "bad matcher format: foo"),
        ("foo!bar", "bad matcher format: foo!bar"),
        ("{foo=bar", "unexpected open or close brace: {foo=bar"),
        ("foo=bar}", "unexpected open or close brace: foo=bar}"),
        ('foo="a', 'matcher value contains unescaped double quote: "a'),
        ("a.b=c,d=e", "bad matcher format: a.b=c,d=e"),
        ('a.b="\\d"', 'bad matcher format: a.b="\\d"'),
        ('a.b="\\xff"', 'bad matcher format: a.b="\\xff"'),
        ("foo=~[a", "error parsing regexp: missing closing ]: `[a)$`"),
        ('foo="a\\"', 'matcher value contains unescaped double quote: "a\\"'),
    ],
)
def test_refusals_are_in_the_classic_parsers_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(words) + "$"):
        parse_matcher(text)


def test_a_bad_expression_says_so() -> None:
    with pytest.raises(ValueError, match="error parsing regexp"):
        parse_matcher("foo=~[a")


@given(
    st.sampled_from([MatchOp.EQUAL, MatchOp.NOT_EQUAL]),
    st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=12),
)
def test_what_is_printed_is_read(op: MatchOp, value: str) -> None:
    matcher = Matcher("label", op, value)
    assert parse_matcher(str(matcher)) == matcher
