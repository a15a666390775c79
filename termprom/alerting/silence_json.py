"""Silences as an Alertmanager's API v2 takes and lists them.

{"id": "...", "status": {"state": "active"}, "updatedAt": "2026-01-02T03:04:05.678Z",
 "annotations": {}, "comment": "c", "createdBy": "me", "startsAt": "...", "endsAt": "...",
 "matchers": [{"isEqual": true, "isRegex": false, "name": "alertname", "value": "A"}]}
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from termprom.alerting.payload import rfc3339
from termprom.model.labels import Labels
from termprom.model.matchers import Matcher, MatchOp
from termprom.model.silences import Silence

_log = logging.getLogger("termprom.alerting")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER: Final = "0001-01-01T00:00:00Z"
MATCHER_OPS: Final = {
    (False, True): MatchOp.EQUAL,
    (False, False): MatchOp.NOT_EQUAL,
    (True, True): MatchOp.REGEX,
    (True, False): MatchOp.NOT_REGEX,
}

Json = Any  # what orjson.loads gives and orjson.dumps takes


def silence_object(silence: Silence) -> dict[str, Json]:
    """What is posted to make or change `silence`."""
    found: dict[str, Json] = {
        "matchers": [matcher_object(one) for one in silence.matchers],
        "startsAt": rfc3339(silence.starts_ms) if silence.starts_ms else _NEVER,
        "endsAt": rfc3339(silence.ends_ms),
        "createdBy": silence.created_by,
        "comment": silence.comment,
        "annotations": dict(silence.annotations),
    }
    return {"id": silence.id, **found} if silence.id else found


def matcher_object(matcher: Matcher) -> dict[str, Json]:
    return {
        "isEqual": matcher.op in (MatchOp.EQUAL, MatchOp.REGEX),
        "isRegex": matcher.op in (MatchOp.REGEX, MatchOp.NOT_REGEX),
        "name": matcher.name,
        "value": matcher.value,
    }


def listed_silences(body: bytes) -> list[Silence]:
    """What `GET /silences` answered. Raises ValueError for another shape.

    A silence whose expression only another engine reads is left out, and named in the log.
    """
    try:
        listed = orjson.loads(body)
        if not isinstance(listed, list):
            raise ValueError("not a list of silences")
        return [one for item in listed if (one := _listed(item)) is not None]
    except (KeyError, TypeError, AttributeError) as problem:
        raise ValueError(f"not a list of silences: {problem!r}") from problem


def created_id(body: bytes) -> str:
    """The id that `POST /silences` answered with. Raises ValueError."""
    try:
        return str(orjson.loads(body)["silenceID"])
    except (KeyError, TypeError) as problem:
        raise ValueError(f"an answer of another shape: {problem!r}") from problem


def _listed(item: dict[str, Json]) -> Silence | None:
    silence_id = str(item["id"])
    try:
        matchers = tuple(_matcher(one) for one in item["matchers"])
    except ValueError as problem:
        _log.warning(
            "a silence of an alertmanager cannot be read",
            extra={"fields": {"id": silence_id, "error": str(problem)}},
        )
        return None
    return Silence(
        matchers,
        _moment_ms(item["startsAt"]),
        _moment_ms(item["endsAt"]),
        str(item.get("createdBy") or ""),
        str(item.get("comment") or ""),
        Labels.of({str(k): str(v) for k, v in (item.get("annotations") or {}).items()}),
        silence_id,
        _moment_ms(item["updatedAt"]),
    )


def _matcher(item: dict[str, Json]) -> Matcher:
    op = MATCHER_OPS[bool(item["isRegex"]), item.get("isEqual") is not False]
    return Matcher(str(item["name"]), op, str(item["value"]))


def _moment_ms(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)
