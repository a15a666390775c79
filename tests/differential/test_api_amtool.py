"""amtool manages the silences of an engine as it does those of an Alertmanager."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.daemon.process import Served, eventually
from tests.peers import peer

pytestmark = [pytest.mark.peer, pytest.mark.slow]

CONFIG = "rule_files: [{rules}]\nscrape_configs: []\n"
RULES = """groups:
- name: g
  interval: 1s
  rules:
  - {alert: Hot, expr: 'vector(1)', labels: {cpu: '0'}}
"""


def test_a_silence_from_its_making_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULES, "utf-8")
    config = CONFIG.format(rules=tmp_path / "rules.yml")

    with Served(tmp_path, config=config) as served:
        url = served.ready().url

        def amtool(*arguments: str, fails: bool = False) -> str:
            found = subprocess.run(
                [peer("amtool"), f"--alertmanager.url={url}", "--no-version-check", *arguments],
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert (found.returncode != 0) == fails, found.stderr
            return found.stdout + (found.stderr if fails else "")

        def silenced() -> list[list[str]]:
            return [one["silenced_by"] for one in served.get("/api/v1/x/alerts")]

        eventually("the alert fires", lambda: silenced() == [[]])
        made = amtool(
            "silence", "add", "alertname=Hot", 'cpu=~"0|1"', "-c", "known", "-a", "me", "-d", "1h"
        ).strip()
        assert silenced() == [[made]]
        (found,) = json.loads(amtool("silence", "query", "-o", "json"))
        assert (found["id"], found["comment"], found["createdBy"]) == (made, "known", "me")
        assert amtool("silence", "query", "alertname=Hot", "-q").strip() == made
        assert amtool("silence", "query", "alertname=Cold", "-q").strip() == ""
        assert made in amtool("silence", "update", "-d", "2h", made)
        assert json.loads(amtool("alert", "query", "-o", "json")) == []
        (alert,) = json.loads(amtool("alert", "query", "--silenced", "-o", "json"))
        assert alert["status"] == {
            "inhibitedBy": [],
            "mutedBy": [],
            "silencedBy": [made],
            "state": "suppressed",
        }
        assert "must not match the empty string" in amtool(
            "silence", "add", 'a=~".*"', "-c", "x", fails=True
        )
        # kill -9: what was answered is on disk.
        served.process.kill()
        served.process.wait()

    with Served(tmp_path, config=config) as served:
        url = served.ready().url
        eventually("the alert fires, silenced", lambda: silenced() == [[made]])
        amtool("silence", "expire", made)
        assert silenced() == [[]]
        assert amtool("silence", "query", "--expired", "-q").strip() == made
