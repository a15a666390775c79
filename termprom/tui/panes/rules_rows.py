"""What the Rules pane and Home say about rules: pure, no widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.style import Style

from termprom.model.labels import quote
from termprom.tui.colours import Colours
from termprom.tui.figures import age, clock, percent, span, took
from termprom.tui.glyphs import Glyphs
from termprom.tui.session import Session
from termprom.tui.widgets.columns import Column, RowModel
from termprom.tui.widgets.text_box import Fact, Row, facts
from termprom.views import AlertState, RuleGroupView, RuleHealth, RuleView

_LATE_SHARE: Final = 0.5  # of its interval; a group that takes longer has no room for a bad day


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule in its group; `place` counts within the group from 0, for names may repeat."""

    rule: RuleView
    group: RuleGroupView
    place: int


def rule_rows(groups: Sequence[RuleGroupView]) -> Sequence[RuleRow]:
    """All rules in file order."""
    return [
        RuleRow(rule, group, place) for group in groups for place, rule in enumerate(group.rules)
    ]


def is_late(group: RuleGroupView) -> bool:
    """Whether evaluating takes much of the interval, or rounds were missed."""
    limit = group.interval_seconds * _LATE_SHARE
    return group.missed_iterations > 0 or 0 < limit < group.evaluation_seconds


def rank(row: RuleRow) -> int:
    """The worst first."""
    if row.rule.health is RuleHealth.ERROR:
        return 0
    if is_late(row.group):
        return 1
    return 2 if row.rule.health is RuleHealth.UNKNOWN else 3


def health_text(row: RuleRow, signs: Glyphs) -> str:
    words = (
        f"{signs.fail} failing",
        f"{signs.slow} slow",
        f"{signs.unknown} not yet",
        f"{signs.ok} ok",
    )
    return words[rank(row)]


def health_kind(row: RuleRow) -> str:
    return ("critical", "warning", "muted", "ok")[rank(row)]


def state_text(rule: RuleView, signs: Glyphs) -> str:
    """Of an alert its state and how many, of a recording rule what it gave."""
    if not rule.is_alert:
        several = "s" if rule.last_samples != 1 else ""
        return f"{rule.last_samples} sample{several}" if rule.last_samples else "records"
    sign = {
        AlertState.FIRING: signs.firing,
        AlertState.PENDING: signs.pending,
        AlertState.INACTIVE: signs.inactive,
    }[rule.state]
    several = f" ({len(rule.alerts)})" if len(rule.alerts) > 1 else ""
    return f"{sign} {rule.state.value}{several}"


def took_text(row: RuleRow) -> str:
    return f"{took(row.rule.evaluation_seconds)} of {span(row.group.interval_seconds)}"


def rules_model(session: Session, signs: Glyphs) -> RowModel[RuleRow]:
    def health_style(row: RuleRow, colours: Colours) -> Style:
        found = getattr(colours, health_kind(row))
        assert isinstance(found, Style)
        return found

    def state_style(row: RuleRow, colours: Colours) -> Style:
        return {
            AlertState.FIRING: colours.critical,
            AlertState.PENDING: colours.pending,
            AlertState.INACTIVE: colours.muted,
        }[row.rule.state]

    return RowModel(
        (
            Column("health", "HEALTH", lambda row: health_text(row, signs), sort=rank,
                   style=health_style, value=lambda row: row.rule.health.value),
            Column("state", "STATE", lambda row: state_text(row.rule, signs), width_max=16,
                   style=state_style, value=lambda row: row.rule.state.value),
            Column("rule", "RULE", lambda row: row.rule.name, width_min=12, width_max=48, flex=2,
                   middle=True),
            Column("group", "GROUP", lambda row: row.group.name, width_max=24, rank=2),
            Column("dur", "TOOK", took_text, right=True, rank=1,
                   sort=lambda row: row.rule.evaluation_seconds, sort_descending=True,
                   value=lambda row: row.rule.evaluation_seconds),
            Column("last", "LAST", lambda row: age(row.rule.last_evaluation_ms, session.now_ms()),
                   right=True, rank=3, sort=lambda row: -row.rule.last_evaluation_ms),
            Column("error", "ERROR", lambda row: row.rule.last_error, width_min=12, width_max=160,
                   flex=3, style=lambda _, colours: colours.critical),
        ),
        key=lambda row: (row.group.file, row.group.name, row.place),
        labels=lambda row: row.rule.labels.as_dict(),
    )  # fmt: skip


def rule_detail(row: RuleRow, session: Session, signs: Glyphs, width: int) -> Sequence[Row]:
    """The expression, what became of it, and how its group does."""
    rule, group = row.rule, row.group
    pairs: list[Fact] = [("health", health_text(row, signs), health_kind(row))]
    if rule.last_error:
        pairs.append(("error", rule.last_error, "critical"))
    kind = "alert" if rule.is_alert else "recording rule"
    held = f", for {span(rule.hold_seconds)}" if rule.is_alert and rule.hold_seconds else ""
    last = "never"
    if rule.last_evaluation_ms:
        last = f"{clock(rule.last_evaluation_ms, session.zone)}, took {took_text(row)}"
    busy = group.evaluation_seconds / group.interval_seconds if group.interval_seconds else 0.0
    pairs += [
        ("kind", f"{kind}{held}"),
        ("expr", rule.query, "strong"),
        ("evaluated", last),
        ("state", state_text(rule, signs)),
        ("group", f"{group.name}, every {span(group.interval_seconds)}, all of it took "
                  f"{took(group.evaluation_seconds)} ({percent(busy)}), "
                  f"{group.missed_iterations} missed"),
        ("file", group.file or "not told"),
    ]  # fmt: skip
    for name, labels in (("labels", rule.labels), ("notes", rule.annotations)):
        lines = [f"{key}={quote(value)}" for key, value in labels.as_dict().items()]
        if lines:
            pairs.append((name, "\n".join(lines)))
    return facts(pairs, width)
