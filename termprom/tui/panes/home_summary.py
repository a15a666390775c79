"""The words of Home: what is broken, how targets and rules do, where this engine is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.style import Style

from termprom.tui.cells import cut
from termprom.tui.colours import Colours
from termprom.tui.figures import age, clock, count, span, took
from termprom.tui.glyphs import Glyphs
from termprom.tui.panes import rules_rows, targets_rows
from termprom.tui.panes.alerts_rows import AlertRow, for_text, labels_text, state_text, value_text
from termprom.tui.session import Session
from termprom.tui.widgets.columns import Column, RowModel
from termprom.tui.widgets.text_box import Ink, Row
from termprom.views import (
    AlertState,
    Health,
    ListenerView,
    RuleGroupView,
    RuleHealth,
    StatusView,
    StorageView,
    TargetsView,
    TargetView,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something broken, and the pane that tells more of it."""

    pane: Literal["alerts", "targets", "rules", "config", "tsdb"]
    kind: str  # a style of Colours
    state: str
    severity: str
    name: str
    detail: str
    age: str
    alert: AlertRow | None = None
    target: TargetView | None = None


def problems_of(
    alerts: Sequence[AlertRow],
    targets: TargetsView | None,
    groups: Sequence[RuleGroupView],
    status: StatusView | None,
    session: Session,
    signs: Glyphs,
) -> Sequence[Problem]:
    """The store, firing alerts, targets that are down, the configuration, rules that fail, pending
    alerts. A target that an alert is about already is not told twice.
    """
    now = session.now_ms()
    first: list[Problem] = []
    if status is not None and status.storage.read_only_reason:
        reason = status.storage.read_only_reason
        first.append(
            Problem("tsdb", "critical", f"{signs.fail} fail", "critical", "store", reason, "")
        )
    firing: list[Problem] = []
    pending: list[Problem] = []
    for row in alerts:
        if row.silenced or row.state is AlertState.INACTIVE:
            continue
        loud = row.state is AlertState.FIRING
        problem = Problem(
            "alerts", "critical" if loud else "pending", state_text(row, signs),
            row.severity or "-", row.name, f"{labels_text(row)}  {value_text(row)}",
            for_text(row, now), alert=row,
        )  # fmt: skip
        (firing if loud else pending).append(problem)
    told = {
        (row.labels.get("job"), row.labels.get("instance"))
        for row in alerts
        if row.state is not AlertState.INACTIVE
    }
    down = [
        Problem("targets", "critical", f"{signs.down} down", "-",
                f"{one.pool} {targets_rows.instance_of(one)}",
                targets_rows.reason_of(one.last_error),
                age(one.last_scrape_ms, now), target=one)
        for one in (targets.active if targets is not None else ())
        if one.health is Health.DOWN
        and (one.labels.get("job"), one.labels.get("instance")) not in told
    ]  # fmt: skip
    failing = [
        Problem("rules", "warning", f"{signs.fail} fail", "-", row.rule.name, row.rule.last_error,
                age(row.rule.last_evaluation_ms, now))
        for row in rules_rows.rule_rows(groups)
        if row.rule.health is RuleHealth.ERROR
    ]  # fmt: skip
    if status is not None and not status.config_ok:
        failing.insert(
            0,
            Problem("config", "warning", f"{signs.fail} fail", "warning", "config reload",
                    status.config_error.split("\n")[0], "")
        )  # fmt: skip
    return [*first, *firing, *down, *failing, *pending]


def problems_model() -> RowModel[Problem]:
    def state_style(one: Problem, colours: Colours) -> Style:
        found = getattr(colours, one.kind)
        assert isinstance(found, Style)
        return found

    def severity_style(one: Problem, colours: Colours) -> Style:
        return colours.muted if one.severity == "-" else colours.severity(one.severity)

    return RowModel(
        (
            Column("state", "STATE", lambda one: one.state, style=state_style),
            Column("severity", "SEV", lambda one: one.severity, width_max=9, rank=2,
                   style=severity_style),
            Column("name", "WHAT", lambda one: one.name, width_min=10, width_max=40, flex=1,
                   middle=True),
            Column("detail", "DETAIL", lambda one: one.detail, width_min=10, width_max=160, flex=3),
            Column("age", "FOR", lambda one: one.age, right=True, rank=1),
        ),
        key=lambda one: (one.pane, one.name, one.alert and one.alert.labels,
                         one.target and targets_rows.target_key(one.target)),
        labels=lambda one: one.alert.labels.as_dict() if one.alert else {},
    )  # fmt: skip


def targets_rows_of(view: TargetsView, signs: Glyphs, height: int) -> Sequence[Row]:
    """A line per pool, the worst first; what does not fit is counted."""
    pools: dict[str, list[TargetView]] = {}
    for one in view.active:
        pools.setdefault(one.pool, []).append(one)
    ranked = sorted(pools.items(), key=lambda pool: (min(map(targets_rows.rank, pool[1])), pool[0]))
    worsts = [min(members, key=targets_rows.rank) for _, members in ranked]
    states = [targets_rows.health_text(one, signs) for one in worsts]
    widest = max(map(len, states), default=0)  # the reason needs every cell
    rows: list[Row] = []
    for (pool, members), worst, sign in zip(ranked, worsts, states, strict=True):
        up = sum(one.health is Health.UP for one in members)
        tail = targets_rows.reason_of(worst.last_error)
        if not tail:
            slowest = max(one.last_duration_seconds for one in members)
            tail = f"slowest {took(slowest)}" if slowest else ""
        rows.append(
            (
                Ink(f" {sign:<{widest}} ", targets_rows.health_kind(worst)),
                Ink(f"{pool} "),
                Ink(f"{up}/{len(members)}  ", "strong"),
                Ink(tail, "muted"),
            )
        )
    return cut_rows(rows, height, "pools", "5") or [(Ink(" no targets", "muted"),)]


def targets_note(view: TargetsView) -> str:
    up = sum(one.health is Health.UP for one in view.active)
    down = sum(one.health is Health.DOWN for one in view.active)
    waiting = len(view.active) - up - down
    return f"{up} up / {down} down" + (f" / {waiting} not yet" if waiting else "")


def rules_rows_of(
    groups: Sequence[RuleGroupView],
    status: StatusView | None,
    session: Session,
    signs: Glyphs,
    height: int,
) -> Sequence[Row]:
    """Failing rules, then the slowest group, missed rounds and the last reload."""
    rows: list[Row] = [
        (
            Ink(f" {signs.fail} {row.rule.name}: ", "critical"),
            Ink(row.rule.last_error, "muted"),
        )
        for row in rules_rows.rule_rows(groups)
        if row.rule.health is RuleHealth.ERROR
    ]
    rows = list(cut_rows(rows, max(height - 3, 1), "failing rules", "6"))
    if groups:
        slowest = max(groups, key=lambda one: one.evaluation_seconds)
        ran = f"{took(slowest.evaluation_seconds)} of {span(slowest.interval_seconds)}"
        rows.append((Ink(" slowest group ", "muted"), Ink(f"{slowest.name}  {ran}")))
        missed = sum(one.missed_iterations for one in groups)
        if missed or (status is not None and status.storage != StorageView()):
            # Prometheus counts them and does not tell; a termprom does.
            kind = "warning" if missed else "text"
            rows.append((Ink(" missed evaluations ", "muted"), Ink(count(missed), kind)))
    else:
        rows.append((Ink(" no rules", "muted"),))
    if status is not None and status.config_loaded_ms:
        how = "ok" if status.config_ok else "failed, the old one goes on"
        at = clock(status.config_loaded_ms, session.zone)
        kind = "text" if status.config_ok else "warning"
        rows.append((Ink(" last reload ", "muted"), Ink(f"{at} {how}", kind)))
    return rows


def rules_note(groups: Sequence[RuleGroupView]) -> str:
    rules = [rule for group in groups for rule in group.rules]
    failing = sum(rule.health is RuleHealth.ERROR for rule in rules)
    return f"{len(rules) - failing} ok / {failing} failing"


def cut_rows(rows: Sequence[Row], height: int, what: str, key: str) -> Sequence[Row]:
    """At most `height` lines; the last of them then says how many more there are."""
    if len(rows) <= max(height, 1):
        return rows
    kept = max(height - 1, 0)
    return [*rows[:kept], (Ink(f" {len(rows) - kept} more {what} (press {key})", "muted"),)]


def engine_rows(status: StatusView, width: int) -> Sequence[Row]:
    """Which configuration, data and log this is, and where it answers: two lines."""
    half = max(width // 2 - 10, 16)
    config = status.config_path
    if not config:
        config = "embedded default" if status.data_folder else "not told by this server"
    data = status.data_folder or "not told by this server"
    first: list[Ink] = [
        Ink(" config ", "muted"),
        Ink(cut(config, half, middle=True)),
        Ink("  data ", "muted"),
        Ink(cut(data, half, middle=True)),
    ]
    second: list[Ink] = [Ink(" ")]
    for listener in status.listeners:
        second += [Ink(f"{listener.purpose} ", "muted"), *_listener(listener), Ink("  ")]
    if status.log_path:
        second += [Ink("log ", "muted"), Ink(cut(status.log_path, half, middle=True))]
    return [tuple(first), tuple(second)]


def _listener(listener: ListenerView) -> Sequence[Ink]:
    place = Ink(listener.address or listener.url)
    if not listener.moved_from:
        return (place,)
    return (place, Ink(f" ({listener.moved_from} was taken)", "warning"))
