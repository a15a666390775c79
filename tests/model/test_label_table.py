"""A table of label sets says the same as the label sets themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.model import label_table as module
from termprom.model.label_table import label_table
from termprom.model.labels import Labels

label_sets = st.lists(
    st.dictionaries(st.sampled_from(["__name__", "a", "b", "Z"]), st.sampled_from("xyé"))
).map(lambda found: [Labels.of(one) for one in found])


@given(label_sets)
def test_it_is_the_sequence_it_was_made_of(labels: list[Labels]) -> None:
    table = label_table(labels)
    assert [table[row] for row in range(len(labels))] == labels
    assert list(table) == labels == table[:]
    assert len(table) == len(labels)
    with pytest.raises(IndexError):
        table[len(labels)]


@given(label_sets)
def test_a_long_table_keeps_nothing(labels: list[Labels]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "KEPT_MAX", -1)
        assert list(label_table(labels)) == labels


@given(label_sets)
def test_its_order_is_that_of_labels(labels: list[Labels]) -> None:
    order = label_table(labels).ordered().tolist()
    assert order == sorted(range(len(labels)), key=labels.__getitem__)


@given(label_sets, st.data())
def test_some_rows_of_it(labels: list[Labels], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, len(labels) - 1))) if labels else []
    table = label_table(labels).take(np.array(rows, dtype=np.int64))
    assert list(table) == [labels[row] for row in rows]


@given(label_sets, st.sets(st.sampled_from(["__name__", "a", "b", "Z", "q"])))
def test_groups_are_those_of_the_kept_labels(labels: list[Labels], names: set[str]) -> None:
    firsts, groups = label_table(labels).grouped(lambda name: name in names)
    numbers: dict[Labels, int] = {}
    wanted = [numbers.setdefault(one.only(*names), len(numbers)) for one in labels]
    assert groups.tolist() == wanted
    assert [labels[row].only(*names) for row in firsts.tolist()] == list(numbers)


@given(label_sets)
def test_the_values_of_one_name(labels: list[Labels]) -> None:
    table = label_table(labels)
    found = table.value_numbers("a").tolist()
    assert [table.pairs[one][1] if one >= 0 else "" for one in found] == [
        one.get("a") for one in labels
    ]
