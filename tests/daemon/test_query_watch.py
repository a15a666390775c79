"""Queries as an operator can follow them: the query log, and what a killed engine was asked."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from prometheus_client import CollectorRegistry

from termprom.daemon.query_watch import QueryWatch
from termprom.promql.active_queries import ActiveQueries
from termprom.promql.watching import WatchedQuery
from termprom.testing.clock import ManualClock
from tests.daemon.process import Served, eventually

_RULES = """\
groups:
- name: ones
  interval: 100ms
  rules: [{record: one, expr: vector(1)}]
"""


def _asked_by(path: Path) -> dict[str, dict[str, str]]:
    """The last asker by query."""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return {one["params"]["query"]: one.get("httpRequest") or one["ruleGroup"] for one in lines}


def test_the_log_says_who_asked_what(tmp_path: Path) -> None:
    log, rules = tmp_path / "queries.log", tmp_path / "rules.yml"
    rules.write_text(_RULES)
    config = f"global: {{query_log_file: {log}}}\nrule_files: [{rules}]\n"
    with Served(tmp_path, config=config) as served:
        served.ready()
        served.get("/api/v1/query?query=1%2B1")
        eventually("the rule has run", lambda: "vector(1)" in _asked_by(log))
        asked = _asked_by(log)
        status, text = served.stop()
        assert status == 0, text
    assert asked["1+1"] == {"clientIP": "127.0.0.1", "method": "GET", "path": "/api/v1/query"}
    assert asked["vector(1)"] == {"file": str(rules), "name": "ones"}


def test_the_next_engine_names_what_a_killed_one_was_asked(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    left = ActiveQueries(tmp_path / "data" / "queries.active", 2, clock=ManualClock(7_000))
    left.began(WatchedQuery("sum(everything)", 0, 0, 0, {}))
    left.close()
    with Served(tmp_path, config="") as served:
        served.ready()
        status, text = served.stop(signal.SIGTERM)
    assert status == 0
    assert "did not finish in the last run" in text
    assert "sum(everything)" in text


def test_a_log_that_was_rotated_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "queries.log"
    watch = QueryWatch(tmp_path, 2, clock=ManualClock(0), registry=CollectorRegistry())
    watch.use_log(watch.open_log(str(path)))
    path.rename(tmp_path / "old.log")
    watch.use_log(watch.open_log(str(path)))
    for one in watch.watchers:
        query = WatchedQuery("up", 0, 0, 0, {})
        one.began(query)
        one.ended(query)
    watch.use_log(watch.open_log(""))
    assert len(watch.watchers) == 1
    watch.close()
    assert (tmp_path / "old.log").read_text() == ""
    assert '"query":"up"' in path.read_text()


def test_an_answer_tells_what_it_cost_step_by_step(tmp_path: Path) -> None:
    flags = "--enable-feature=promql-per-step-stats,promql-delayed-name-removal"
    with Served(tmp_path, flags, config="") as served:
        served.ready()
        given = "query=count(vector(1))&start=10&end=20.5&step=5&stats=all"
        stats = served.get(f"/api/v1/query_range?{given}")["stats"]
        assert stats["samples"]["totalQueryableSamplesPerStep"] == [[10, 0], [15, 0], [20, 0]]
        assert stats["plan"]["expr"] == "count(vector(1))"
        plain = served.get("/api/v1/query?query=1&stats=true")["stats"]
        assert "plan" not in plain
        assert "totalQueryableSamplesPerStep" not in plain["samples"]
        features = served.get("/api/v1/features")["promql"]
        assert (features["per_step_stats"], features["delayed_name_removal"]) == (True, True)
        assert served.stop()[0] == 0
