"""A real Alertmanager: alerts arrive, keep their start, resolve; silences live there."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.alerting.stage import answering, real_alertmanager
from tests.daemon.process import Served, eventually
from tests.differential.side_by_side import free_port
from tests.peers import peer, running

pytestmark = [pytest.mark.peer, pytest.mark.slow]

CONFIG = """global:
  scrape_interval: 500ms
  scrape_timeout: 400ms
  external_labels: {{region: eu}}
rule_files: [{rules}]
alerting:
  alert_relabel_configs: [{{action: labeldrop, regex: instance}}]
  alertmanagers:
  - file_sd_configs: [{{files: ['{targets}']}}]
    relabel_configs: [{{action: keep, source_labels: [role], regex: pager}}]
scrape_configs:
- job_name: app
  static_configs: [{{targets: ['{page}']}}]
"""
RULES = """groups:
- name: g
  interval: 500ms
  rules:
  - alert: Hot
    expr: heat > 1
    labels: {severity: page}
    annotations: {summary: "{{ $labels.job }} is at {{ $value }}"}
"""


def milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.load(answer)


def test_alerts_and_silences(tmp_path: Path) -> None:
    heat = 0.0
    (tmp_path / "rules.yml").write_text(RULES, "utf-8")
    targets = tmp_path / "targets.json"
    with (
        answering(lambda path, body: f"heat {heat}\n") as page,
        real_alertmanager(tmp_path) as (address, hook),
    ):
        targets.write_text(
            json.dumps(
                [
                    {"targets": [address], "labels": {"role": "pager"}},
                    {"targets": ["127.0.0.1:1"], "labels": {"role": "other"}},
                ]
            )
        )
        config = CONFIG.format(rules=tmp_path / "rules.yml", targets=targets, page=page)
        with Served(tmp_path, config=config) as served:
            url = served.ready().url

            def managers() -> dict[str, list[str]]:
                found = served.get("/api/v1/alertmanagers")
                return {kind: [one["url"] for one in found[kind]] for kind in found}

            eventually(
                "endpoints are discovered",
                lambda: (
                    managers()
                    == {
                        "activeAlertmanagers": [f"http://{address}/api/v2/alerts"],
                        "droppedAlertmanagers": ["http://127.0.0.1:1/api/v2/alerts"],
                    }
                ),
            )

            # --- It fires, arrives, and is the same alert for as long as it lasts.
            heat = 2.5
            eventually("the webhook hears of it", lambda: bool(hook.alerts("firing")))
            first = hook.alerts("firing")[0]
            (mine,) = served.get("/api/v1/x/alerts")
            assert first["labels"] == {
                "alertname": "Hot",
                "job": "app",
                "region": "eu",
                "severity": "page",
            }
            assert first["annotations"] == {"summary": "app is at 2.5"}
            assert milliseconds(first["startsAt"]) == mine["fired_ms"]
            assert "g0.expr=heat+%3E+1" in first["generatorURL"]

            # --- A silence made here lives there; amtool at our door ends it.
            made = amtool(url, "silence", "add", "region=eu", "-c", "known", "-a", "me").strip()
            (there,) = ask(f"http://{address}/api/v2/silences")
            assert (there["id"], there["status"]["state"]) == (made, "active")
            (view,) = served.get("/api/v1/x/silences")
            assert (view["id"], view["alerts_now"]) == (made, 1)
            assert served.get("/api/v1/x/alerts")[0]["silenced_by"] == [made]
            assert made in amtool(url, "silence", "update", "-d", "3h", made)
            amtool(url, "silence", "expire", made)
            assert served.get("/api/v1/x/alerts")[0]["silenced_by"] == []
            # One that is made there is seen here, a little later.
            theirs = amtool(
                f"http://{address}", "silence", "add", "alertname=Hot", "-c", "c", "-a", "you"
            ).strip()
            eventually(
                "the other's silence is seen",
                lambda: served.get("/api/v1/x/alerts")[0]["silenced_by"] == [theirs],
            )
            assert amtool(url, "silence", "query", "-q").strip() == theirs
            amtool(url, "silence", "expire", theirs)
            assert "must not match the empty string" in amtool(
                url, "silence", "add", 'a=~".*"', "-c", "x", fails=True
            )

            # --- It resolves under the start that it had.
            heat = 0.0
            eventually("its end is told", lambda: bool(hook.alerts("resolved")))
            last = hook.alerts("resolved")[0]
            assert last["startsAt"] == first["startsAt"]
            assert milliseconds(last["endsAt"]) > mine["fired_ms"]
            assert last["fingerprint"] == first["fingerprint"]

            # --- And the stop delivers what is still on its way.
            heat = 3.0
            before = len(hook.alerts("firing"))
            eventually("it fires again", lambda: bool(served.get("/api/v1/x/alerts")))
            assert served.stop()[0] == 0
            eventually("that was told", lambda: len(hook.alerts("firing")) > before)


def test_one_that_comes_late_hears_within_seconds(tmp_path: Path) -> None:
    """Upstream would tell it after the next resending, a minute later or more."""
    peer("prometheus-alertmanager")
    (tmp_path / "rules.yml").write_text(RULES.replace("heat > 1", "vector(2.5)"), "utf-8")
    port = free_port()
    config = (
        f"rule_files: [{tmp_path / 'rules.yml'}]\n"
        f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]}}\n"
    )
    (tmp_path / "am.yml").write_text("route: {receiver: r}\nreceivers: [{name: r}]\n")
    url = f"http://127.0.0.1:{port}"
    with Served(tmp_path, config=config) as served:
        served.ready()
        failed = f'prometheus_notifications_errors_total{{alertmanager="{url}/api/v2/alerts"}}'

        def attempts() -> bool:
            with urllib.request.urlopen(served.url + "/metrics", timeout=20) as answer:
                lines = answer.read().decode().splitlines()
            found = [line for line in lines if line.startswith(failed)]
            return bool(found) and float(found[0].split()[-1]) >= 1

        eventually("an attempt fails", attempts)
        with running(
            url,
            "/-/ready",
            tmp_path / "am.log",
            "prometheus-alertmanager",
            f"--config.file={tmp_path / 'am.yml'}",
            f"--storage.path={tmp_path / 'am'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ):
            eventually("the alert arrives", lambda: bool(ask(f"{url}/api/v2/alerts")))


def amtool(url: str, *arguments: str, fails: bool = False) -> str:
    found = subprocess.run(
        [peer("amtool"), f"--alertmanager.url={url}", "--no-version-check", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (found.returncode != 0) == fails, found.stderr
    return found.stdout + (found.stderr if fails else "")
