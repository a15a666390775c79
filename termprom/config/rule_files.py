"""Rule files: groups of recording and alerting rules, read strictly, every mistake reported.

Expressions and templates are checked by functions that the caller brings along, because their
languages live elsewhere. Values are checked only once the whole file has decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from termprom.config import scalars
from termprom.config.fields import (
    Document,
    Section,
    Table,
    list_of,
    map_of,
    optional,
    read_section,
)
from termprom.config.names import is_label_name, is_metric_name, is_text
from termprom.config.schema import RuleConfig, RuleGroupConfig
from termprom.config.source import read_text
from termprom.config.yaml_tree import Node, compose
from termprom.errors import ConfigError, TermpromError
from termprom.model.labels import EMPTY, METRIC_NAME, Labels

CheckText = Callable[[str], None]  # returns, or raises a TermpromError that says what is wrong
CheckTemplate = Callable[[str, str], None]  # likewise; takes the text and the template's name


@dataclass(frozen=True, slots=True)
class RuleChecks:
    """What a rule file is held against; without a check, that language is not looked at."""

    check_expr: CheckText | None = None
    check_template: CheckTemplate | None = None
    legacy_names: bool = False


_TEXTS: Final = map_of(scalars.text, "map[string]string")


def _rule(node: Node, document: Document) -> Section:
    table: Table = {
        "record": scalars.text,
        "alert": scalars.text,
        "expr": scalars.text,
        "for": scalars.duration,
        "keep_firing_for": scalars.duration,
        "labels": _TEXTS,
        "annotations": _TEXTS,
    }
    return read_section(node, document, table, "rulefmt.Rule")


def _group(node: Node, document: Document) -> Section:
    table: Table = {
        "name": scalars.text,
        "interval": scalars.duration,
        "query_offset": optional(scalars.duration),
        "limit": scalars.integer,
        "labels": _TEXTS,
        "rules": list_of(_rule, "[]rulefmt.Rule"),
    }
    return read_section(node, document, table, "rulefmt.RuleGroup")


_FILE_TABLE: Final[Table] = {"groups": list_of(_group, "[]rulefmt.RuleGroup")}


def load_rule_file(
    path: Path,
    text: str | None = None,
    *,
    checks: RuleChecks | None = None,
    warnings: list[str] | None = None,
    ignore_unknown: bool = False,
) -> tuple[RuleGroupConfig, ...]:
    """The groups of one file, in its order; `text` stands in for what is on disk.

    Raises ConfigError with everything that is wrong, each with its place.
    """
    document = Document(str(path), path.parent, ignore_unknown=ignore_unknown)
    root, more = compose(read_text(path) if text is None else text, str(path))
    if more and warnings is not None:
        warnings.append(f"{path}: only the first YAML document of a rule file is used")
    if root is None:
        return ()
    try:
        section = read_section(root, document, _FILE_TABLE, "rulefmt.RuleGroups")
    except ConfigError as problem:
        document.raise_noted(problem)
        raise
    document.raise_noted()
    groups: tuple[Section, ...] = section.get("groups", ())
    document.problems.extend(_problems(groups, document, checks or RuleChecks()))
    document.raise_noted()
    return tuple(_group_config(group, str(path)) for group in groups)


def _group_config(group: Section, file: str) -> RuleGroupConfig:
    return RuleGroupConfig(
        **group.pick("name", "interval", "limit", "query_offset"),
        file=file,
        rules=tuple(_rule_config(rule) for rule in group.get("rules", ())),
        labels=_pairs(group.get("labels")),
        line=group.node.line,
    )


def _rule_config(rule: Section) -> RuleConfig:
    return RuleConfig(
        **rule.pick("expr", "record", "alert", "keep_firing_for"),
        hold=rule.get("for", 0),
        labels=_pairs(rule.get("labels")),
        annotations=_pairs(rule.get("annotations")),
        line=rule.node.line,
    )


def _pairs(values: dict[str, str] | None) -> Labels:
    """Names and texts as written: an empty one is kept, because it takes a label away."""
    return Labels(sorted(values.items())) if values else EMPTY


# --- Checks -----------------------------------------------------------------------------------


def _problems(
    groups: tuple[Section, ...], document: Document, checks: RuleChecks
) -> Iterator[ConfigError]:
    names: set[str] = set()
    for group in groups:
        name: str = group.get("name", "")
        place = group.nodes.get("name", group.node)
        if not name:
            yield document.error(place, "Groupname must not be empty")
        elif name in names:
            yield document.error(place, f'groupname: "{name}" is repeated in the same file')
        names.add(name)
        for message in _label_problems(group.get("labels"), checks):
            yield document.error(group.nodes.get("labels"), message)
        for number, rule in enumerate(group.get("rules", ()), start=1):
            title = rule.get("alert") or rule.get("record") or ""
            prefix = f'group "{name}", rule {number}, "{title}": '
            for key, message in _rule_problems(rule, checks):
                node = rule.nodes.get(key, rule.node)
                yield document.error(node, prefix + message)


def _rule_problems(rule: Section, checks: RuleChecks) -> Iterator[tuple[str, str]]:
    """(key at fault, what is wrong) in the original's order."""
    get = rule.get
    record, alert, expr = get("record", ""), get("alert", ""), get("expr", "")
    if record and alert:
        yield "alert", "only one of 'record' and 'alert' must be set"
    if not record and not alert:
        yield "record", "one of 'record' or 'alert' must be set"
    if not expr:
        yield "expr", "field 'expr' must be set in rule"
    elif (problem := _refusal(checks.check_expr, expr)) is not None:
        yield "expr", f"could not parse expression: {problem}"
    if record:
        if get("annotations"):
            yield "annotations", "invalid field 'annotations' in recording rule"
        for key in ("for", "keep_firing_for"):
            if get(key):
                yield key, f"invalid field '{key}' in recording rule"
        if not is_metric_name(record, legacy=checks.legacy_names):
            yield "record", f"invalid recording rule name: {record}"
        if "{" in record or "}" in record:
            yield (
                "record",
                f"braces present in the recording rule name; should it be in expr?: {record}",
            )
    for message in _label_problems(get("labels"), checks):
        yield "labels", message
    for name in sorted(get("annotations") or ()):
        if not is_label_name(name, legacy=checks.legacy_names):
            yield "annotations", f"invalid annotation name: {name}"
    if alert:
        yield from _template_problems(rule, alert, checks)


def _label_problems(labels: dict[str, str] | None, checks: RuleChecks) -> Iterator[str]:
    for name, value in sorted((labels or {}).items()):
        if name == METRIC_NAME or not is_label_name(name, legacy=checks.legacy_names):
            yield f"invalid label name: {name}"
        if not is_text(value):
            yield f"invalid label value: {value!a}"


def _template_problems(rule: Section, alert: str, checks: RuleChecks) -> Iterator[tuple[str, str]]:
    check = checks.check_template
    if check is None:
        return
    for key, what in (("labels", "label"), ("annotations", "annotation")):
        texts: dict[str, Any] = rule.get(key) or {}
        for name in sorted(texts):
            problem = _refusal(lambda text: check(text, f"__alert_{alert}"), texts[name])
            if problem is not None:
                yield key, f'{what} "{name}": {problem}'


def _refusal(check: CheckText | None, text: str) -> str | None:
    """Why `check` refuses `text`; None when it does not."""
    if check is None:
        return None
    try:
        check(text)
    except TermpromError as problem:
        return str(problem)
    return None
