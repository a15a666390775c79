"""Texts of expressions and of mistakes, against what the original says of them."""

from __future__ import annotations

from termprom.promql.syntax.format import pretty
from termprom.promql.syntax.parse import Features, parse
from tests.promql.syntax import expressions


def test_each_expression_is_printed_or_refused_as_by_the_original() -> None:
    found = expressions.cases()
    assert len(found) > 500
    wrong = [(one.expr, expressions.ours(one.expr), one.says) for one in found]
    assert [one for one in wrong if one[1] != one[2]] == []


def test_what_is_printed_reads_back_as_the_same() -> None:
    features = Features.everything()
    for one in expressions.cases():
        if "parse error: " not in one.says and "\\xff" not in one.says:
            assert pretty(parse(one.says, features)) == one.says
