"""What the Alerts pane and Home say about an alert: pure, no widgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.style import Style

from termprom.model.labels import EMPTY, Labels, quote
from termprom.tui.colours import Colours
from termprom.tui.figures import age, date_and_clock, number, span
from termprom.tui.glyphs import Glyphs
from termprom.tui.session import Session
from termprom.tui.widgets.columns import Column, RowModel
from termprom.tui.widgets.text_box import Fact, Ink, Row, facts, paragraph
from termprom.views import AlertState, AlertView, RuleGroupView, RuleView

_SEVERITIES: Final = {
    "critical": 0, "crit": 0, "page": 0, "error": 1, "warning": 2, "warn": 2, "info": 4, "none": 5,
}  # fmt: skip
_OTHER_SEVERITY: Final = 3  # a word that we do not know ranks between a warning and information


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An active alert with its rule where that is known, or an inactive rule without an alert."""

    name: str
    labels: Labels
    state: AlertState
    alert: AlertView | None = None
    rule: RuleView | None = None
    group: str = ""

    @property
    def severity(self) -> str:
        found = self.labels.get("severity")
        return found or (self.rule.labels.get("severity") if self.rule is not None else "")

    @property
    def silenced(self) -> bool:
        return self.alert is not None and bool(self.alert.silenced_by)

    @property
    def since_ms(self) -> int:
        return self.alert.active_since_ms if self.alert is not None else 0


def rows_of(
    alerts: Sequence[AlertView], groups: Sequence[RuleGroupView]
) -> tuple[Sequence[AlertRow], Sequence[AlertRow]]:
    """The active alerts, the worst first, and the alerting rules of which nothing is active."""
    rules: dict[tuple[str, str], RuleView] = {}
    quiet: list[AlertRow] = []
    for group in groups:
        for rule in group.rules:
            if not rule.is_alert:
                continue
            # A server may not say of which group an alert is; its name alone tells the rule then.
            rules[group.name, rule.name] = rule
            rules.setdefault(("", rule.name), rule)
    active = [
        AlertRow(one.name, one.labels, one.state, one, rules.get((one.group, one.name)), one.group)
        for one in alerts
    ]
    busy = {row.name for row in active}
    for group in groups:
        quiet += [
            AlertRow(rule.name, rule.labels, AlertState.INACTIVE, None, rule, group.name)
            for rule in group.rules
            if rule.is_alert and rule.name not in busy
        ]
    return sorted(active, key=urgency), sorted(quiet, key=lambda row: (row.name, row.group))


def urgency(row: AlertRow) -> tuple[bool, int, int, int, str, Labels]:
    """Sorts loud before silenced, firing before pending, by severity, then the oldest first."""
    states = (AlertState.FIRING, AlertState.PENDING, AlertState.INACTIVE)
    severity = _SEVERITIES.get(row.severity.lower(), _OTHER_SEVERITY)
    return (
        row.silenced,
        states.index(row.state),
        severity,
        row.since_ms,
        row.name,
        row.labels,
    )


def state_text(row: AlertRow, signs: Glyphs) -> str:
    if row.silenced:
        return f"{signs.silenced} silenced"
    match row.state:
        case AlertState.FIRING:
            return f"{signs.firing} firing"
        case AlertState.PENDING:
            return f"{signs.pending} pending"
    return f"{signs.inactive} inactive"


def state_style(row: AlertRow, colours: Colours) -> Style:
    if row.silenced or row.state is AlertState.INACTIVE:
        return colours.muted
    return colours.critical if row.state is AlertState.FIRING else colours.pending


def labels_text(row: AlertRow) -> str:
    """The labels that tell alerts of one name apart."""
    shown = row.labels.without("__name__", "alertname", "severity").as_dict()
    return " ".join(f"{name}={value}" for name, value in shown.items())


def for_text(row: AlertRow, now_ms: int) -> str:
    """How long it is active; of a pending one also how long it has to be: `3m of 5m`."""
    if row.alert is None:
        return ""
    text = age(row.since_ms, now_ms)
    if row.state is AlertState.PENDING and row.rule is not None:
        text += f" of {span(row.rule.hold_seconds)}"
    return text


def value_text(row: AlertRow) -> str:
    return "" if row.alert is None else number(row.alert.value)


def alerts_model(session: Session, signs: Glyphs, *, short: bool = False) -> RowModel[AlertRow]:
    """`short`: for the few lines that Home has."""

    def severity_style(row: AlertRow, colours: Colours) -> Style:
        return colours.severity(row.severity) if row.severity else colours.muted

    last: Callable[[AlertRow], str] = lambda row: for_text(row, session.now_ms())  # noqa: E731
    group: Column[AlertRow] = Column("group", "GROUP", lambda row: row.group, width_max=24, rank=4)
    groups = () if short else (group,)
    return RowModel(
        (
            Column("state", "STATE", lambda row: state_text(row, signs), sort=urgency,
                   style=state_style,
                   value=lambda row: "silenced" if row.silenced else row.state.value),
            Column("severity", "SEV", lambda row: row.severity or "-", width_max=9, rank=2,
                   sort=urgency, style=severity_style, value=lambda row: row.severity),
            Column("alert", "ALERT", lambda row: row.name, width_min=10, width_max=34, flex=1,
                   middle=True),
            Column("labels", "LABELS", labels_text, width_min=10, width_max=120, flex=3),
            Column("value", "VALUE", value_text, right=True, rank=3,
                   sort=lambda row: row.alert.value if row.alert else 0.0, sort_descending=True,
                   value=lambda row: row.alert.value if row.alert else None),
            Column("for", "FOR", last, right=True, rank=1, sort=lambda row: row.since_ms,
                   value=lambda row: (session.now_ms() - row.since_ms) / 1000),
            *groups,
        ),
        key=lambda row: (row.name, row.group, row.labels, row.alert is None),
        labels=lambda row: row.labels.as_dict(),
    )  # fmt: skip


def alert_detail(row: AlertRow, session: Session, signs: Glyphs, width: int) -> Sequence[Row]:
    """Annotations, expression, state, value and labels of one alert."""
    alert, rule, zone = row.alert, row.rule, session.zone
    annotations: Mapping[str, str] = (alert.annotations if alert else EMPTY).as_dict()
    pairs: list[Fact] = [(name, value) for name, value in annotations.items()]
    if rule is not None:
        held = f"   for {span(rule.hold_seconds)}" if rule.hold_seconds else ""
        pairs.append(("expr", rule.query + held, "strong"))
    state = state_text(row, signs)
    kind = "critical" if row.state is AlertState.FIRING and not row.silenced else "text"
    if alert is not None:
        state += f"  since {date_and_clock(alert.active_since_ms, zone)}"
        if alert.fired_ms:
            state += f", firing since {date_and_clock(alert.fired_ms, zone)}"
        pairs += [("state", state, kind), ("value", f"{value_text(row)}  ({alert.value!r})")]
        if alert.silenced_by:
            pairs.append(("silences", ", ".join(alert.silenced_by)))
    else:
        pairs.append(("state", state))
    pairs.append(
        ("labels", " ".join(f"{k}={quote(v)}" for k, v in row.labels.as_dict().items()) or "none")
    )
    if row.group:
        pairs.append(("group", row.group))
    if rule is not None and rule.last_error:
        pairs.append(("error", rule.last_error, "critical"))
    lines = facts(pairs, width)
    if rule is None and alert is not None:
        lines += paragraph("the rule of this alert is not known to this server", width, "muted")
    return lines or [(Ink(" nothing more is known", "muted"),)]
