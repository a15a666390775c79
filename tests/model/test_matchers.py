"""Matchers: anchored RE2, missing labels are empty."""

from __future__ import annotations

import pytest

from termprom.model.labels import Labels
from termprom.model.matchers import Matcher, MatchOp, all_match


@pytest.mark.parametrize(
    ("op", "pattern", "value", "passes"),
    [
        ("=", "a", "a", True),
        ("=", "", "", True),
        ("!=", "a", "", True),
        ("=~", "a", "ab", False),
        ("=~", "a.*", "ab", True),
        ("=~", "a|bc", "bc", True),
        ("=~", "a.b", "a\nb", True),
        ("=~", "a", "a\n", False),
        ("=~", "(?i)ABC", "abc", True),
        ("=~", "ä+", "ää", True),
        ("!~", "a.*", "", True),
        ("!~", ".*", "x", False),
    ],
)
def test_one_value(op: str, pattern: str, value: str, passes: bool) -> None:
    assert Matcher("x", MatchOp(op), pattern).matches(value) is passes


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "(?=a)", "\\1"])
def test_a_bad_pattern_is_a_value_error(pattern: str) -> None:
    with pytest.raises(ValueError, match="error parsing regexp"):
        Matcher("x", MatchOp.REGEX, pattern)


def test_all_must_pass_and_missing_labels_are_empty() -> None:
    matchers = [Matcher("a", MatchOp.EQUAL, "1"), Matcher("b", MatchOp.EQUAL, "")]
    assert all_match(matchers, Labels.of(a="1"))
    assert not all_match(matchers, Labels.of(a="1", b="2"))


def test_a_pattern_that_backtracks_elsewhere_is_linear_here() -> None:
    assert not Matcher("x", MatchOp.REGEX, "(a*)*b").matches("a" * 50_000)
