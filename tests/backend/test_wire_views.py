"""Views on the wire: upstream's JSON for everybody, and without loss between two of ours."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import orjson
import pytest

from termprom.backend.interface import Event, Topic
from termprom.backend.wire_metadata import (
    metadata_from,
    metadata_object,
    targets_metadata_from,
    targets_metadata_list,
)
from termprom.backend.wire_rules import alerts_from, alerts_object, rules_from, rules_object
from termprom.backend.wire_status import (
    build_object,
    cardinality_from,
    cardinality_object,
    retention_text,
    runtime_object,
    status_from,
)
from termprom.backend.wire_targets import global_url, targets_from, targets_object
from termprom.backend.wire_text import Json, dumps, text
from termprom.backend.wire_views import event_from, event_line, view_from, view_object
from termprom.model.escaped_names import escape_name, unescape_name
from termprom.model.metadata import Metadata, MetricType
from termprom.views import (
    AlertView,
    LogLine,
    PushGroupView,
    RuleGroupView,
    SilenceView,
    StatusView,
    StorageView,
    TargetsView,
)
from tests.backend import pictures


def _sent(document: Json) -> Json:
    """What arrives at the other end."""
    return orjson.loads(dumps(document))


@pytest.mark.parametrize(
    ("kind", "view"),
    [
        (StatusView, pictures.STATUS),
        (TargetsView, pictures.TARGETS),
        (tuple[RuleGroupView, ...], pictures.RULES),
        (tuple[AlertView, ...], (pictures.ALERT,)),
        (tuple[SilenceView, ...], pictures.SILENCES),
        (tuple[PushGroupView, ...], pictures.PUSH_GROUPS),
        (tuple[LogLine, ...], pictures.LOGS),
    ],
)
def test_between_two_of_ours_nothing_is_lost(kind: Any, view: object) -> None:
    assert view_from(kind, _sent(view_object(view))) == view


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_a_float_that_json_does_not_know_arrives_too(value: float) -> None:
    alert = replace(pictures.ALERT, value=value)
    assert view_from(AlertView, _sent(view_object(alert))) == alert
    nan = view_from(AlertView, _sent(view_object(replace(alert, value=math.nan))))
    assert math.isnan(nan.value)


@pytest.mark.parametrize("data", [None, 3, {}, {"labels": [["a"]]}, {"labels": 1, "name": "x"}])
def test_another_shape_is_a_value_error(data: Json) -> None:
    with pytest.raises(ValueError, match=r".*"):
        view_from(AlertView, data)


def test_events_travel_as_lines() -> None:
    event = Event(Topic.ALERTS, pictures.NOW_MS, "Down\n\ndata: fires")
    line = event_line(event)
    assert line.startswith(b"data: {")
    assert line.count(b"\n") == 2
    assert event_from(orjson.loads(line.removeprefix(b"data: "))) == event


# --- Targets ----------------------------------------------------------------------------------


def test_targets_have_upstreams_keys_in_its_order() -> None:
    found = _sent(targets_object(pictures.TARGETS, external_url="http://me:1/p", listen_port=9090))
    assert list(found) == ["activeTargets", "droppedTargets", "droppedTargetCounts"]
    assert list(found["activeTargets"][0].items()) == [
        ("discoveredLabels", {"__address__": "127.0.0.1:9100", "job": "node"}),
        ("labels", {"instance": "127.0.0.1:9100", "job": "node"}),
        ("scrapePool", "node"),
        ("scrapeUrl", "http://127.0.0.1:9100/metrics?a=<b>"),
        ("globalUrl", "http://me:9100/metrics?a=<b>"),
        ("lastError", ""),
        ("lastScrape", "2023-11-14T22:13:20Z"),
        ("lastScrapeDuration", 0.05),
        ("health", "up"),
        ("scrapeInterval", "15s"),
        ("scrapeTimeout", "10s"),
    ]
    assert found["droppedTargets"] == [
        {"discoveredLabels": {"__address__": "a:1"}, "scrapePool": "node"}
    ]
    assert found["droppedTargetCounts"] == {"node": 1, "web": 0}


def test_plain_text_is_escaped_for_html_and_labels_are_not() -> None:
    body = dumps(targets_object(pictures.TARGETS))
    assert b"metrics?a=\\u003cb\\u003e" in body
    assert b"\\u001b[31m\\u003cboom\\u003e" in body
    assert dumps(text("\u2028&")) == b'"\\u2028\\u0026"'
    assert b"it is <down>" in dumps(alerts_object((pictures.ALERT,)))


def test_only_what_was_asked_for_of_the_targets() -> None:
    found = _sent(targets_object(pictures.TARGETS, active=False, dropped=False))
    assert found == {"activeTargets": [], "droppedTargets": [], "droppedTargetCounts": None}
    found = _sent(targets_object(pictures.TARGETS, pool="web"))
    assert [one["scrapePool"] for one in found["activeTargets"]] == ["web"]
    assert found["droppedTargets"] == []


def test_targets_read_back_as_far_as_the_api_tells_them() -> None:
    found = targets_from(_sent(targets_object(pictures.TARGETS)))
    untold = {"samples", "samples_after_relabel", "series_added", "body_bytes", "recent"}
    for ours, theirs in zip(pictures.TARGETS.active, found.active, strict=True):
        fields = {name: getattr(theirs, name) for name in untold}
        assert replace(ours, **fields) == theirs
    assert found.dropped[0].discovered == pictures.TARGETS.dropped[0].discovered
    assert found.dropped_counts == pictures.TARGETS.dropped_counts


@pytest.mark.parametrize(
    ("url", "external", "port", "shown"),
    [
        ("http://localhost:9090/metrics", "https://me/p", 9090, "https://me/metrics"),
        ("http://127.0.0.1:9100/metrics", "https://me:443/p", 9090, "http://me:9100/metrics"),
        ("http://[::1]/metrics", "https://me", 9090, "http://me/metrics"),
        ("http://other:9090/metrics", "https://me", 9090, "http://other:9090/metrics"),
        ("http://localhost:9090/metrics", "", 9090, "http://localhost:9090/metrics"),
        ("http://[bad/metrics", "https://me", 9090, "http://[bad/metrics"),
    ],
)
def test_a_loopback_target_is_shown_as_others_reach_it(
    url: str, external: str, port: int, shown: str
) -> None:
    assert global_url(url, external, port) == shown


# --- Rules and alerts -------------------------------------------------------------------------


def test_rules_have_upstreams_keys_in_its_order() -> None:
    group = _sent(rules_object(pictures.RULES, next_token="t"))
    assert group["groupNextToken"] == "t"
    first = group["groups"][0]
    assert list(first) == [
        *("name", "file", "rules", "interval", "limit", "evaluationTime", "lastEvaluation")
    ]
    alerting, recording = first["rules"]
    assert list(alerting) == [
        *("state", "name", "query", "duration", "keepFiringFor", "labels", "annotations"),
        *("alerts", "health", "evaluationTime", "lastEvaluation", "type"),
    ]
    assert alerting["alerts"] == [
        {
            "labels": {"alertname": "Down", "job": "web"},
            "annotations": {"summary": "it is <down>"},
            "state": "firing",
            "activeAt": "2023-11-14T22:12:20Z",
            "keepFiringSince": "2023-11-14T22:13:20.005Z",
            "value": "1e+00",
        }
    ]
    assert list(recording) == [
        *("name", "query", "labels", "health", "lastError", "evaluationTime"),
        *("lastEvaluation", "type"),
    ]
    assert (
        _sent(rules_object(pictures.RULES, with_alerts=False))["groups"][0]["rules"][0]["alerts"]
        is None
    )


def test_rules_read_back_as_far_as_the_api_tells_them() -> None:
    (found,) = rules_from(_sent(rules_object(pictures.RULES)))
    (sent,) = pictures.RULES
    assert (found.name, found.file, found.limit) == (sent.name, sent.file, sent.limit)
    assert (found.interval_seconds, found.evaluation_seconds) == (60.0, 0.5)
    assert found.rules[1] == sent.rules[1]
    (alert,) = found.rules[0].alerts
    assert replace(found.rules[0], alerts=(), last_samples=1) == replace(sent.rules[0], alerts=())
    assert (alert.name, alert.group, alert.state) == ("Down", "g", sent.rules[0].state)


def test_a_rule_that_was_never_evaluated_has_no_state_yet() -> None:
    rule = replace(pictures.RULES[0].rules[0], last_evaluation_ms=0, alerts=())
    group = replace(pictures.RULES[0], rules=(rule,))
    found = _sent(rules_object([group]))["groups"][0]["rules"][0]
    assert (found["state"], found["lastEvaluation"]) == ("unknown", "0001-01-01T00:00:00Z")
    assert rules_from({"groups": [{"name": "g", "rules": [found]}]})[0].rules[0].alerts == ()


def test_alerts_read_back_firing_first() -> None:
    pending = {"labels": {"alertname": "A"}, "state": "pending", "value": "1e+00"}
    sent = [pending, *_sent(alerts_object((pictures.ALERT,)))["alerts"]]
    assert [alert.name for alert in alerts_from({"alerts": sent})] == ["Down", "A"]
    assert alerts_from({}) == ()


# --- Metadata and status ----------------------------------------------------------------------


def test_metadata_reads_back() -> None:
    families = {
        "x": (Metadata(MetricType.GAUGE, "<h>", ""), Metadata(MetricType.UNKNOWN, "", "s")),
        "a": (Metadata(MetricType.COUNTER, "", ""),),
    }
    sent = _sent(metadata_object(families))
    assert list(sent) == ["a", "x"]
    assert list(sent["a"][0]) == ["type", "unit", "help"]
    assert metadata_from(sent) == families
    assert metadata_from({"y": [{"type": "strange"}]})["y"][0].type is MetricType.UNKNOWN


@pytest.mark.parametrize("with_metric", [True, False])
def test_target_metadata_reads_back(with_metric: bool) -> None:
    views = pictures.METADATA[:1]
    sent = _sent(targets_metadata_list(views, with_metric=with_metric))
    assert ("metric" in sent[0]) == with_metric
    assert targets_metadata_from(sent, "up_total") == views


def test_build_information_has_exactly_upstreams_keys() -> None:
    # Grafana takes an answer with more of them for a Mimir.
    assert list(build_object(pictures.STATUS.build)) == [
        *("version", "revision", "branch", "buildUser", "buildDate", "goVersion")
    ]


def test_a_status_reads_back_from_the_endpoints_that_make_it() -> None:
    status = pictures.STATUS
    runtime = _sent(runtime_object(status, thread_count=3, cpu_count=2))
    assert runtime["storageRetention"] == "15d"
    found = status_from(
        _sent(build_object(status.build)), runtime, config=status.config_yaml, flags=status.flags
    )
    told = ("started_ms", "now_ms", "hostname", "working_folder", "config_path", "config_yaml")
    told += ("config_ok", "config_loaded_ms", "data_folder", "flags")
    assert {name: getattr(found, name) for name in told} == {
        name: getattr(status, name) for name in told
    }


@pytest.mark.parametrize(
    ("storage", "shown"),
    [
        (StorageView(), ""),
        (StorageView(retention_ms=90 * 86_400_000), "90d"),
        (StorageView(retention_bytes=512 << 20), "512MiB"),
        (StorageView(retention_ms=3_600_000, retention_bytes=1000), "1h or 1000B"),
    ],
)
def test_retention_in_words(storage: StorageView, shown: str) -> None:
    assert retention_text(storage) == shown


def test_cardinality_reads_back_and_an_empty_head_has_the_outermost_times() -> None:
    view = pictures.CARDINALITY
    sent = _sent(cardinality_object(view, pictures.STATUS.storage, chunk_count=7))
    assert sent["headStats"]["chunkCount"] == 7
    assert cardinality_from(sent) == view
    empty = _sent(cardinality_object(view, StorageView(), chunk_count=0))["headStats"]
    assert (empty["minTime"], empty["maxTime"]) == (2**63 - 1, -(2**63))


# --- Names in paths ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("job", "job"),
        ("__name__", "__name__"),
        ("http.status", "U__http_2e_status"),
        ("a_b.c", "U__a__b_2e_c"),
        ("U__x", "U__U____x"),
        ("höhe", "U__h_f6_he"),
    ],
)
def test_a_name_as_a_path_shows_it(name: str, segment: str) -> None:
    assert escape_name(name) == segment
    assert unescape_name(segment) == name


@pytest.mark.parametrize("segment", ["U__a_", "U__a_zz_", "U__a_d800_", "U__a_110000_", "http.x"])
def test_what_is_not_well_escaped_stands_for_itself(segment: str) -> None:
    assert unescape_name(segment) == segment
