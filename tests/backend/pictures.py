"""Views with something in every field, for whatever has to carry them across a wire."""

from __future__ import annotations

from termprom.model.labels import Labels
from termprom.model.metadata import Metadata, MetricType
from termprom.storage import Exemplar
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
    MetadataView,
    PushGroupView,
    RuleGroupView,
    RuleHealth,
    RuleView,
    SilenceView,
    StatusView,
    StorageView,
    TargetsView,
    TargetView,
)

NOW_MS = 1_700_000_000_000

EXEMPLARS = [
    (
        Labels.of(__name__="x_total", job="<a>"),
        [
            Exemplar(Labels.of(trace_id="1"), 6.0, NOW_MS - 500),
            Exemplar(Labels.of(trace_id="2"), 0.1, NOW_MS),
        ],
    )
]

TARGETS = TargetsView(
    (
        TargetView(
            pool="node",
            url="http://127.0.0.1:9100/metrics?a=<b>",
            labels=Labels.of(instance="127.0.0.1:9100", job="node"),
            discovered=Labels.of(__address__="127.0.0.1:9100", job="node"),
            health=Health.UP,
            last_scrape_ms=NOW_MS,
            last_duration_seconds=0.05,
            interval_seconds=15.0,
            timeout_seconds=10.0,
            samples=100,
            samples_after_relabel=99,
            series_added=1,
            body_bytes=12345,
            recent=(True, False, True),
        ),
        TargetView(
            pool="web",
            url="http://[::1]/metrics",
            labels=Labels.of(instance="[::1]:80", job="web"),
            discovered=Labels.of(__address__="[::1]:80"),
            health=Health.DOWN,
            last_error="server returned HTTP status 500 \x1b[31m<boom>",
            last_scrape_ms=NOW_MS + 1,
        ),
    ),
    (DroppedTargetView("node", Labels.of(__address__="a:1"), 2),),
    {"node": 1, "web": 0},
)

ALERT = AlertView(
    name="Down",
    labels=Labels.of(alertname="Down", job="web"),
    annotations=Labels.of(summary="it is <down>"),
    state=AlertState.FIRING,
    active_since_ms=NOW_MS - 60_000,
    value=1.0,
    fired_ms=NOW_MS,
    keep_firing_since_ms=NOW_MS + 5,
    group="g",
    file="/rules.yml",
    silenced_by=("a",),
    valid_until_ms=NOW_MS + 240_000,
    generator_url="http://h/graph",
)

RULES = (
    RuleGroupView(
        name="g",
        file="/rules.yml",
        interval_seconds=60.0,
        rules=(
            RuleView(
                name="Down",
                query="up == 0",
                is_alert=True,
                labels=Labels.of(severity="page"),
                annotations=Labels.of(summary="it is <down>"),
                hold_seconds=600.0,
                keep_firing_seconds=60.0,
                health=RuleHealth.OK,
                state=AlertState.FIRING,
                alerts=(ALERT,),
                last_evaluation_ms=NOW_MS,
                evaluation_seconds=0.00031,
                last_samples=1,
            ),
            RuleView(
                name="job:up:sum",
                query="sum by (job) (up)",
                is_alert=False,
                health=RuleHealth.ERROR,
                last_error="vector contains metrics with the same labelset",
                last_evaluation_ms=NOW_MS,
            ),
        ),
        limit=3,
        last_evaluation_ms=NOW_MS,
        evaluation_seconds=0.5,
        missed_iterations=2,
    ),
)

METADATA = (
    MetadataView(
        Labels.of(instance="a:1", job="node"), "up_total", Metadata(MetricType.COUNTER, "<h>", "s")
    ),
    MetadataView(Labels.of(instance="a:1", job="node"), "x", Metadata(MetricType.GAUGE, "x", "")),
    MetadataView(Labels.of(instance="b:1", job="web"), "x", Metadata(MetricType.GAUGE, "y", "")),
)

SILENCES = (
    SilenceView("1", ('job="web"',), NOW_MS, NOW_MS + 1, "me", "known", "active", alerts_now=1),
)

PUSH_GROUPS = (
    PushGroupView(
        Labels.of(job="batch"),
        series=2,
        last_push_ms=NOW_MS,
        last_push_ok=True,
        families={"x": Metadata(MetricType.GAUGE, "help", "")},
    ),
)

LOGS = (
    LogLine(1, NOW_MS, "info", "termprom.daemon", "ready"),
    LogLine(2, NOW_MS + 1, "error", "termprom.scrape", "\x1b[2Jno"),
)

CARDINALITY = CardinalityView(
    508,
    1234,
    by_metric=(("up", 2), ("x", 1)),
    by_label_values=(("__name__", 211),),
    by_label_bytes=(("__name__", 8266),),
    by_pair=(("job=node", 425),),
)

STATUS = StatusView(
    build=BuildView("0.1.0", go_version="python3.11", application="termprom"),
    started_ms=NOW_MS - 100_000,
    now_ms=NOW_MS,
    hostname="h",
    working_folder="/",
    config_path="prometheus.yml",
    config_yaml="global:\n  scrape_interval: 15s\n",
    config_error="a.yml:1:2: no",
    config_ok=False,
    config_loaded_ms=NOW_MS - 99_000,
    config_warnings=("w",),
    data_folder="data/",
    log_path="data/log",
    listeners=(ListenerView("api", "127.0.0.1:9090", "http://127.0.0.1:9090"),),
    storage=StorageView(
        path="data/",
        head_series=508,
        head_groups=3,
        head_samples=1000,
        head_start_ms=NOW_MS - 60_000,
        head_end_ms=NOW_MS,
        blocks=(BlockView("01B", NOW_MS - 7_200_000, NOW_MS - 60_000, 508, 9999, 12345, 1),),
        retention_ms=15 * 86_400_000,
    ),
    flags={"config.file": "prometheus.yml", "storage.tsdb.path": "data/"},
    pid=1,
    cpu_seconds=1.5,
    resident_bytes=100,
    samples_per_second=12.5,
    alertmanagers=("http://127.0.0.1:9093/api/v2/alerts",),
)
