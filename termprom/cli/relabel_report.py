"""What relabelling does, rule by rule, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from termprom.cli.output import inert
from termprom.model.labels import Labels, quote
from termprom.relabel import (
    DEFAULT_REGEX,
    DEFAULT_REPLACEMENT,
    DEFAULT_SEPARATOR,
    RelabelConfig,
    RelabelStep,
)


def label_lines(labels: Labels) -> Iterator[str]:
    for name, value in labels:
        yield inert(f"{name}={quote(value)}")


def step_lines(steps: Sequence[RelabelStep]) -> Iterator[str]:
    """Each rule, what it added (+), changed (~) and removed (-), and whether it dropped."""
    for number, step in enumerate(steps):
        yield f"rule {number}: {rule_text(step.rule)}"
        changes = list(_changes(step.before, step.after))
        yield from (f"    {change}" for change in changes)
        if not step.kept:
            yield "    dropped here"
        elif not changes:
            yield "    no change"


def rule_text(rule: RelabelConfig) -> str:
    """A rule in one line: its action and every field that is not the default."""
    parts = [str(rule.action)]
    if rule.source_labels:
        parts.append(f"source_labels [{', '.join(rule.source_labels)}]")
    if rule.separator != DEFAULT_SEPARATOR:
        parts.append(f"separator {quote(rule.separator)}")
    if rule.regex != DEFAULT_REGEX:
        parts.append(f"regex {rule.regex}")
    if rule.modulus:
        parts.append(f"modulus {rule.modulus}")
    if rule.target_label:
        parts.append(f"target_label {rule.target_label}")
    if rule.replacement != DEFAULT_REPLACEMENT:
        parts.append(f"replacement {quote(rule.replacement)}")
    return inert("  ".join(parts))


def _changes(before: Labels, after: Labels) -> Iterator[str]:
    old, new = before.as_dict(), after.as_dict()
    for name in sorted({**old, **new}):
        if name not in new:
            yield inert(f"- {name}={quote(old[name])}")
        elif name not in old:
            yield inert(f"+ {name}={quote(new[name])}")
        elif old[name] != new[name]:
            yield inert(f"~ {name}={quote(new[name])}   was {quote(old[name])}")
