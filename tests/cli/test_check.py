"""`termprom check`: what it says of sound and of faulty files."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from termprom.cli import check

RULES = """\
groups:
- name: g
  rules:
  - alert: Down
    expr: up == 0
    annotations:
      summary: {summary}
"""


def written(folder: Path, summary: str) -> Path:
    path = folder / "rules.yml"
    path.write_text(RULES.format(summary=summary), encoding="utf-8")
    return path


def test_sound_rules_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "'{{ $labels.job }} is down'")
    assert check.run(["rules", str(path)]) == 0
    assert "SUCCESS: 1 rules found" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("'{{ $label.job }}'", 'template: __alert_Down:1: undefined variable "$label"'),
        ("'{{ foo }}'", 'template: __alert_Down:1: function "foo" not defined'),
        ("'{{ if }}'", "template: __alert_Down:1: missing value for if"),
    ],
)
def test_a_template_that_cannot_be_parsed_refuses_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], template: str, problem: str
) -> None:
    assert check.run(["rules", str(written(tmp_path, template))]) == 1
    assert f'group "g", rule 1, "Down": annotation "summary": {problem}' in capsys.readouterr().err


def test_what_only_execution_shows_does_not_refuse_it(tmp_path: Path) -> None:
    path = written(tmp_path, """'{{ humanize "x" }}{{ template "nope" }}'""")
    assert check.run(["rules", str(path)]) == 0


def test_configurations_are_held_against_their_rule_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, "'{{ foo }}'")
    config = tmp_path / "prometheus.yml"
    config.write_text("rule_files: [rules.yml]\n", encoding="utf-8")
    assert check.run(["config", str(config)]) == 1
    assert 'function "foo" not defined' in capsys.readouterr().err
    assert check.run(["config", "--syntax-only", str(config)]) == 0


TWICE = """\
groups:
- name: g
  labels: {k: v}
  rules:
  - {record: "job:up:sum", expr: sum(up)}
  - {record: "job:up:sum", expr: sum(up) + 1}
  - {record: "job:up:sum", expr: sum(up), labels: {k: w}}
"""


def test_rules_that_are_there_twice_are_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rules.yml"
    path.write_text(TWICE, encoding="utf-8")
    assert check.run(["rules", str(path)]) == 0
    assert capsys.readouterr().err == (
        "  FAILED:\nlint error 1 duplicate rule(s) found.\nMetric: job:up:sum\n"
        "Label(s):\n\tk: v\nMight cause inconsistency while recording expressions\n"
    )
    assert check.run(["rules", "--lint-fatal", str(path)]) == 3
    assert check.run(["rules", "--lint-fatal", "--lint=none", str(path)]) == 0


def test_without_files_standard_input_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(RULES.format(summary="down")))
    assert check.run(["rules"]) == 0
    assert capsys.readouterr().out == ("Checking standard input\n  SUCCESS: 1 rules found\n\n")
