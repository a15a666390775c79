"""`termprom check config`: what is said beside mistakes in the file itself; promtool's words."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from termprom.cli import check
from tests.peers import peer

CONFIG = """\
rule_files: [rules.yml]
scrape_configs:
- job_name: slow
  scrape_interval: 10m
  file_sd_configs: [{files: [nothere.json]}]
"""
TWICE = """\
groups:
- name: g
  rules:
  - {record: "a:b", expr: up}
  - {record: "a:b", expr: up}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "rules.yml").write_text(TWICE, encoding="utf-8")
    path = tmp_path / "prometheus.yml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("lint", "status", "found"),
    [
        ("all", 3, ["too long scrape interval", "duplicate rule"]),
        ("duplicate-rules", 3, ["duplicate rule"]),
        ("too-long-scrape-interval", 3, ["too long scrape interval"]),
        ("none", 0, []),
    ],
)
def test_lint_finds_what_it_is_asked_for(
    config: Path, capsys: pytest.CaptureFixture[str], lint: str, status: int, found: list[str]
) -> None:
    assert check.run(["config", f"--lint={lint}", "--lint-fatal", str(config)]) == status
    said = capsys.readouterr()
    for words in ("too long scrape interval", "duplicate rule"):
        assert (words in said.err) == (words in found)
    assert 'nothere.json" for file_sd in scrape job "slow" does not exist' in said.out
    assert check.run(["config", f"--lint={lint}", str(config)]) == 0, "findings are no failure"


def test_an_unknown_lint_is_named(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.run(["config", "--lint=foo", str(config)]) == 0
    assert 'unknown lint option: "foo"' in capsys.readouterr().out


def test_how_long_an_interval_may_be(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["config", "--lint=too-long-scrape-interval", "--lint-fatal"]
    assert check.run([*arguments, "--query.lookback-delta=11m", str(config)]) == 0
    assert check.run([*arguments, "--query.lookback-delta=10m", str(config)]) == 3
    capsys.readouterr()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rule_files: [absent.yml]\n", 'absent.yml" does not point to an existing file'),
        (
            "scrape_configs:\n- job_name: a\n  tls_config: {cert_file: c, key_file: k}\n",
            "error checking client cert file",
        ),
        (
            "scrape_configs:\n- job_name: a\n  authorization: {credentials_file: c}\n",
            "error checking authorization credentials or bearer token file",
        ),
        (
            "scrape_configs:\n- job_name: a\n  file_sd_configs: [{files: [groups.json]}]\n",
            "groups.json",
        ),
    ],
)
def test_files_that_are_named_must_be_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    (tmp_path / "groups.json").write_text("[{]", encoding="utf-8")
    path = tmp_path / "prometheus.yml"
    path.write_text(text, encoding="utf-8")
    assert check.run(["config", str(path)]) == 1
    assert words in capsys.readouterr().err
    assert check.run(["config", "--syntax-only", str(path)]) == 0


def test_an_agent_has_no_rules(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.run(["config", "--agent", str(config)]) == 1
    assert "field rule_files is not allowed in agent mode" in capsys.readouterr().err


@pytest.mark.peer
@pytest.mark.parametrize("lint", ["all", "none", "duplicate-rules", "too-long-scrape-interval"])
def test_promtool_says_the_same(
    config: Path, capsys: pytest.CaptureFixture[str], lint: str
) -> None:
    arguments = ["config", f"--lint={lint}", "--lint-fatal", str(config)]
    theirs = subprocess.run(
        [peer("promtool"), "check", *arguments], capture_output=True, text=True, check=False
    )
    assert check.run(arguments) == theirs.returncode
    ours = capsys.readouterr()
    assert (ours.out, ours.err) == (theirs.stdout, theirs.stderr)
