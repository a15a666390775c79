"""kill -9 while an alert fires: after the restart it fires as the one that it was."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.process import Served, eventually

RULES = """groups:
- name: g
  interval: 250ms
  rules:
  - {alert: Fired, expr: vector(1), for: 1s}
  - {alert: Waits, expr: vector(1), for: 1h}
  - {alert: Short, expr: vector(1), for: 100ms}
"""
FLAGS = ("--rules.alert.for-grace-period=500ms", "--rules.alert.for-outage-tolerance=10m")


def alerts(served: Served) -> dict[str, Any]:
    return {one["labels"]["alertname"]: one for one in served.get("/api/v1/alerts")["alerts"]}


def seconds(alert: dict[str, Any]) -> float:
    return datetime.fromisoformat(alert["activeAt"]).timestamp()


@pytest.mark.slow
def test_the_clock_of_an_alert_survives_kill_9(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULES)
    config = f"rule_files: [{tmp_path / 'rules.yml'}]\n"
    with Served(tmp_path, *FLAGS, config=config) as served:
        served.ready()
        fired = 'ALERTS{alertname="Fired", alertstate="firing"}'
        eventually("it fires and that is recorded", lambda: served.value(fired) == 1)
        before = alerts(served)
        served.process.kill()
        served.process.wait()
    with Served(tmp_path, *FLAGS, config=config) as served:
        served.ready()
        # Recorded in whole seconds.
        since = int(seconds(before["Fired"]))
        eventually("its clock is given back", lambda: _since(served, "Fired") == since)
        eventually("it fires", lambda: alerts(served)["Fired"]["state"] == "firing")
        assert alerts(served)["Waits"]["state"] == "pending"
        # Below the grace period nothing is given back.
        assert (_since(served, "Short") or 0) > seconds(before["Short"]) + 0.5
        assert served.stop()[0] == 0


def _since(served: Served, name: str) -> float | None:
    there = alerts(served)
    return seconds(there[name]) if name in there else None
