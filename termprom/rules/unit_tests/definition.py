"""Files of rule tests, read strictly: which rules, which series, what must come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from termprom.config import scalars
from termprom.config.fields import (
    Document,
    Section,
    Table,
    list_of,
    map_of,
    read_section,
)
from termprom.config.globbing import matching_files
from termprom.config.source import read_text
from termprom.config.yaml_tree import Node, compose
from termprom.model.durations import format_duration
from termprom.model.labels import Labels

_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class InputSeries:
    series: str
    values: str


@dataclass(frozen=True, slots=True)
class ExpectedAlert:
    labels: Labels
    annotations: Labels


@dataclass(frozen=True, slots=True)
class AlertCase:
    """The alerts of that name that must be firing `eval_ms` after the start."""

    eval_ms: int
    alert: str
    expected: tuple[ExpectedAlert, ...]


@dataclass(frozen=True, slots=True)
class ExpectedSample:
    """`labels` in series notation; a histogram, where there is one, counts in place of `value`."""

    labels: str
    value: float
    histogram: str


@dataclass(frozen=True, slots=True)
class ExprCase:
    expr: str
    eval_ms: int
    expected: tuple[ExpectedSample, ...]


@dataclass(frozen=True, slots=True)
class TestGroup:
    """One independent test; `number` is its place in the file, from 0."""

    __test__ = False  # no test of ours, whatever pytest makes of the name

    number: int
    name: str
    interval_ms: int
    start_ms: int
    series: tuple[InputSeries, ...]
    alerts: tuple[AlertCase, ...]
    exprs: tuple[ExprCase, ...]
    external_labels: Labels
    external_url: str

    @property
    def title(self) -> str:
        return self.name or f"unnamed#{self.number}"


@dataclass(frozen=True, slots=True)
class TestFile:
    """A whole file. `warnings` are patterns of rule files that match nothing."""

    __test__ = False

    rule_files: tuple[Path, ...]
    evaluation_interval_ms: int
    group_order: Mapping[str, int]
    fuzzy: bool
    groups: tuple[TestGroup, ...]
    warnings: tuple[str, ...]


# --- Tables -----------------------------------------------------------------------------------


def _section_list(table: Table, type_name: str) -> Any:
    def read(node: Node, document: Document) -> Section:
        return read_section(node, document, table, type_name)

    return list_of(read, f"[]{type_name}")


_TEXTS: Final = map_of(scalars.text, "map[string]string")
_SERIES: Final[Table] = {"series": scalars.text, "values": scalars.text}
_EXPECTED_ALERT: Final[Table] = {"exp_labels": _TEXTS, "exp_annotations": _TEXTS}
_ALERT_CASE: Final[Table] = {
    "eval_time": scalars.duration,
    "alertname": scalars.text,
    "exp_alerts": _section_list(_EXPECTED_ALERT, "main.alert"),
}
_SAMPLE: Final[Table] = {
    "labels": scalars.text,
    "value": scalars.floating,
    "histogram": scalars.text,
}
_EXPR_CASE: Final[Table] = {
    "expr": scalars.text,
    "eval_time": scalars.duration,
    "exp_samples": _section_list(_SAMPLE, "main.sample"),
}
_GROUP: Final[Table] = {
    "name": scalars.text,
    "interval": scalars.duration,
    "start_timestamp": scalars.text,
    "input_series": _section_list(_SERIES, "main.series"),
    "alert_rule_test": _section_list(_ALERT_CASE, "main.alertTestCase"),
    "promql_expr_test": _section_list(_EXPR_CASE, "main.promqlTestCase"),
    "external_labels": _TEXTS,
    "external_url": scalars.text,
}
_FILE: Final[Table] = {
    "rule_files": list_of(scalars.text, "[]string"),
    "evaluation_interval": scalars.duration,
    "group_eval_order": list_of(scalars.text, "[]string"),
    "fuzzy_compare": scalars.boolean,
    "tests": _section_list(_GROUP, "main.testGroup"),
}


def load_test_file(path: Path) -> TestFile:
    """Raises ConfigError with everything that is wrong, each with its place."""
    document = Document(str(path), path.parent)
    root, _ = compose(read_text(path), str(path))
    if root is None:
        return TestFile((), _MINUTE_MS, {}, False, (), ())
    top = read_section(root, document, _FILE, "main.unitTestFile")
    document.raise_noted()
    order: dict[str, int] = {}
    for name in top.get("group_eval_order", ()):
        if name in order:
            top.fail(f"group name repeated in evaluation order: {name}", "group_eval_order")
        order[name] = len(order)
    rule_files, warnings = _rule_files(top, document)
    interval_ms = top.get("evaluation_interval") or _MINUTE_MS
    return TestFile(
        rule_files,
        interval_ms,
        order,
        top.get("fuzzy_compare", False),
        tuple(
            _group(number, section, interval_ms)
            for number, section in enumerate(top.get("tests", ()))
        ),
        warnings,
    )


def _rule_files(top: Section, document: Document) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    files: list[Path] = []
    warnings: list[str] = []
    for pattern in top.get("rule_files", ()):
        joined = document.join(pattern)
        try:
            found = matching_files(joined)
        except ValueError as problem:
            top.fail(str(problem), "rule_files")
        files += map(Path, found)
        if not found:
            warnings.append(f"no file match pattern {joined}")
    return tuple(files), tuple(warnings)


def _group(number: int, section: Section, default_ms: int) -> TestGroup:
    name = section.get("name", "")
    return TestGroup(
        number=number,
        name=name,
        interval_ms=section.get("interval") or default_ms,
        start_ms=_start(section),
        series=tuple(
            InputSeries(one.get("series", ""), one.get("values", ""))
            for one in section.get("input_series", ())
        ),
        alerts=tuple(_alert_case(one, name) for one in section.get("alert_rule_test", ())),
        exprs=tuple(_expr_case(one) for one in section.get("promql_expr_test", ())),
        external_labels=Labels.of(section.get("external_labels", {})),
        external_url=section.get("external_url", ""),
    )


def _start(section: Section) -> int:
    """Unix seconds or RFC 3339, as milliseconds."""
    text = section.get("start_timestamp", "")
    if not text:
        return 0
    try:
        return round(float(text) * 1000)
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        section.fail(f'cannot parse "{text}" to a valid timestamp', "start_timestamp")
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def _alert_case(section: Section, group: str) -> AlertCase:
    eval_ms = section.get("eval_time", 0)
    alert = section.get("alertname", "")
    if not alert:
        suffix = f" (in TestGroup {group})" if group else ""
        section.fail(
            "an item under alert_rule_test misses required attribute alertname "
            f"at eval_time {format_duration(eval_ms)}{suffix}"
        )
    expected = tuple(
        ExpectedAlert(
            Labels.of({**one.get("exp_labels", {}), "alertname": alert}),
            Labels.of(one.get("exp_annotations", {})),
        )
        for one in section.get("exp_alerts", ())
    )
    return AlertCase(eval_ms, alert, expected)


def _expr_case(section: Section) -> ExprCase:
    expected = tuple(
        ExpectedSample(one.get("labels", ""), one.get("value", 0.0), one.get("histogram", ""))
        for one in section.get("exp_samples", ())
    )
    return ExprCase(section.get("expr", ""), section.get("eval_time", 0), expected)
