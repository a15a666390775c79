"""`termprom test rules`: exit status, streams, and the JUnit file."""

from __future__ import annotations

from pathlib import Path

import pytest

from termprom.cli import test as command

TEST = """\
tests:
  - name: good
    input_series: [{{series: m, values: "1"}}]
    promql_expr_test: [{{expr: m, exp_samples: [{{labels: m, value: 1}}]}}]
  - name: other
    input_series: [{{series: m, values: "1"}}]
    promql_expr_test: [{{expr: m, exp_samples: [{{labels: m, value: {value}}}]}}]
"""


def written(folder: Path, value: int) -> str:
    path = folder / "t.yml"
    path.write_text(TEST.format(value=value), encoding="utf-8")
    return str(path)


def test_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["rules", written(tmp_path, 1)]) == 0
    assert capsys.readouterr() == ("  SUCCESS\n\n", "")


def test_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["rules", written(tmp_path, 2)]) == 1
    output, errors = capsys.readouterr()
    assert output == "\n\n"
    assert errors == (
        '  FAILED:\n    expr: "m", time: 0s,\n'
        '        exp: {__name__="m"} 2E+00\n        got: {__name__="m"} 1E+00\n'
    )


def test_only_the_tests_that_are_asked_for_run(tmp_path: Path) -> None:
    assert command.run(["rules", "--run", "^go", written(tmp_path, 2)]) == 0


def test_junit(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    assert command.run(["rules", "--junit", str(report), written(tmp_path, 2)]) == 1
    text = report.read_text(encoding="utf-8")
    assert 'tests="2" failures="1" errors="0" skipped="0"' in text
    assert '<testcase name="good"></testcase><testcase name="other"><failure>' in text


def test_a_file_that_is_not_there_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run(["rules", str(tmp_path / "none.yml")]) == 1
    assert "none.yml" in capsys.readouterr().err
