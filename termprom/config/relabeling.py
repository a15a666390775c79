"""Relabelling rules: reading and checking them. Applying them is `termprom.relabel`.

The checks come in the original's order, because the first one that fails is what is shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from termprom.config import scalars
from termprom.config.fields import Document, Reader, Section, list_of, read_section
from termprom.config.names import is_label_name, quoted
from termprom.config.yaml_tree import Node
from termprom.model.regex import compile_re2
from termprom.relabel import DEFAULT_REPLACEMENT, DEFAULT_SEPARATOR, RelabelAction, RelabelConfig

_REFERENCE: Final = re.compile(r"\$(?:\$|\w+|\{\w+\})", re.ASCII)
_LEGACY_TARGET: Final = re.compile(r"(?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+", re.ASCII)

_NEEDS_TARGET: Final = frozenset(
    {
        RelabelAction.REPLACE,
        RelabelAction.HASHMOD,
        RelabelAction.LOWERCASE,
        RelabelAction.UPPERCASE,
        RelabelAction.KEEP_EQUAL,
        RelabelAction.DROP_EQUAL,
    }
)
_FIXED_REPLACEMENT: Final = _NEEDS_TARGET - {RelabelAction.REPLACE, RelabelAction.HASHMOD}
_EQUALITY: Final = frozenset({RelabelAction.KEEP_EQUAL, RelabelAction.DROP_EQUAL})
_LABEL_FILTER: Final = frozenset({RelabelAction.LABELDROP, RelabelAction.LABELKEEP})


def _source_label(node: Node, document: Document) -> str:
    name = scalars.text(node, document)
    if not is_label_name(name):
        document.fail(node, f"{quoted(name)} is not a valid label name")
    return name


_TABLE: Final = {
    "source_labels": list_of(_source_label, "model.LabelNames"),
    "separator": scalars.text,
    "regex": scalars.text,
    "modulus": scalars.unsigned64,
    "target_label": scalars.text,
    "replacement": scalars.text,
    "action": scalars.text,
}


def _rule(node: Node, document: Document) -> tuple[Section, RelabelConfig]:
    """One rule, with its section: the rest of the checks need the global validation scheme."""
    section = read_section(node, document, _TABLE, "relabel.plain")
    written = section.get("action", RelabelAction.REPLACE.value)
    if written and written.lower() not in set(RelabelAction):
        section.fail(f'unknown relabel action "{written}"', "action")
    try:
        rule = RelabelConfig(
            **section.pick("source_labels", "separator", "regex", "target_label", "replacement"),
            modulus=section.get("modulus", 0),
            action=RelabelAction(written.lower() or "replace"),
        )
    except ValueError as problem:
        section.fail(_regex_problem(section.get("regex", ""), str(problem)), "regex")
    return section, rule


def _regex_problem(regex: str, otherwise: str) -> str:
    """What is wrong with a pattern as the original compiles it, between its anchors."""
    try:
        compile_re2(f"^(?s:{regex})$")
    except ValueError as problem:
        return str(problem)
    return otherwise


def relabel_rules(null_item: str) -> Reader:
    """A reader of a list of rules; `null_item` is the error for an empty entry."""
    return list_of(_rule, "[]*relabel.Config", null_item=null_item)


def checked_rules(
    rules: Sequence[tuple[Section, RelabelConfig]], *, legacy: bool
) -> tuple[RelabelConfig, ...]:
    """The rules once they have passed; `legacy` is the validation scheme. Raises ConfigError."""
    for section, rule in rules:
        _check(section, rule, legacy=legacy)
    return tuple(replace(rule, legacy_names=True) if legacy else rule for _, rule in rules)


def _check(section: Section, rule: RelabelConfig, *, legacy: bool) -> None:
    action = rule.action
    target = rule.target_label
    if "action" in section and not section.get("action"):
        section.fail("relabel action cannot be empty", "action")
    if action is RelabelAction.HASHMOD and rule.modulus == 0:
        section.fail(
            "relabel configuration for hashmod requires non-zero modulus", "modulus", "action"
        )
    if action in _NEEDS_TARGET and not target:
        section.fail(
            f"relabel configuration for {action} action requires 'target_label' value",
            "target_label",
            "action",
        )
    if action is RelabelAction.REPLACE and not _is_target(target, legacy=legacy):
        section.fail(
            f"{quoted(target)} is invalid 'target_label' for {action} action", "target_label"
        )
    if action in _FIXED_REPLACEMENT:
        if not is_label_name(target, legacy=legacy):
            section.fail(
                f"{quoted(target)} is invalid 'target_label' for {action} action", "target_label"
            )
        if rule.replacement != DEFAULT_REPLACEMENT:
            section.fail(f"'replacement' can not be set for {action} action", "replacement")
    if action is RelabelAction.LABELMAP and not _is_target(rule.replacement, legacy=legacy):
        section.fail(
            f"{quoted(rule.replacement)} is invalid 'replacement' for {action} action",
            "replacement",
        )
    if action is RelabelAction.HASHMOD and not is_label_name(target, legacy=legacy):
        section.fail(
            f"{quoted(target)} is invalid 'target_label' for {action} action", "target_label"
        )
    _check_unused(section, rule)


def _check_unused(section: Section, rule: RelabelConfig) -> None:
    """Fields that an action does not look at are mistakes, even where they repeat a default."""
    action = rule.action
    shared = rule.modulus != 0 or rule.separator != DEFAULT_SEPARATOR
    if action in _EQUALITY and ("regex" in section or shared):
        section.fail(
            f"{action} action requires only 'source_labels' and `target_label`, "
            "and no other fields",
            "regex",
            "modulus",
            "separator",
        )
    if action in _LABEL_FILTER and (
        "source_labels" in section
        or rule.target_label
        or shared
        or rule.replacement != DEFAULT_REPLACEMENT
    ):
        section.fail(
            f"{action} action requires only 'regex', and no other fields",
            "source_labels",
            "target_label",
            "modulus",
            "separator",
            "replacement",
        )


def _is_target(text: str, *, legacy: bool) -> bool:
    """Whether `text` is a label name once its references are filled in."""
    if legacy and _REFERENCE.search(text):
        return _LEGACY_TARGET.fullmatch(text) is not None
    return is_label_name(text, legacy=legacy)
