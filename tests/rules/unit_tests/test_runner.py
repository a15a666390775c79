"""The worked example of the reference page on rule tests, its traps, and its texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from termprom.errors import ConfigError
from termprom.promql.syntax.parse import Features
from termprom.rules.unit_tests.definition import load_test_file
from termprom.rules.unit_tests.runner import run_group

RULES = """\
groups:
- name: alerts
  rules:
  - alert: InstanceDown
    expr: up == 0
    for: 5m
    labels: {severity: page}
    annotations: {summary: "Instance {{ $labels.instance }} down"}
  - {alert: AlwaysFiring, expr: 1}
- name: rules
  rules:
  - record: job:test:count_over_time1m
    expr: sum without(instance) (count_over_time(test[1m]))
"""


def results(folder: Path, text: str, rules: str = RULES) -> list[list[str]]:
    """What is wrong, by test."""
    (folder / "r.yml").write_text(rules, encoding="utf-8")
    (folder / "t.yml").write_text(f"rule_files: [r.yml]\n{text}", encoding="utf-8")
    file = load_test_file(folder / "t.yml")
    return [run_group(file, group, Features()) for group in file.groups]


def test_the_worked_example_passes(tmp_path: Path) -> None:
    text = """\
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: 'up{job="prometheus", instance="localhost:9090"}'
        values: "0+0x1440"
    promql_expr_test:
      - expr: count(ALERTS) by (alertname, alertstate)
        eval_time: 4m
        exp_samples:
          - {labels: '{alertname="AlwaysFiring",alertstate="firing"}', value: 1}
          - {labels: '{alertname="InstanceDown",alertstate="pending"}', value: 1}
    alert_rule_test:
      - {eval_time: 0, alertname: InstanceDown, exp_alerts: []}
      - eval_time: 0
        alertname: AlwaysFiring
        exp_alerts: [{}]
      - eval_time: 4h
        alertname: InstanceDown
        exp_alerts:
          - exp_labels: {severity: page, instance: localhost:9090, job: prometheus}
            exp_annotations: {summary: "Instance localhost:9090 down"}
  - interval: 1s
    input_series:
      - {series: 'test{job="test", instance="x:0"}', values: "0+1x120"}
    promql_expr_test:
      - expr: timestamp(job:test:count_over_time1m)
        eval_time: 10s
        exp_samples: [{labels: '{job="test"}', value: 0}]
      - expr: job:test:count_over_time1m
        eval_time: 1m
        exp_samples: [{labels: 'job:test:count_over_time1m{job="test"}', value: 60}]
      - expr: timestamp(job:test:count_over_time1m)
        eval_time: 2m59s999ms
        exp_samples: [{labels: '{job="test"}', value: 120}]
"""
    assert results(tmp_path, text) == [[], []]


def test_what_fails_is_told_in_the_words_of_the_original(tmp_path: Path) -> None:
    text = """\
tests:
  - name: Failing test
    input_series: [{series: test, values: "0"}]
    alert_rule_test:
      - {eval_time: 0m, alertname: Test, exp_alerts: [{}]}
    promql_expr_test:
      - {expr: test, eval_time: 0m, exp_samples: [{labels: test, value: 1}]}
"""
    alert, expr = results(tmp_path, text)[0]
    assert alert == (
        "    name: Failing test,\n"
        "    alertname: Test, time: 0s, \n"
        "        exp:[\n"
        "            0:\n"
        '              Labels:{alertname="Test"}\n'
        "              Annotations:{}\n"
        "            ], \n"
        "        got:[]"
    )
    assert expr == (
        '    expr: "test", time: 0s,\n'
        '        exp: {__name__="test"} 1E+00\n'
        '        got: {__name__="test"} 0E+00'
    )


@pytest.mark.parametrize(
    ("values", "at", "expected"),
    [
        ("0 stale", "59s", "[{labels: m, value: 0}]"),
        ("0 stale", "1m", "[]"),
        ("0 _ _ _ _ _ _ 0", "4m59s", "[{labels: m, value: 0}]"),
        ("0 _ _ _ _ _ _ 0", "5m", "[]"),
        ("1x2 9", "3m", "[{labels: m, value: 9}]"),
        ("_x2 7", "2m", "[{labels: m, value: 7}]"),
    ],
)
def test_series_notation(tmp_path: Path, values: str, at: str, expected: str) -> None:
    text = f"""\
tests:
  - input_series: [{{series: m, values: "{values}"}}]
    promql_expr_test:
      - {{expr: m, eval_time: {at}, exp_samples: {expected}}}
"""
    assert results(tmp_path, text) == [[]]


def test_samples_after_the_last_evaluation_are_not_loaded(tmp_path: Path) -> None:
    text = """\
tests:
  - interval: 1s
    input_series: [{series: m, values: "0+1x100"}]
    promql_expr_test:
      - {expr: m, eval_time: 90s, exp_samples: [{labels: m, value: 60}]}
"""
    assert results(tmp_path, text) == [[]]


def test_a_case_between_two_evaluations_sees_the_earlier_one(tmp_path: Path) -> None:
    text = """\
tests:
  - input_series: [{series: up, values: "0x10"}]
    alert_rule_test:
      - {eval_time: 4m59s, alertname: InstanceDown, exp_alerts: []}
      - eval_time: 5m30s
        alertname: InstanceDown
        exp_alerts:
          - {exp_labels: {severity: page}, exp_annotations: {summary: "Instance  down"}}
"""
    assert results(tmp_path, text) == [[]]


def test_a_rule_that_fails_ends_the_test(tmp_path: Path) -> None:
    rules = """\
groups:
- name: g
  rules:
  - {record: r, expr: 'label_replace(m, "a", "b", "c", "(")'}
"""
    text = """\
tests:
  - input_series: [{series: m, values: "1 1"}]
    promql_expr_test: [{expr: m, eval_time: 1m}]
"""
    (only,) = results(tmp_path, text, rules)[0]
    assert only.startswith("    rule: r, time: 0s, err: ")


def test_templates_see_external_labels_and_queries(tmp_path: Path) -> None:
    rules = """\
groups:
- name: g
  rules:
  - alert: A
    expr: m > 0
    annotations:
      a: '{{ $externalLabels.region }} {{ $externalURL }} {{ query "m" | first | value }}'
"""
    text = """\
tests:
  - input_series: [{series: m, values: "3"}]
    external_labels: {region: eu}
    external_url: http://here
    alert_rule_test:
      - {alertname: A, exp_alerts: [{exp_annotations: {a: "eu http://here 3"}}]}
"""
    assert results(tmp_path, text, rules) == [[]]


@pytest.mark.parametrize("start", ["1000", "1000.5", "2024-02-29T12:00:00Z"])
def test_a_start_moves_everything(tmp_path: Path, start: str) -> None:
    text = f"""\
tests:
  - start_timestamp: {start}
    input_series: [{{series: m, values: "1 2"}}]
    promql_expr_test:
      - {{expr: m, eval_time: 1m, exp_samples: [{{labels: m, value: 2}}]}}
"""
    assert results(tmp_path, text) == [[]]


def test_neighbouring_floats_are_equal_only_when_fuzzy(tmp_path: Path) -> None:
    text = """\
tests:
  - input_series: [{series: m, values: "0.1"}]
    promql_expr_test:
      - {expr: m + 0.2, exp_samples: [{labels: '{}', value: 0.3}]}
"""
    assert results(tmp_path, text)[0] != []
    assert results(tmp_path, f"fuzzy_compare: true\n{text}") == [[]]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tests: [{alert_rule_test: [{eval_time: 5m}], name: N}]", "misses required attribute"),
        ("group_eval_order: [a, a]", "group name repeated in evaluation order: a"),
        ("tests: [{start_timestamp: soon}]", 'cannot parse "soon" to a valid timestamp'),
        ("tests: [{nonsense: 1}]", "field nonsense not found"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        results(tmp_path, text)


def test_a_series_that_cannot_be_read_fails_its_test(tmp_path: Path) -> None:
    text = "tests: [{input_series: [{series: m, values: 1 x}]}, {}]"
    wrong, right = results(tmp_path, text)
    assert wrong[0].startswith("2:1: parse error: ")
    assert right == []
