"""A rule file with mistakes: all of them are told, and the rules that run go on."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.process import Served, eventually

GOOD = """groups:
- name: g
  interval: 200ms
  rules:
  - {alert: Always, expr: vector(1), annotations: {a: '{{ .Nonsense }}', b: '{{ $value }}'}}
"""
BAD = """groups:
- name: g
  rules:
  - {record: a, expr: 'sum('}
  - {record: b, expr: up, for: 1m}
  - {alert: C, expr: up, annotations: {s: '{{ $nope }}'}}
- name: g
- name: h
  rules:
  - {expr: up}
  - {record: 'd{x="y"}', expr: up, labels: {__name__: e}}
"""
MISTAKES = (
    ':4:23: group "g", rule 1, "a": could not parse expression: 1:5: parse error:',
    ':5:32: group "g", rule 2, "b": invalid field \'for\' in recording rule',
    ':6:39: group "g", rule 3, "C": annotation "s": template: __alert_C:1: undefined variable',
    ':7:9: groupname: "g" is repeated in the same file',
    ":10:5: group \"h\", rule 1, \"\": one of 'record' or 'alert' must be set",
    ':11:14: group "h", rule 2, "d{x="y"}": braces present in the recording rule name',
    ':11:44: group "h", rule 2, "d{x="y"}": invalid label name: __name__',
)
FLAGS = ("--web.enable-lifecycle",)


@pytest.mark.slow
def test_all_mistakes_are_told_and_what_runs_goes_on(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(GOOD)
    with Served(tmp_path, *FLAGS, config=f"rule_files: [{rules}]\n") as served:
        served.ready()

        def group() -> dict[str, Any]:
            (found,) = served.get("/api/v1/rules")["groups"]
            return dict(found)

        eventually("it fires", lambda: group()["rules"][0]["state"] == "firing")
        # A template that fails is told in its place, and only there.
        annotations = group()["rules"][0]["alerts"][0]["annotations"]
        assert annotations["a"].startswith("<error expanding template: ")
        assert "can't evaluate field Nonsense" in annotations["a"]
        assert annotations["b"] == "1"
        since = group()["rules"][0]["alerts"][0]["activeAt"]
        rules.write_text(BAD)
        request = urllib.request.Request(served.url + "/-/reload", method="POST")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=20)
        with refused.value as answer:
            assert answer.code == 500
            text = answer.read().decode()
        assert [one for one in MISTAKES if f"{rules}{one}" not in text] == []
        last = group()["lastEvaluation"]
        eventually("it goes on", lambda: group()["lastEvaluation"] > last)
        assert [one["name"] for one in group()["rules"]] == ["Always"]
        assert group()["rules"][0]["alerts"][0]["activeAt"] == since
        assert served.value("prometheus_config_last_reload_successful") in (None, 0.0)
    # At the start the same file ends the process, and says as much.
    with Served(tmp_path, config=f"rule_files: [{rules}]\n") as served:
        status, errors = served.finished()
    assert status != 0
    assert [one for one in MISTAKES if f"{rules}{one}" not in errors] == []
