"""Rule groups and alerts.

/rules    {"groups":[{"name":"g","file":"f","rules":[{"state":"firing","name":"A","query":"...",
           "duration":600,"keepFiringFor":0,"labels":{},"annotations":{},"alerts":[...],
           "health":"ok","evaluationTime":0.0003,"lastEvaluation":"...","type":"alerting"}],
           "interval":60,"limit":0,"evaluationTime":0.0003,"lastEvaluation":"..."}]}
/alerts   {"alerts":[{"labels":{},"annotations":{},"state":"firing","activeAt":"...",
           "value":"1e+00"}]}
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from termprom.backend.wire_numbers import (
    format_exponent,
    format_moment,
    format_seconds,
    parse_moment,
)
from termprom.backend.wire_text import Json, labels_from, labels_object, text
from termprom.views import AlertState, AlertView, RuleGroupView, RuleHealth, RuleView


def rules_object(
    groups: Sequence[RuleGroupView], *, with_alerts: bool = True, next_token: str = ""
) -> Json:
    found: Json = {"groups": [group_object(group, with_alerts=with_alerts) for group in groups]}
    if next_token:
        found["groupNextToken"] = next_token
    return found


def page_token(group: RuleGroupView) -> str:
    """What a client hands back to go on at `group`."""
    return hashlib.sha256(f"{group.file};{group.name}".encode("utf-8", "replace")).hexdigest()


def group_object(group: RuleGroupView, *, with_alerts: bool) -> Json:
    return {
        "name": text(group.name),
        "file": text(group.file),
        "rules": [_rule_object(rule, with_alerts=with_alerts) for rule in group.rules],
        "interval": format_seconds(group.interval_seconds),
        "limit": group.limit,
        "evaluationTime": format_seconds(group.evaluation_seconds),
        "lastEvaluation": format_moment(group.last_evaluation_ms),
    }


def _rule_object(rule: RuleView, *, with_alerts: bool) -> Json:
    ended = {
        "health": rule.health.value,
        **({"lastError": text(rule.last_error)} if rule.last_error else {}),
        "evaluationTime": format_seconds(rule.evaluation_seconds),
        "lastEvaluation": format_moment(rule.last_evaluation_ms),
        "type": "alerting" if rule.is_alert else "recording",
    }
    if not rule.is_alert:
        return {
            "name": text(rule.name),
            "query": text(rule.query),
            "labels": labels_object(rule.labels),
            **ended,
        }
    return {
        "state": rule.state.value if rule.last_evaluation_ms else "unknown",
        "name": text(rule.name),
        "query": text(rule.query),
        "duration": format_seconds(rule.hold_seconds),
        "keepFiringFor": format_seconds(rule.keep_firing_seconds),
        "labels": labels_object(rule.labels),
        "annotations": labels_object(rule.annotations),
        "alerts": [alert_object(alert) for alert in rule.alerts] if with_alerts else None,
        **ended,
    }


def alerts_object(alerts: Sequence[AlertView]) -> Json:
    return {"alerts": [alert_object(alert) for alert in alerts]}


def alert_object(alert: AlertView) -> Json:
    found: Json = {
        "labels": labels_object(alert.labels),
        "annotations": labels_object(alert.annotations),
        "state": alert.state.value,
        "activeAt": format_moment(alert.active_since_ms),
    }
    if alert.keep_firing_since_ms:
        found["keepFiringSince"] = format_moment(alert.keep_firing_since_ms)
    return {**found, "value": format_exponent(alert.value)}


# --- Reading ----------------------------------------------------------------------------------


def rules_from(data: Json) -> Sequence[RuleGroupView]:
    """Raises ValueError, KeyError or TypeError for what does not have the shape."""
    return tuple(
        RuleGroupView(
            name=one["name"],
            file=one.get("file", ""),
            interval_seconds=float(one.get("interval") or 0.0),
            rules=tuple(
                _rule_from(rule, one["name"], one.get("file", "")) for rule in one["rules"]
            ),
            limit=int(one.get("limit") or 0),
            last_evaluation_ms=_moment(one.get("lastEvaluation")),
            evaluation_seconds=float(one.get("evaluationTime") or 0.0),
        )
        for one in data.get("groups") or ()
    )


def _rule_from(one: Json, group: str, file: str) -> RuleView:
    name, is_alert = one["name"], one.get("type") == "alerting"
    return RuleView(
        name=name,
        query=one.get("query", ""),
        is_alert=is_alert,
        labels=labels_from(one.get("labels")),
        annotations=labels_from(one.get("annotations")),
        hold_seconds=float(one.get("duration") or 0.0),
        keep_firing_seconds=float(one.get("keepFiringFor") or 0.0),
        health=RuleHealth(one["health"]) if one.get("health") in ("ok", "err") else _UNKNOWN,
        last_error=one.get("lastError", ""),
        state=_state(one.get("state")),
        alerts=tuple(_alert_from(alert, group, file) for alert in one.get("alerts") or ()),
        last_evaluation_ms=_moment(one.get("lastEvaluation")),
        evaluation_seconds=float(one.get("evaluationTime") or 0.0),
    )


_UNKNOWN = RuleHealth.UNKNOWN


def alerts_from(data: Json) -> Sequence[AlertView]:
    """Firing ones first, then by name and labels."""
    found = [_alert_from(one, "", "") for one in data.get("alerts") or ()]
    return tuple(sorted(found, key=alert_order))


def alert_order(alert: AlertView) -> tuple[bool, str, tuple[tuple[str, str], ...]]:
    return alert.state is not AlertState.FIRING, alert.name, alert.labels


def _alert_from(one: Json, group: str, file: str) -> AlertView:
    labels = labels_from(one["labels"])
    return AlertView(
        name=labels.get("alertname"),
        labels=labels,
        annotations=labels_from(one.get("annotations")),
        state=_state(one.get("state")),
        active_since_ms=_moment(one.get("activeAt")),
        value=float(one.get("value", "NaN")),
        keep_firing_since_ms=_moment(one.get("keepFiringSince")),
        group=group,
        file=file,
    )


def _state(text: str | None) -> AlertState:
    return AlertState(text) if text in ("pending", "firing") else AlertState.INACTIVE


def _moment(text: str | None) -> int:
    return parse_moment(text) if text else 0
