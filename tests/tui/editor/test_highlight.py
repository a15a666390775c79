"""Colours of half-typed expressions, brackets, and what is said about a mistake."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.tui.editor.diagnose import diagnose
from termprom.tui.editor.highlight import closing, open_brackets, pieces


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (
            'sum by (job) (rate(x_total{code=~"5.."}[5m]))',
            "aggregator keyword punctuation label punctuation punctuation function punctuation "
            "metric punctuation label operator string punctuation punctuation duration "
            "punctuation punctuation punctuation",
        ),
        ("up and on(job) down", "metric operator keyword punctuation label punctuation metric"),
        ("1e3 + Inf # note", "number operator number comment"),
        ('{"a b"="c', "punctuation label operator string"),
        ("job:x:rate5m offset 1d", "metric keyword duration"),
        ("up $", "metric error"),
        (")", "error"),
        (")0", "error error"),
        ("up)", "metric error"),
    ],
)
def test_kinds_of_words(text, kinds):
    assert " ".join(one.kind for one in pieces(text)) == kinds


@given(st.text(alphabet="abc_:(){}[]\"'`#=~!<>+-*/0123456789. \n,sumbyoffset", max_size=60))
def test_pieces_never_overlap_and_leave_only_blanks(text):
    at = 0
    for one in pieces(text):
        assert text[at : one.start].strip(" \n") == ""
        assert one.start < one.end
        at = one.end
    assert text[at:].strip(" \n") == ""


def test_what_brackets_are_missing():
    assert closing('sum(rate(x{a="("}[5m]') == "))"
    assert closing("sum(up)") == ""
    assert open_brackets("sum(up[")[-1] == ("[", 6)


@pytest.mark.parametrize(
    ("text", "span", "unfinished", "words"),
    [
        ("rte(x[5m])", (0, 3), False, 'did you mean "rate"'),
        ("rate(up)", (5, 7), False, "expected type range vector"),
        ("up + $ + 1", (5, 6), False, "unexpected character"),
        ("up + 5mx", (5, 8), False, "bad number or duration"),
        ('sum(up{a="é"}, foo bar', (19, 22), False, "unexpected identifier"),
        ('up{job="a', (2, 3), True, "lacks }"),
        ("sum(rate(up[5m", (11, 12), True, "lacks ])) for [ at 12"),
        ("up +", (4, 4), True, "unexpected end of input"),
    ],
)
def test_a_mistake_has_its_place_and_its_words(text, span, unfinished, words):
    found = diagnose(text)
    assert found is not None
    assert (found.start, found.end) == span
    assert found.unfinished is unfinished
    assert words in found.message


@pytest.mark.parametrize("text", ["", "  ", "up", "sum by (job) (rate(x[5m]))", "{job='é'} > 1"])
def test_what_can_be_run_has_no_mistake(text):
    assert diagnose(text) is None
