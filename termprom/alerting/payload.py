"""Alerts as the Alertmanager's API v2 takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from termprom.model.labels import Labels
from termprom.relabel import RelabelConfig, relabel
from termprom.views import AlertView

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(time_ms: int) -> str:
    """UTC with exactly three decimals."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time_ms % 1000:03d}Z"


def as_message(alert: AlertView, labels: Labels) -> dict[str, object]:
    """One alert under `labels`, which relabelling may have changed."""
    message: dict[str, object] = {}
    if alert.annotations:
        message["annotations"] = dict(alert.annotations)
    message["endsAt"] = rfc3339(alert.resolved_ms or alert.valid_until_ms)
    message["startsAt"] = rfc3339(alert.fired_ms)
    message["generatorURL"] = alert.generator_url
    message["labels"] = dict(labels)
    return message


Message = dict[str, object]


def encode(messages: Sequence[Message]) -> bytes:
    return orjson.dumps(list(messages))


def with_external(
    alerts: Iterable[AlertView], external: Labels, rules: Sequence[RelabelConfig]
) -> list[tuple[AlertView, Labels]]:
    """Alerts with the labels under which they go out; what `rules` drop is left out.

    An alert's own labels win over external ones.
    """
    labelled = [(alert, {**dict(external), **dict(alert.labels)}) for alert in alerts]
    return relabelled([(alert, Labels.of(labels)) for alert, labels in labelled], rules)


def outside(external: Labels, rules: Sequence[RelabelConfig], labels: Labels) -> Labels:
    """The labels under which an alert goes out; those of one that is dropped, before that."""
    whole = Labels.of({**dict(external), **dict(labels)})
    if not rules:
        return whole
    outcome = relabel(whole, rules)
    return whole if outcome.dropped else outcome.labels


def relabelled(
    alerts: Sequence[tuple[AlertView, Labels]], rules: Sequence[RelabelConfig]
) -> list[tuple[AlertView, Labels]]:
    if not rules:
        return list(alerts)
    outcomes = [(alert, relabel(labels, rules)) for alert, labels in alerts]
    return [(alert, outcome.labels) for alert, outcome in outcomes if not outcome.dropped]
