"""Label sets and how they print."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.model.labels import EMPTY, Labels

PAIRS = st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5), max_size=6)


def test_labels_are_sorted_and_empty_values_are_no_labels() -> None:
    assert Labels.of({"b": "2", "a": "1", "c": ""}) == (("a", "1"), ("b", "2"))


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        ({}, "{}"),
        ({"__name__": "up"}, "up"),
        ({"__name__": "up", "job": "a"}, 'up{job="a"}'),
        ({"__name__": "job:up:sum"}, "job:up:sum"),
        ({"job": 'say "hi"\n', "a": "\\"}, '{a="\\\\", job="say \\"hi\\"\\n"}'),
        ({"__name__": "a.b", "x": "1"}, '{"a.b", x="1"}'),
        ({"__name__": "up", "a.b": "1"}, 'up{"a.b"="1"}'),
        ({"__name__": "1up"}, '{"1up"}'),
    ],
)
def test_printing(mapping: dict[str, str], text: str) -> None:
    assert str(Labels.of(mapping)) == text


@given(PAIRS, PAIRS)
def test_merge_is_a_dictionary_update_that_forgets_empty_values(
    base: dict[str, str], changes: dict[str, str]
) -> None:
    merged = Labels.of(base).merge(changes)
    assert merged.as_dict() == {n: v for n, v in {**base, **changes}.items() if v}
    assert list(merged) == sorted(merged)


@given(PAIRS)
def test_without_and_only_split_a_label_set(pairs: dict[str, str]) -> None:
    labels = Labels.of(pairs)
    some = labels.names()[:2]
    assert {*labels.without(*some), *labels.only(*some)} == set(labels)
    assert Labels.of(labels.without(*some).as_dict()) == labels.without(*some)


def test_a_missing_label_reads_as_empty() -> None:
    assert EMPTY.get("job") == ""
    assert Labels.of(job="x").get("job") == "x"
    assert Labels.of(__name__="up", job="x").without_metric() == Labels.of(job="x")
