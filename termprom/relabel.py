"""Relabelling: a pure function from labels to labels, or to nothing.

Validation of a rule's fields belongs to `config.load`; here a rule is taken as sound.
Source: Prometheus docs, "Configuration", section relabel_config.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from termprom.model.labels import Labels, is_legacy_label_name
from termprom.model.regex import compile_re2

DEFAULT_REGEX: Final = "(.*)"
DEFAULT_REPLACEMENT: Final = "$1"
DEFAULT_SEPARATOR: Final = ";"

_REFERENCE: Final = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})")


class RelabelAction(StrEnum):
    REPLACE = "replace"
    KEEP = "keep"
    DROP = "drop"
    KEEP_EQUAL = "keepequal"
    DROP_EQUAL = "dropequal"
    HASHMOD = "hashmod"
    LABELMAP = "labelmap"
    LABELDROP = "labeldrop"
    LABELKEEP = "labelkeep"
    LOWERCASE = "lowercase"
    UPPERCASE = "uppercase"


@dataclass(frozen=True, slots=True)
class RelabelConfig:
    """One rule, as the configuration spells it. Raises ValueError for a bad regex."""

    source_labels: tuple[str, ...] = ()
    separator: str = DEFAULT_SEPARATOR
    regex: str = DEFAULT_REGEX
    modulus: int = 0
    target_label: str = ""
    replacement: str = DEFAULT_REPLACEMENT
    action: RelabelAction = RelabelAction.REPLACE
    legacy_names: bool = False  # a filled-in target that is no ASCII name is not set
    _compiled: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_compiled", compile_re2(self.regex))


@dataclass(frozen=True, slots=True)
class RelabelOutcome:
    """What a list of rules made of a label set; `dropped_by` is the rule's number or -1."""

    labels: Labels
    dropped_by: int = -1

    @property
    def dropped(self) -> bool:
        return self.dropped_by >= 0


def relabel(labels: Mapping[str, str] | Labels, rules: Sequence[RelabelConfig]) -> RelabelOutcome:
    """Apply `rules` in order; the first drop ends it."""
    current = dict(labels)
    for number, rule in enumerate(rules):
        if not _apply(current, rule):
            return RelabelOutcome(Labels.of(current), number)
    return RelabelOutcome(Labels.of(current))


@dataclass(frozen=True, slots=True)
class RelabelStep:
    """One rule at work: the labels before and after it, and whether they were kept."""

    rule: RelabelConfig
    before: Labels
    after: Labels
    kept: bool


def relabel_steps(
    labels: Mapping[str, str] | Labels, rules: Sequence[RelabelConfig]
) -> Iterator[RelabelStep]:
    """As `relabel`, rule by rule; the last step is the one that drops, if one does."""
    current = dict(labels)
    for rule in rules:
        before = Labels.of(current)
        kept = _apply(current, rule)
        yield RelabelStep(rule, before, Labels.of(current), kept)
        if not kept:
            return


def _apply(labels: dict[str, str], rule: RelabelConfig) -> bool:
    """Change `labels` in place; False drops them."""
    value = rule.separator.join(labels.get(name, "") for name in rule.source_labels)
    regex = rule._compiled
    match rule.action:
        case RelabelAction.KEEP:
            return regex.fullmatch(value) is not None
        case RelabelAction.DROP:
            return regex.fullmatch(value) is None
        case RelabelAction.KEEP_EQUAL:
            return labels.get(rule.target_label, "") == value
        case RelabelAction.DROP_EQUAL:
            return labels.get(rule.target_label, "") != value
        case RelabelAction.REPLACE:
            found = regex.fullmatch(value)
            if found is not None:
                target = expand(rule.target_label, found)
                if target and (is_legacy_label_name(target) or not rule.legacy_names):
                    _set(labels, target, expand(rule.replacement, found))
        case RelabelAction.LOWERCASE:
            _set(labels, rule.target_label, "".join(map(_lower, value)))
        case RelabelAction.UPPERCASE:
            _set(labels, rule.target_label, "".join(map(_upper, value)))
        case RelabelAction.HASHMOD:
            digest = hashlib.md5(value.encode(), usedforsecurity=False).digest()
            _set(labels, rule.target_label, str(int.from_bytes(digest[8:], "big") % rule.modulus))
        case RelabelAction.LABELMAP:
            for name, content in sorted(labels.items()):
                found = regex.fullmatch(name)
                if found is not None:
                    _set(labels, expand(rule.replacement, found), content)
        case RelabelAction.LABELDROP:
            for name in [name for name in labels if regex.fullmatch(name)]:
                del labels[name]
        case RelabelAction.LABELKEEP:
            for name in [name for name in labels if not regex.fullmatch(name)]:
                del labels[name]
    return True


def _set(labels: dict[str, str], name: str, value: str) -> None:
    """An empty value is the same as no label."""
    if value:
        labels[name] = value
    else:
        labels.pop(name, None)


def _lower(character: str) -> str:
    """One rune to one rune, as upstream: full mappings of Python may yield two."""
    mapped = character.lower()
    return mapped if len(mapped) == 1 else mapped[0]


def _upper(character: str) -> str:
    mapped = character.upper()
    if len(mapped) > 1:
        # Where two letters would come out, the title form is the one-letter mapping, if any is.
        mapped = character.title()
    return mapped if len(mapped) == 1 else character


def expand(template: str, found: Any) -> str:
    """`template` with `$1`, `${1}`, `$name`, `${name}` filled from a match; `$$` is a dollar.

    Unknown groups and groups that took no part are empty; a `$` that starts none of these stays.
    """
    if "$" not in template:
        return template
    names = found.re.groupindex

    def fill(reference: re.Match[str]) -> str:
        if reference[1]:
            return "$"
        name = reference[2] or reference[3]
        if name.isascii() and name.isdigit() and (name == "0" or not name.startswith("0")):
            index = int(name)
            return (found.group(index) or "") if index <= found.re.groups else ""
        return (found.group(name) or "") if name in names else ""

    return _REFERENCE.sub(fill, template)
