"""The original's own rule files: what is sound passes, what is not is named, as promtool has it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from termprom.cli.main import main
from tests.peers import peer
from tests.shared_folder import shared

# Files of rules; the others are files of tests, which are no rule files.
SOUND = ("at-modifier", "rules", "rules_duplicates")
TESTS = (
    "at-modifier-test",
    "bad-promql",
    "bad-rules-syntax-test",
    "failing",
    "long-period",
    "no-test-group-interval",
    "rules_run",
    "rules_run_fuzzy",
    "rules_run_no_fuzzy",
    "unittest",
)
RULES = """groups:
- name: g
  owner: us
  rules:
  - {record: a, expr: up, runbook: x}
"""


@pytest.mark.parametrize("name", [*SOUND, "rules-bad", *TESTS])
def test_check_rules(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = shared("conformance", "rules", f"{name}.yml")
    assert main(["check", "rules", str(path)]) == (0 if name in SOUND else 1)
    errors = capsys.readouterr().err.splitlines()
    if name == "rules_duplicates":
        assert errors[1] == "lint error 1 duplicate rule(s) found."
    elif name == "rules-bad":
        assert errors[1].startswith(f'{path}:12:11: group "alerts", rule 1, "InstanceDown": ')
    elif name in TESTS:
        # Every key of a test file is named, each with its place.
        assert len(errors) > 1
        assert all("not found in type rulefmt.RuleGroups" in line for line in errors[1:])


def test_duplicates_are_fatal_where_asked() -> None:
    path = str(shared("conformance", "rules", "rules_duplicates.yml"))
    assert main(["check", "rules", "--lint-fatal", path]) == 3
    assert main(["check", "rules", "--lint-fatal", "--lint=none", path]) == 0


def test_keys_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules, tests = tmp_path / "rules.yml", tmp_path / "test.yml"
    rules.write_text(RULES)
    tests.write_text("rule_files: [rules.yml]\ntests: [{promql_expr_test: [{expr: vector(1)}]}]\n")
    config = tmp_path / "prom.yml"
    config.write_text("rule_files: [rules.yml]\n")
    for command in (["check", "rules", str(rules)], ["check", "config", str(config)]):
        assert main(command) == 1
        errors = capsys.readouterr().err
        assert f"{rules}:3:3: field owner not found in type rulefmt.RuleGroup" in errors
        assert f"{rules}:5:27: field runbook not found in type rulefmt.Rule" in errors
        assert main([*command[:2], "--ignore-unknown-fields", *command[2:]]) == 0
    capsys.readouterr()
    assert main(["test", "rules", str(tests)]) == 1
    assert "field owner" in capsys.readouterr().err
    assert main(["test", "rules", "--ignore-unknown-fields", str(tests)]) == 1
    assert "field owner" not in capsys.readouterr().err


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "name"),
    [
        *(("check", name) for name in (*SOUND, "rules-bad", *TESTS)),
        *(("test", name) for name in TESTS),
    ],
)
def test_promtool_says_the_same(
    command: str, name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = shared("conformance", "rules", f"{name}.yml")
    monkeypatch.chdir(path.parent)
    theirs = subprocess.run(
        [peer("promtool"), command, "rules", path.name], capture_output=True, text=True, timeout=60
    )
    assert main([command, "rules", path.name]) == theirs.returncode
    ours = capfd.readouterr()
    assert ours.out == theirs.stdout
    if command == "test":
        assert _without_pairs(ours.err) == _without_pairs(theirs.stderr)


def _without_pairs(text: str) -> str:
    """Which two of several duplicates are named, and in which order, is the original's chance."""
    return re.sub(r"operation: \[.*?\];", "", text)
