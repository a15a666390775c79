"""What belongs at the caret, marked by `|`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.tui.editor.context import Place, call_at, context_at, value_text


def at(marked: str):
    caret = marked.index("¦")
    return marked.replace("¦", ""), caret


@pytest.mark.parametrize(
    ("marked", "place", "typed"),
    [
        ("¦", Place.EXPRESSION, ""),
        ("up¦", Place.EXPRESSION, "up"),
        ("sum(r¦", Place.EXPRESSION, "r"),
        ("topk(5, ¦", Place.EXPRESSION, ""),
        ("up == bool ¦", Place.EXPRESSION, ""),
        ("up o¦", Place.AFTER, "o"),
        ("sum b¦", Place.AFTER, "b"),
        ("up{¦", Place.LABEL_NAME, ""),
        ('up{job="a",i¦}', Place.LABEL_NAME, "i"),
        ('up{job="a¦', Place.LABEL_VALUE, "a"),
        ('up{job=~"a|b¦|c"}', Place.LABEL_VALUE, "b"),
        ("rate(x[¦", Place.DURATION, ""),
        ("rate(x[5¦", Place.DURATION, "5"),
        ("x offset ¦", Place.DURATION, ""),
        ("sum by (jo¦) (up)", Place.LABEL_LIST, "jo"),
        ("a + on(¦) b", Place.LABEL_LIST, ""),
        ("up # so¦", Place.NOTHING, ""),
        ('label_replace(up, "a¦', Place.NOTHING, ""),
    ],
)
def test_place_of_the_caret(marked, place, typed):
    found = context_at(*at(marked))
    assert (found.place, found.typed) == (place, typed)


def test_values_are_asked_for_under_the_other_matchers():
    found = context_at(*at('rate(http_total{env="x",job="a¦",code=~"5.."}[5m])'))
    assert found.label == "job"
    assert found.selectors == ('http_total{env="x",code=~"5.."}',)


def test_labels_of_a_list_are_those_of_all_metrics_of_the_expression():
    found = context_at(*at('sum by (job, ¦) (rate(a_total{x="1"}[5m])) / sum(b_total)'))
    assert found.used == {"job"}
    assert found.selectors == ('a_total{x="1"}', "b_total")


def test_a_value_is_escaped_for_where_it_stands():
    exact, regex = (context_at(*at(f'up{{a{op}"¦"}}')) for op in ("=", "=~"))
    assert value_text('a.b"c', exact) == 'a.b\\"c'
    assert value_text("a.b", regex) == "a\\\\.b"


@pytest.mark.parametrize(
    ("marked", "name", "argument"),
    [
        ("histogram_quantile(0.9, sum by (le, job) (¦", "histogram_quantile", 1),
        ('label_replace(up{a="b,c"}, "x", ¦', "label_replace", 2),
        ("rate(x[5m¦", "rate", 0),
    ],
)
def test_the_call_around_the_caret(marked, name, argument):
    call = call_at(*at(marked))
    assert call is not None
    assert (call.function.name, call.argument) == (name, argument)


@given(st.text(alphabet="ab_:(){}[]\"'`#=~!,+0159. \nbysumoffset", max_size=40), st.integers(0, 40))
def test_every_text_has_a_context_inside_of_it(text, caret):
    caret = min(caret, len(text))
    found = context_at(text, caret)
    assert found.place is Place.NOTHING or 0 <= found.start <= caret <= found.end <= len(text)
    call_at(text, caret)
