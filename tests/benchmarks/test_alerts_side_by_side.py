"""Some minutes of alerting beside a real Prometheus: one page, one rule file, an Alertmanager each.

TERMPROM_SIDE_BY_SIDE_SECONDS says how long, 180 without it; half way both are told to reload rules
that were changed, renamed, taken away and added. The numbers change half an interval
before the rules look, so both servers have seen the same ones whenever it matters; then every
sample of ALERTS, ALERTS_FOR_STATE and the recorded series must be the same to the millisecond, and
so must what each webhook was told of each alert.
"""

from __future__ import annotations

import json
import os
import time
import urllib.parse
import urllib.request
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import pytest

from termprom.rules.schedule import Schedule
from tests.alerting.stage import Webhook, answering, real_alertmanager, sleep_until
from tests.daemon.process import Served
from tests.differential.side_by_side import free_port
from tests.peers import running

SECONDS = int(os.environ.get("TERMPROM_SIDE_BY_SIDE_SECONDS", "180"))

pytestmark = [pytest.mark.benchmark, pytest.mark.peer, pytest.mark.timeout(SECONDS + 120)]

INTERVAL_MS = 5_000
# What `heat` of each machine is in turn, one number for each interval: steady, short, flapping,
# long. Alerts that begin and end are at least two intervals apart, so that no webhook misses one.
PATTERNS = {
    "steady": [0, 0, 0, 2],
    "long": [0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0],
    "short": [0, 0, 0, 0, 2, 0, 0, 0, 0, 0],
    "flapping": [0, 0, 0, 2, 2, 0, 2, 0, 2, 2, 2, 0, 0, 0, 0, 0],
    "rising": [0, 0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0],
}
RULES = """groups:
- name: changes
  interval: 5s
  labels: {origin: group}
  rules:
  - record: site:heat:sum
    expr: sum without (machine) (heat)
    labels: {src: rule, machine: ""}
  - alert: Hot
    expr: heat > 1
    labels: {severity: page}
    annotations: {summary: "{{ $labels.machine }} is at {{ $value | humanize }}"}
  - alert: HotForLong
    expr: heat > 1
    for: 12s
    labels: {severity: '{{ if gt $value 4.0 }}page{{ else }}warn{{ end }}', origin: own}
    annotations: {summary: "{{ with query \\"site:heat:sum\\" }}{{ . | first | value }}{{ end }}"}
  - alert: HotKept
    expr: heat > 1
    for: 5s
    keep_firing_for: 10s
    annotations: {empty: "", broken: "{{ .Nonsense }}"}
  - alert: Sum
    expr: site:heat:sum > 5
  - alert: Gone
    expr: absent(heat{machine="nobody"}) and on () (sum(heat) > 6)
  - record: broken:rule
    expr: heat * on () group_left () heat
- name: clock
  interval: 5s
  query_offset: OFFSET
  limit: 2
  rules:
  - alert: ByTheClock
    expr: vector(time() % 60) > bool 30 == 1
    for: 10s
  - alert: TooMany
    expr: heat > 1
"""
# Of the group `changes`: what is different after the reload.
CHANGES = (
    ("sum without (machine) (heat)", "max without (machine) (heat)"),  # the same series goes on
    ("is at {{ $value | humanize }}", "has {{ $value }}"),  # keeps its state
    ("for: 12s", "for: 25s"),  # what fires goes back to pending
    ("alert: HotKept", "alert: HotHeld"),  # another alert
    ("    expr: site:heat:sum > 5\n", "    expr: site:heat:sum > 5\n    labels: {new: label}\n"),
    ("alert: Gone", "alert: GoneForGood"),
)
ADDED = """- name: late
  interval: 5s
  rules:
  - {alert: Late, expr: vector(time() % 40) > bool 20 == 1}
"""
CONFIG = """global:
  scrape_interval: 1s
  scrape_timeout: 900ms
  evaluation_interval: 5s
  external_labels: {{region: eu}}
rule_files: [{rules}]
alerting:
  alert_relabel_configs: [{{action: labeldrop, regex: instance}}]
  alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]
scrape_configs:
- job_name: app
  static_configs: [{{targets: ['{page}']}}]
"""
LIFECYCLE = "--web.enable-lifecycle"
SERIES = ("ALERTS", "ALERTS_FOR_STATE", "site:heat:sum", "broken:rule")


def test_the_same_series_and_the_same_notifications(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    phase, other = (
        Schedule.of(str(rules), name, INTERVAL_MS).offset_ns // 1_000_000
        for name in ("changes", "clock")
    )
    # Looked at by its own phase the numbers might just be changing.
    text = RULES.replace("OFFSET", f"{(other - phase) % INTERVAL_MS}ms")
    rules.write_text(text, "utf-8")
    began_ms = time.time_ns() // 1_000_000

    def heat(path: str, body: bytes) -> str:
        now_ms = time.time_ns() // 1_000_000
        # Half an interval off the slots; nothing is hot until both have looked three times.
        turn = (now_ms - phase + INTERVAL_MS // 2) // INTERVAL_MS - (
            began_ms - phase
        ) // INTERVAL_MS
        lines = []
        for machine, pattern in PATTERNS.items():
            value = 0 if turn < 6 else pattern[turn % len(pattern)]
            lines.append(f'heat{{machine="{machine}"}} {value}\n')
        return "".join(lines)

    port = free_port()
    url = f"http://127.0.0.1:{port}"
    outside = "--web.external-url=http://outside:9090/path/"
    with (
        answering(heat) as page,
        real_alertmanager(tmp_path, "am1") as (theirs, their_hook),
        real_alertmanager(tmp_path, "am2") as (ours, our_hook),
    ):
        config = tmp_path / "prom.yml"
        config.write_text(CONFIG.format(rules=rules, page=page, alertmanager=theirs), "utf-8")
        with (
            running(
                url,
                "/-/ready",
                tmp_path / "prometheus.log",
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={tmp_path / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--web.route-prefix=/",
                outside,
                LIFECYCLE,
            ),
            Served(
                tmp_path,
                outside,
                LIFECYCLE,
                config=CONFIG.format(rules=rules, page=page, alertmanager=ours),
            ) as served,
        ):
            mine = served.ready().url
            from_ms = time.time_ns() // 1_000_000 + 3 * INTERVAL_MS
            sleep_until(_between(began_ms + SECONDS * 500, phase) / 1000)
            for old, new in CHANGES:
                assert old in text
                text = text.replace(old, new)
            rules.write_text(text + ADDED, "utf-8")
            for base in (url, mine):
                request = urllib.request.Request(f"{base}/-/reload", method="POST")
                urllib.request.urlopen(request, timeout=20).close()
            sleep_until(began_ms / 1000 + SECONDS)
            until_ms = time.time_ns() // 1_000_000 - INTERVAL_MS
            report = [f"{SECONDS} s"]
            for name in SERIES:
                expected, found = (_samples(base, name, from_ms, until_ms) for base in (url, mine))
                report.append(f"{name}: {len(expected)} series, {sum(map(len, expected.values()))}")
                assert found == expected, name
            assert _health(mine) == _health(url)
            # What happened in the last seconds may still be on its way to one of the two.
            settled = until_ms - 2 * INTERVAL_MS
            expected_told, found_told = _told(their_hook, settled), _told(our_hook, settled)
            report.append(f"{sum(map(len, expected_told.values()))} notifications")
            assert expected_told
            assert _difference(found_told, expected_told) == []
            print("; ".join(report))


def _between(at_ms: int, phase: int) -> int:
    """The middle between two slots, `at_ms` or soon after."""
    middle = phase + INTERVAL_MS // 2
    return at_ms + (middle - at_ms) % INTERVAL_MS


def _samples(base: str, name: str, from_ms: int, until_ms: int) -> dict[str, dict[int, str]]:
    """The raw samples in [from, until] of every series of that name, by labels."""
    span = (until_ms - from_ms) // 1000 + 1
    query = urllib.parse.urlencode({"query": f"{name}[{span}s]", "time": until_ms / 1000})
    with urllib.request.urlopen(f"{base}/api/v1/query?{query}", timeout=60) as answer:
        result = json.load(answer)["data"]["result"]
    found = {
        json.dumps(one["metric"], sort_keys=True): {
            round(at * 1000): value for at, value in one["values"] if at * 1000 >= from_ms
        }
        for one in result
    }
    return {labels: samples for labels, samples in found.items() if samples}


def _health(base: str) -> list[tuple[str, str, str]]:
    with urllib.request.urlopen(f"{base}/api/v1/rules", timeout=60) as answer:
        groups = json.load(answer)["data"]["groups"]
    return [
        # Which two of many series are named is the other's choice.
        (rule["name"], rule["health"], rule.get("lastError", "").partition(": [")[0])
        for group in groups
        for rule in group["rules"]
        if rule["name"] != "TooMany"  # depends on the moment
    ]


def _told(hook: Webhook, until_ms: int) -> dict[str, set[str]]:
    """By group and alert: the states that were told of, with their times and texts."""
    told: dict[str, set[str]] = defaultdict(set)
    for payload in hook.payloads:
        for alert in payload["alerts"]:
            if _ms(alert["startsAt"]) > until_ms:
                continue
            if alert["status"] == "resolved" and _ms(alert["endsAt"]) > until_ms:
                continue
            identity = json.dumps([payload["groupKey"], alert["labels"]], sort_keys=True)
            told[identity].add(
                json.dumps(
                    {
                        "status": alert["status"],
                        "startsAt": alert["startsAt"],
                        "endsAt": alert["endsAt"],
                        "generatorURL": alert["generatorURL"],
                        # While it fires a value is told as it was when the group was due.
                        "annotations": sorted(alert["annotations"]),
                    },
                    sort_keys=True,
                )
            )
    return dict(told)


def _difference(found: dict[str, set[str]], expected: dict[str, set[str]]) -> list[str]:
    """What only one of the two was told of."""
    ours = {f"{alert} {told}" for alert, all_ in found.items() for told in all_}
    theirs = {f"{alert} {told}" for alert, all_ in expected.items() for told in all_}
    return [f"ours {one}" for one in sorted(ours - theirs)] + [
        f"theirs {one}" for one in sorted(theirs - ours)
    ]


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
