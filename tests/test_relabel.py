"""Relabelling, action by action. Vectors from the behaviour of the original."""

from __future__ import annotations

import pytest

from termprom.model.labels import Labels
from termprom.relabel import RelabelAction, RelabelConfig, relabel


def one(labels: dict[str, str], **fields: object) -> dict[str, str] | None:
    """What a single rule makes of `labels`; None when it drops them."""
    if "action" in fields:
        fields["action"] = RelabelAction(fields["action"])
    outcome = relabel(Labels.of(labels), [RelabelConfig(**fields)])  # type: ignore[arg-type]
    return None if outcome.dropped else outcome.labels.as_dict()


@pytest.mark.parametrize(
    ("labels", "rule", "result"),
    [
        ({}, {"target_label": "a", "replacement": "x"}, {"a": "x"}),
        ({"a": "1"}, {"source_labels": ("missing",), "target_label": "a"}, {}),
        ({"a": "foo"}, {"source_labels": ("a",), "regex": "f(.*)", "target_label": "b"},
         {"a": "foo", "b": "oo"}),
        ({"a": "foo"}, {"source_labels": ("a",), "regex": "x", "target_label": "b"}, {"a": "foo"}),
        ({"a": "foo"}, {"source_labels": ("a",), "regex": "o", "target_label": "b"}, {"a": "foo"}),
        ({"a": "1", "b": "2"},
         {"source_labels": ("a", "b"), "separator": "-", "target_label": "c"},
         {"a": "1", "b": "2", "c": "1-2"}),
        ({"a": "x"}, {"source_labels": ("a",), "target_label": "b", "replacement": "${1}y$$$1z"},
         {"a": "x", "b": "xy$"}),
        ({"a": "x"}, {"source_labels": ("a",), "target_label": "b", "replacement": "$ ${ $9"},
         {"a": "x", "b": "$ ${ "}),
        ({"a": "n"}, {"source_labels": ("a",), "regex": "(?P<who>.*)", "target_label": "l_$who",
                      "replacement": "v"}, {"a": "n", "l_n": "v"}),
        ({"a": "1"}, {"source_labels": ("a",), "regex": "1", "action": "keep"}, {"a": "1"}),
        ({"a": "1"}, {"source_labels": ("a",), "regex": "2", "action": "keep"}, None),
        ({"a": "1"}, {"source_labels": ("a",), "regex": "1", "action": "drop"}, None),
        ({"a": "1", "b": "1"},
         {"source_labels": ("a",), "target_label": "b", "action": "dropequal"}, None),
        ({"a": "1"}, {"source_labels": ("a",), "target_label": "b", "action": "keepequal"}, None),
        ({}, {"source_labels": ("x",), "modulus": 8, "target_label": "h", "action": "hashmod"},
         {"h": "6"}),
        ({"x": "localhost:9090"}, {"source_labels": ("x",), "modulus": 1000, "target_label": "h",
                                   "action": "hashmod"}, {"x": "localhost:9090", "h": "618"}),
        ({"m_a": "1", "b": "2"}, {"regex": "m_(.+)", "action": "labelmap"},
         {"m_a": "1", "a": "1", "b": "2"}),
        ({"a": "1", "ab": "2"}, {"regex": "a", "action": "labeldrop"}, {"ab": "2"}),
        ({"a": "1", "ab": "2"}, {"regex": "a", "action": "labelkeep"}, {"a": "1"}),
        ({"a": "Straße"}, {"source_labels": ("a",), "target_label": "u", "action": "uppercase"},
         {"a": "Straße", "u": "STRAßE"}),
        ({"a": "İΑΣ"}, {"source_labels": ("a",), "target_label": "l", "action": "lowercase"},
         {"a": "İΑΣ", "l": "iασ"}),
        ({"a": "\u1fb3\u0149"},
         {"source_labels": ("a",), "target_label": "u", "action": "uppercase"},
         {"a": "\u1fb3\u0149", "u": "\u1fbc\u0149"}),
        ({"a": "x.y"}, {"source_labels": ("a",), "target_label": "$1", "legacy_names": True},
         {"a": "x.y"}),
        ({"a": "x.y"}, {"source_labels": ("a",), "target_label": "$1"}, {"a": "x.y", "x.y": "x.y"}),
    ],
)  # fmt: skip
def test_actions(
    labels: dict[str, str], rule: dict[str, object], result: dict[str, str] | None
) -> None:
    assert one(labels, **rule) == result


def test_the_first_drop_ends_it_and_is_named() -> None:
    keep = RelabelConfig(target_label="seen", replacement="1")
    drop = RelabelConfig(("a",), regex="1", action=RelabelAction.DROP)
    never = RelabelConfig(target_label="never", replacement="1")
    outcome = relabel(Labels.of(a="1"), [keep, drop, never])
    assert outcome.dropped_by == 1
    assert outcome.labels.as_dict() == {"a": "1", "seen": "1"}
