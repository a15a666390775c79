"""Engines for pictures of the screen: one in trouble, one with nothing, and those that fail.

Everything that could differ between machines or days is fixed here: clock, names, versions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from termprom.errors import EvaluationError
from termprom.model.labels import Labels
from termprom.model.metadata import Metadata, MetricType
from termprom.model.values import TimesMs, Values
from termprom.testing.clock import ManualClock
from termprom.testing.fake_backend import FakeBackend
from termprom.views import (
    AlertState,
    AlertView,
    BlockView,
    BuildView,
    CardinalityView,
    DroppedTargetView,
    Health,
    ListenerView,
    LogLine,
    RuleGroupView,
    RuleHealth,
    RuleView,
    SilenceView,
    StatusView,
    StorageView,
    TargetsView,
    TargetView,
)
from tests.tui.query.host import NOW_MS, three_jobs

# A title change, a colour, markup, a right-to-left override: none of it may act.
HOSTILE = "\x1b]0;owned\x07[bold]\u202eevil"
_MINUTE = 60_000
_CONFIG = """\
global:
  scrape_interval: 15s
scrape_configs:
- job_name: api
  static_configs:
  - targets: [api:9100]
- job_name: web
  basic_auth:
    username: prom
    password: <secret>
  static_configs:
  - targets: [web:9100]
"""


def busy() -> FakeBackend:
    """An engine in trouble: a target down, alerts in each state, a failed rule, hostile words."""
    backend = FakeBackend(ManualClock(NOW_MS), name="srv1")
    backend.answer = _measured
    backend.status_view = StatusView(
        BuildView("0.1.0", revision="abc1234"),
        started_ms=NOW_MS - 7_200_000,
        hostname="srv1",
        config_path="/etc/prometheus.yml",
        config_yaml=_CONFIG,
        config_loaded_ms=NOW_MS - 3_600_000,
        data_folder="/data",
        listeners=(ListenerView("api", "127.0.0.1:9090", "http://127.0.0.1:9090"),),
        storage=StorageView(
            path="/data", head_series=12_345, head_groups=14, head_samples=5_000_000,
            head_start_ms=NOW_MS - 7_200_000, head_end_ms=NOW_MS, wal_bytes=62 * 2**20,
            blocks=(
                BlockView("01A", NOW_MS - 14_400_000, NOW_MS - 7_200_000, 12_000, 5_760_000,
                          3_456_789),
            ),
            samples_appended=6_000_000, out_of_order=3, retention_ms=15 * 86_400_000,
        ),
        flags={"storage.tsdb.path": "/data", "web.listen-address": "127.0.0.1:9090"},
        pid=4242,
        cpu_seconds=12.5,
        resident_bytes=90 * 2**20,
        samples_per_second=412.0,
    )  # fmt: skip
    backend.target_views = TargetsView(
        active=tuple(_target(*one) for one in (
            ("api", "api-1", Health.UP, ""),
            ("api", "api-2", Health.UP, ""),
            ("web", "web-1", Health.DOWN, f"connection refused {HOSTILE}"),
            ("new", "new-1", Health.UNKNOWN, ""),
        )),
        dropped=(DroppedTargetView("api", Labels.of(__address__="old:9100"), 0),),
        dropped_counts={"api": 1},
    )  # fmt: skip
    backend.alert_views, backend.rule_groups = _alerts_and_rules()
    backend.silence_views = (
        SilenceView("3f2a", ('alertname="CertExpires"',), NOW_MS - 10 * _MINUTE,
                    NOW_MS + 50 * _MINUTE, "ana", "renewal runs", "active", 1),
        SilenceView("9b11", ('job="gone"',), NOW_MS - 90 * _MINUTE, NOW_MS - 30 * _MINUTE,
                    "bo", "", "expired", 0),
    )  # fmt: skip
    backend.cardinality_view = CardinalityView(
        12_345, 321,
        by_metric=(("http_request_duration_seconds_bucket", 9_000), ("errors_total", 300)),
        by_label_values=(("route", 812), ("instance", 14)),
        by_label_bytes=(("route", 16_384), ("instance", 420)),
        by_pair=(("job=api", 9_100), ("env=prod", 12_345)),
    )  # fmt: skip
    backend.log_lines = [
        LogLine(1, NOW_MS - 60_000, "info", "scrape", "pool api: 2 targets"),
        LogLine(2, NOW_MS - 30_000, "warn", "scrape", f"web-1: connection refused {HOSTILE}"),
        LogLine(3, NOW_MS - 1_000, "error", "rules", "job:bad: vector cannot contain duplicates"),
    ]
    backend.series_labels = [
        Labels.of(__name__="errors_total", job="api", code="500"),
        Labels.of(__name__="http_request_duration_seconds_bucket", job="api", le="0.5"),
        Labels.of(__name__="up", job="api"),
    ]
    backend.metadata_by_metric = {
        "errors": (Metadata(MetricType.COUNTER, "Requests that failed."),),
        "errors_total": (Metadata(MetricType.COUNTER, "Requests that failed."),),
        "http_request_duration_seconds": (Metadata(MetricType.HISTOGRAM, "How long.", "seconds"),),
    }
    return backend


def _measured(expr: str, steps_ms: TimesMs) -> tuple[Sequence[Labels], Values]:
    """Three jobs; one process that restarted, and one alert that became pending and fired."""
    if expr.startswith("process_start_time_seconds"):
        starts = np.where(steps_ms < NOW_MS - 26 * _MINUTE, 1.0, 2.0)
        return [Labels.of(instance="api-1:9100", job="api")], starts[np.newaxis, :]
    if expr.startswith("ALERTS"):
        since = NOW_MS - steps_ms
        pending = np.where((since < 15 * _MINUTE) & (since >= 10 * _MINUTE), 1.0, np.nan)
        firing = np.where(since < 10 * _MINUTE, 1.0, np.nan)
        names = {"__name__": "ALERTS", "alertname": "HighErrorRate"}
        labels = [Labels.of(names, alertstate=state) for state in ("firing", "pending")]
        return labels, np.vstack([firing, pending])
    return three_jobs(expr, steps_ms)


def _target(pool: str, host: str, health: Health, error: str) -> TargetView:
    seen = 0 if health is Health.UNKNOWN else NOW_MS - 4_000
    recent = () if health is Health.UNKNOWN else (True,) * 8 + (health is Health.UP,) * 4
    return TargetView(
        pool, f"http://{host}:9100/metrics", Labels.of(instance=f"{host}:9100", job=pool),
        Labels.of(__address__=f"{host}:9100"), health, error, seen, 0.02, 15.0, 10.0, 120, 118, 0,
        9_000, recent,
    )  # fmt: skip


def _alert(
    name: str, severity: str, state: AlertState, *, silenced: tuple[str, ...] = (), **labels: str
) -> AlertView:
    fired = NOW_MS - 5 * _MINUTE if state is AlertState.FIRING else 0
    return AlertView(
        name, Labels.of(alertname=name, severity=severity, **labels),
        Labels.of(summary=f"{name} at {HOSTILE}"), state, NOW_MS - 10 * _MINUTE, 0.031, fired,
        group="slo", silenced_by=silenced,
    )  # fmt: skip


def _alerts_and_rules() -> tuple[list[AlertView], tuple[RuleGroupView, ...]]:
    firing = _alert("HighErrorRate", "critical", AlertState.FIRING, job="api", note=HOSTILE)
    other = _alert("HighErrorRate", "critical", AlertState.FIRING, job="web", note="plain")
    muted = _alert("CertExpires", "warning", AlertState.FIRING, silenced=("3f2a",), host="in-2")
    pending = _alert("DiskWillFill", "warning", AlertState.PENDING, job="api")
    rules = (
        RuleView("HighErrorRate", "rate(errors_total[5m]) > 0.03", True, hold_seconds=300,
                 health=RuleHealth.OK, state=AlertState.FIRING, alerts=(firing, other)),
        RuleView("CertExpires", "cert_days < 7", True, health=RuleHealth.OK,
                 state=AlertState.FIRING, alerts=(muted,)),
        RuleView("DiskWillFill", "predict_linear(free[1h], 3600) < 0", True, hold_seconds=900,
                 health=RuleHealth.OK, state=AlertState.PENDING, alerts=(pending,)),
        RuleView("Quiet", "up == 0", True, health=RuleHealth.OK),
        RuleView("job:bad", "sum by (job) (x)", False, health=RuleHealth.ERROR,
                 last_error="vector cannot contain duplicates"),
    )  # fmt: skip
    groups = (
        RuleGroupView("slo", "rules.yml", 15.0, rules, last_evaluation_ms=NOW_MS - 3_000,
                      evaluation_seconds=0.012),
    )  # fmt: skip
    return [firing, other, muted, pending], groups


def idle() -> FakeBackend:
    """An engine that runs and has nothing: no targets, no rules, no samples."""
    backend = FakeBackend(ManualClock(NOW_MS), name="srv1")
    backend.answer = lambda expr, steps_ms: ([], three_jobs(expr, steps_ms)[1][:0])
    backend.status_view = StatusView(
        BuildView("0.1.0"), hostname="srv1", data_folder="/data", pid=4242,
        storage=StorageView(path="/data", head_groups=1),
    )  # fmt: skip
    return backend


class Held(FakeBackend):
    """Every answer takes for ever."""


async def _never(self, *args, **options):
    await asyncio.Event().wait()


for _call in (
    "query", "query_range", "series", "label_names", "label_values", "metadata", "targets",
    "rules", "alerts", "silences", "status", "cardinality", "logs",
):  # fmt: skip
    setattr(Held, _call, _never)


class Broken(FakeBackend):
    """Every answer is an error of the server's own."""

    def _ask(self, what, feature=None):
        super()._ask(what, feature)
        raise EvaluationError(f"the store is closed {HOSTILE}")
