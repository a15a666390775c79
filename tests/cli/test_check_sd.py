"""`termprom check sd`: what discovery finds, before and after relabelling, and what dropped it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from termprom.cli.check import run
from termprom.discovery import once

_CONFIG = """
scrape_configs:
- job_name: web
  static_configs:
  - targets: ["s:1", "s:1", "s:2/x"]
    labels: {env: prod}
  file_sd_configs: [{files: ["*.json"]}]
  relabel_configs:
  - {source_labels: [team], regex: "x|y", action: drop}
  - {source_labels: [__address__], target_label: instance, replacement: "i-$1"}
- job_name: other
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "p.yml"
    file.write_text(_CONFIG)
    groups = [
        {"targets": ["a:1"], "labels": {"evil": "\x1b[31m"}},
        {"targets": ["b:1"], "labels": {"team": "x"}},
    ]
    (tmp_path / "groups.json").write_text(json.dumps(groups))
    return file


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """All is there as soon as everybody has told something."""
    monkeypatch.setattr(once, "_QUIET_SECONDS", 0.0)


def _run(*arguments: object) -> int:
    return run(["sd", *map(str, arguments)])


def test_each_target_is_shown_with_what_became_of_it(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(config, "web") == 0
    out = capsys.readouterr().out
    path = config.parent / "groups.json"
    assert (
        out
        == f"""\
job "web": 4 targets, 2 to scrape, 1 dropped, 1 not usable
  static: 3 targets in 1 group
  file: 2 targets in 2 groups

to scrape:

  http://s:1/metrics   every 1m, at most 10s
    before  __address__  "s:1"
            env          "prod"
    after   env       "prod"
            instance  "i-s:1"
            job       "web"

  http://a:1/metrics   every 1m, at most 10s
    before  __address__      "a:1"
            __meta_filepath  "{path}"
            evil             "\\x1b[31m"
    after   evil      "\\x1b[31m"
            instance  "i-a:1"
            job       "web"

dropped by relabelling:

  b:1
    before  __address__      "b:1"
            __meta_filepath  "{path}"
            team             "x"
    dropped by relabel_configs[0]: action drop, source_labels [team], regex "x|y"

not usable:

  s:2/x
    before  __address__  "s:2/x"
            env          "prod"
    "s:2/x" is not a valid hostname
"""
    )


def test_only_so_many_targets_are_shown(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(config, "web", "--limit", 1) == 0
    out = capsys.readouterr().out
    assert "http://a:1" not in out
    assert "and 1 more (--limit 0 shows all)" in out


def test_everything_as_json(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--json", config, "web") == 0
    found = json.loads(capsys.readouterr().out)
    by_address = {one["discoveredLabels"]["__address__"]: one for one in found}
    assert by_address["a:1"]["labels"]["instance"] == "i-a:1"
    assert by_address["b:1"]["labels"] == {}
    assert by_address["s:2/x"]["error"] == '"s:2/x" is not a valid hostname'
    assert by_address["b:1"]["discoveredLabels"]["__scrape_interval__"] == "1m"
    assert "error" not in by_address["b:1"]


def test_a_job_without_targets(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(config, "other") == 0
    assert capsys.readouterr().out.startswith('job "other": 0 targets, 0 to scrape')


def test_a_job_that_is_not_there(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(config, "nope") == 1
    assert capsys.readouterr().err == "Job nope not found. Select one of:\n\tweb\n\tother\n"


def test_a_broken_configuration(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("scrape_configs: [{job_name: web, dns_sd_configs: [{}]}]")
    assert _run(config, "web") == 1
    assert "at least one SRV record name" in capsys.readouterr().err


def test_a_mechanism_that_fails_says_so_and_the_others_are_shown(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """
scrape_configs:
- job_name: web
  http_sd_configs: [{url: "http://127.0.0.1:1/"}]
  static_configs: [{targets: ["s:1"]}]
"""
    config.write_text(text)
    assert _run(config, "web", "--timeout", "20s") == 1
    shown = capsys.readouterr()
    assert "http://s:1/metrics" in shown.out
    assert shown.err.count("FAILED: http:") == 1
    assert "Traceback" not in shown.err


def test_a_bad_timeout_is_a_wrong_command_line(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(config, "web", "--timeout", "soon") == 2
    assert "termprom check sd:" in capsys.readouterr().err


def test_promtool_s_name_for_it_works_too(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["service-discovery", str(config), "other"]) == 0
    assert capsys.readouterr().out.startswith('job "other": 0 targets')
