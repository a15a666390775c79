"""Immutable pictures that the parts of the engine hand out of themselves.

Whoever shows or serialises the state of the engine works on these, never on the living objects.
Times are Unix milliseconds (0: never), durations are seconds, text is as it came from outside:
whoever shows it makes control characters inert.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from termprom.model.labels import EMPTY, Labels
from termprom.model.metadata import Metadata

# --- Targets ----------------------------------------------------------------------------------


class Health(StrEnum):
    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class TargetView:
    """One scraped target and its last scrape."""

    pool: str
    url: str
    labels: Labels
    discovered: Labels
    health: Health = Health.UNKNOWN
    last_error: str = ""
    last_scrape_ms: int = 0
    last_duration_seconds: float = 0.0
    interval_seconds: float = 0.0
    timeout_seconds: float = 0.0
    samples: int = 0
    samples_after_relabel: int = 0
    series_added: int = 0
    body_bytes: int = 0
    recent: Sequence[bool] = ()  # success of the latest scrapes, newest last, at most 20


@dataclass(frozen=True, slots=True)
class DroppedTargetView:
    """A discovered target that relabelling dropped, and the rule (counted from 0) that did it."""

    pool: str
    discovered: Labels
    rule: int = -1


@dataclass(frozen=True, slots=True)
class DiscoveryView:
    """One discovery mechanism of a job: what it has found, and what last kept it from finding."""

    manager: str  # "scrape" or "notify", as in discovery's own metrics
    job: str
    mechanism: str
    targets: int = 0
    groups: int = 0
    found_ms: int = 0  # when it last found something out, whether or not that was new
    changed_ms: int = 0  # when that was last new
    error: str = ""
    failed_ms: int = 0

    @property
    def failing(self) -> bool:
        """Whether the last thing it told was its error."""
        return bool(self.error) and self.failed_ms >= self.found_ms


@dataclass(frozen=True, slots=True)
class TargetsView:
    """All targets, ordered by pool, then by labels, and the mechanisms that found them."""

    active: Sequence[TargetView] = ()
    dropped: Sequence[DroppedTargetView] = ()
    dropped_counts: Mapping[str, int] = field(default_factory=dict)  # by pool; `dropped` may be cut
    discovery: Sequence[DiscoveryView] = ()


@dataclass(frozen=True, slots=True)
class MetadataView:
    """What one target says about one metric family."""

    target: Labels
    metric: str
    metadata: Metadata


# --- Rules and alerts -------------------------------------------------------------------------


class AlertState(StrEnum):
    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


class RuleHealth(StrEnum):
    UNKNOWN = "unknown"
    OK = "ok"
    ERROR = "err"


@dataclass(frozen=True, slots=True)
class AlertView:
    """One active alert: one label set of one alerting rule."""

    name: str
    labels: Labels
    annotations: Labels
    state: AlertState
    active_since_ms: int
    value: float
    fired_ms: int = 0
    resolved_ms: int = 0
    keep_firing_since_ms: int = 0
    group: str = ""
    file: str = ""
    silenced_by: Sequence[str] = ()
    valid_until_ms: int = 0  # when a firing alert counts as over if nothing more is heard of it
    generator_url: str = ""


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule of a group. `alert` is empty for a recording rule, `record` for an alerting rule."""

    name: str
    query: str
    is_alert: bool
    labels: Labels = EMPTY
    annotations: Labels = EMPTY
    hold_seconds: float = 0.0
    keep_firing_seconds: float = 0.0
    health: RuleHealth = RuleHealth.UNKNOWN
    last_error: str = ""
    state: AlertState = AlertState.INACTIVE
    alerts: Sequence[AlertView] = ()
    last_evaluation_ms: int = 0
    evaluation_seconds: float = 0.0
    last_samples: int = 0


@dataclass(frozen=True, slots=True)
class RuleGroupView:
    """A rule group, its rules in file order."""

    name: str
    file: str
    interval_seconds: float
    rules: Sequence[RuleView]
    limit: int = 0
    last_evaluation_ms: int = 0
    evaluation_seconds: float = 0.0
    missed_iterations: int = 0


@dataclass(frozen=True, slots=True)
class SilenceView:
    """A silence; `matchers` as text (`name="value"`)."""

    id: str
    matchers: Sequence[str]
    starts_ms: int
    ends_ms: int
    created_by: str
    comment: str
    state: str
    alerts_now: int = 0
    updated_ms: int = 0
    annotations: Labels = EMPTY


# --- Pushed groups ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PushGroupView:
    """One group of the pushgateway."""

    labels: Labels
    series: int
    last_push_ms: int
    last_push_ok: bool
    families: Mapping[str, Metadata] = field(default_factory=dict)


# --- Store and process ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BlockView:
    """One block on disk, [start, end)."""

    id: str
    start_ms: int
    end_ms: int
    series: int
    samples: int
    size_bytes: int
    level: int = 1


@dataclass(frozen=True, slots=True)
class StorageView:
    """The store at a glance. Times are 0 where there are no samples."""

    path: str = ""
    head_series: int = 0
    head_groups: int = 0
    head_samples: int = 0
    head_start_ms: int = 0
    head_end_ms: int = 0
    wal_bytes: int = 0
    blocks: Sequence[BlockView] = ()
    samples_appended: int = 0  # since the process started
    out_of_order: int = 0
    duplicates: int = 0
    too_old: int = 0
    replayed_records: int = 0
    quarantined: Sequence[str] = ()  # blocks set apart since the start, and why
    replay_dropped: str = ""  # what replay had to cut, in words; empty when nothing
    retention_ms: int = 0
    retention_bytes: int = 0
    read_only_reason: str = ""  # why appends fail now (disk full, ...); empty when they do not


@dataclass(frozen=True, slots=True)
class CardinalityView:
    """Where the head's series come from; each list is sorted by count, descending."""

    series: int
    label_pairs: int
    by_metric: Sequence[tuple[str, int]] = ()
    by_label_values: Sequence[tuple[str, int]] = ()
    by_label_bytes: Sequence[tuple[str, int]] = ()
    by_pair: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True, slots=True)
class ListenerView:
    """An address that answers. `moved_from` is the default that was taken, empty otherwise."""

    purpose: str  # "api" or "pushgateway"
    address: str
    url: str
    moved_from: str = ""


@dataclass(frozen=True, slots=True)
class BuildView:
    version: str
    revision: str = ""
    branch: str = ""
    build_user: str = ""
    build_date: str = ""
    go_version: str = ""
    application: str = "Prometheus"


@dataclass(frozen=True, slots=True)
class StatusView:
    """The process: who it is, what it runs on, how it is."""

    build: BuildView
    started_ms: int = 0
    now_ms: int = 0
    hostname: str = ""
    working_folder: str = ""
    config_path: str = ""  # empty: the embedded default
    config_yaml: str = ""  # effective, secrets masked
    config_ok: bool = True
    config_error: str = ""  # of the last reload, when it failed
    config_loaded_ms: int = 0
    config_warnings: Sequence[str] = ()
    data_folder: str = ""
    log_path: str = ""
    listeners: Sequence[ListenerView] = ()
    storage: StorageView = StorageView()
    flags: Mapping[str, str] = field(default_factory=dict)
    pid: int = 0
    cpu_seconds: float = 0.0
    resident_bytes: int = 0
    samples_per_second: float = 0.0
    alertmanagers: Sequence[str] = ()
    dropped_alertmanagers: Sequence[str] = ()  # by relabelling


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the engine's log; `number` grows by one with each."""

    number: int
    at_ms: int
    level: str  # debug, info, warn, error
    source: str
    message: str
