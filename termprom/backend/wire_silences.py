"""Silences and alerts as Alertmanager's API v2 writes them, and as amtool posts them.

    {"id":"...","status":{"state":"active"},"updatedAt":"2026-01-02T03:04:05.678Z","annotations":{},
     "comment":"c","createdBy":"me","endsAt":"...","startsAt":"...",
     "matchers":[{"isEqual":true,"isRegex":false,"name":"alertname","value":"A"}]}

A posted one has `id` only to change a silence.
"""

from __future__ import annotations

import orjson

from termprom.alerting.silence_json import MATCHER_OPS, matcher_object
from termprom.backend.wire_numbers import format_moment, parse_moment
from termprom.backend.wire_text import Json, labels_from, labels_object
from termprom.errors import (
    BackendUnavailable,
    BadSilence,
    NoAlertmanager,
    NotOffered,
    TermpromError,
    UnknownSilence,
)
from termprom.model.matchers import Matcher
from termprom.model.silences import Silence
from termprom.promql.syntax.parse import parse_selector
from termprom.views import AlertView, SilenceView


class MissingField(ValueError):
    """A posted silence lacks what it must have; the text names it as upstream does."""


def moment(time_ms: int) -> str:
    """RFC 3339 with milliseconds, always."""
    whole = format_moment(time_ms - time_ms % 1000).removesuffix("Z")
    return f"{whole}.{time_ms % 1000:03d}Z"


def matchers_of(view: SilenceView) -> tuple[Matcher, ...]:
    """The matchers that a view tells as text."""
    return tuple(parse_selector("{" + ",".join(view.matchers) + "}"))


def view_object(view: SilenceView) -> Json:
    return {
        "id": view.id,
        "status": {"state": view.state},
        "updatedAt": moment(view.updated_ms),
        "annotations": labels_object(view.annotations),
        "comment": view.comment,
        "createdBy": view.created_by,
        "endsAt": moment(view.ends_ms),
        "matchers": [matcher_object(one) for one in matchers_of(view)],
        "startsAt": moment(view.starts_ms),
    }


def silence_from(data: Json) -> Silence:
    """A posted silence. Raises MissingField, BadSilence, ValueError for a shape it cannot have."""
    if not isinstance(data, dict):
        raise MissingField("silence in body is required")
    for name in ("comment", "createdBy", "endsAt", "matchers", "startsAt"):
        if data.get(name) is None:
            raise MissingField(f"{name} in body is required")
    for name in ("comment", "createdBy", "endsAt", "startsAt"):
        if not isinstance(data[name], str):
            raise ValueError(f"{name} is not a string")
    if not isinstance(data["matchers"], list):
        raise ValueError("matchers is not a list")
    return Silence(
        tuple(_matcher_from(number, one) for number, one in enumerate(data["matchers"])),
        parse_moment(data["startsAt"]),
        parse_moment(data["endsAt"]),
        data["createdBy"],
        data["comment"],
        labels_from(data.get("annotations")),
        str(data.get("id") or ""),
    )


def _matcher_from(number: int, data: Json) -> Matcher:
    if not isinstance(data, dict):
        raise ValueError(f"matchers.{number} is not an object")
    for name in ("isRegex", "name", "value"):
        if data.get(name) is None:
            raise MissingField(f"matchers.{number}.{name} in body is required")
    name, value = data["name"], data["value"]
    if not (isinstance(name, str) and isinstance(value, str)):
        raise ValueError(f"matchers.{number} has a name or value that is not a string")
    op = MATCHER_OPS[bool(data["isRegex"]), data.get("isEqual") is not False]
    try:
        return Matcher(name, op, value)
    except ValueError as problem:
        raise BadSilence(
            f'invalid silence: invalid label matcher {number}: invalid regular expression "{value}"'
            f": {problem}"
        ) from problem


def alert_object(alert: AlertView, fingerprint: str) -> Json:
    """A firing alert, as it is seen by one who asks what is silenced."""
    found: Json = {
        "annotations": labels_object(alert.annotations),
        "endsAt": moment(alert.valid_until_ms),
        "fingerprint": fingerprint,
        "receivers": [],
        "startsAt": moment(alert.fired_ms or alert.active_since_ms),
        "status": {
            "inhibitedBy": [],
            "mutedBy": [],
            "silencedBy": list(alert.silenced_by),
            "state": "suppressed" if alert.silenced_by else "active",
        },
        "updatedAt": moment(alert.fired_ms or alert.active_since_ms),
        "labels": labels_object(alert.labels),
    }
    return {**found, "generatorURL": alert.generator_url} if alert.generator_url else found


# --- What a remote end says -------------------------------------------------------------------


def created_id(body: bytes) -> str:
    """Raises BackendUnavailable for an answer of another shape."""
    try:
        return str(orjson.loads(body)["silenceID"])
    except (ValueError, KeyError, TypeError) as problem:
        raise BackendUnavailable(f"an answer of another shape: {problem}") from problem


def silence_error(status: int, body: bytes, silence_id: str, end: str) -> TermpromError:
    """What a refusal means. `end` names who refused."""
    try:
        found = orjson.loads(body)
    except ValueError:
        found = body.decode("utf-8", "replace").strip()
    text = found.get("message", "") if isinstance(found, dict) else str(found)
    if status == 404 and silence_id:
        return UnknownSilence(silence_id)
    if status in (400, 422):
        return BadSilence(text)
    if status == 502:
        return NoAlertmanager(text)
    if status in (404, 405):
        return NotOffered(f"{end} has no silences")
    return BackendUnavailable(f"{end} answers with HTTP status {status} {text}".strip())
