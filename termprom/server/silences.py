"""Silences by Alertmanager's API v2, so that amtool and dashboards manage those of this engine.

    GET POST /api/v2/silences    GET DELETE /api/v2/silence/{id}    GET /api/v2/alerts, /status

Alerts are not taken here: they are this engine's own.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import orjson
from aiohttp import web

from termprom import limits
from termprom.backend.wire_silences import (
    MissingField,
    alert_object,
    matchers_of,
    moment,
    silence_from,
    view_object,
)
from termprom.backend.wire_text import Json, dumps
from termprom.errors import BadSilence, NoAlertmanager, StorageError, UnknownSilence
from termprom.model.labels import Labels
from termprom.model.matchers import Matcher
from termprom.model.silences import parse_matcher
from termprom.server.answer import JSON
from termprom.server.context import Context
from termprom.server.request import Parameters, from_url
from termprom.views import AlertState, AlertView

Handler = Callable[[web.Request], Awaitable[web.Response]]

_TRUE: Final = frozenset("true 1 yes ok y on selected checked t enabled".split())  # noqa: SIM905
_NO_STORE: Final = {"Cache-Control": "no-store", "Content-Type": JSON}


class SilenceHandlers:
    def __init__(self, context: Context) -> None:
        self._backend = context.backend
        self._hooks = context.hooks

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v2/status", self._guarded(self.status), allow_head=False),
            web.get("/api/v2/alerts", self._guarded(self.alerts), allow_head=False),
            web.get("/api/v2/silences", self._guarded(self.silences), allow_head=False),
            web.post("/api/v2/silences", self._guarded(self.create)),
            web.get("/api/v2/silence/{id}", self._guarded(self.silence), allow_head=False),
            web.delete("/api/v2/silence/{id}", self._guarded(self.expire)),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        """Errors in this API's own form: a JSON string, not the envelope of the other one."""

        async def answered(request: web.Request) -> web.Response:
            if not self._hooks.ready():
                return web.Response(status=503, text="Service Unavailable")
            try:
                return await handler(request)
            except NoAlertmanager as problem:
                return _answer(str(problem), 502)
            except BadSilence as problem:
                return _answer(str(problem), 400)
            except UnknownSilence as problem:
                return _answer(str(problem), 404)
            except StorageError as problem:
                return _answer(str(problem), 500)

        return answered

    async def status(self, request: web.Request) -> web.Response:
        status = await self._backend.status()
        build = status.build
        return _answer(
            {
                "cluster": {"status": "disabled", "peers": []},
                "versionInfo": {
                    "branch": build.branch,
                    "buildDate": build.build_date,
                    "buildUser": build.build_user,
                    "goVersion": build.go_version,
                    "revision": build.revision,
                    "version": build.version,
                },
                "config": {"original": ""},
                "uptime": moment(status.started_ms),
            }
        )

    async def alerts(self, request: web.Request) -> web.Response:
        """Those that fire; `active` and `silenced` leave some out, `filter` keeps some."""
        given = from_url(request)
        filters = _filters(given)
        active, silenced = _wants(given, "active"), _wants(given, "silenced")
        found = [
            alert_object(alert, fingerprint(alert.labels))
            for alert in await self._backend.alerts()
            if alert.state is AlertState.FIRING
            and (silenced if alert.silenced_by else active)
            and _passes(alert, filters)
        ]
        return _answer(sorted(found, key=lambda one: str(one["fingerprint"])))

    async def silences(self, request: web.Request) -> web.Response:
        given = from_url(request)
        filters = _filters(given)
        states = {one for one in ("active", "pending", "expired") if _wants(given, one)}
        return _answer(
            [
                view_object(view)
                for view in await self._backend.silences()
                if view.state in states and set(filters) <= set(matchers_of(view))
            ]
        )

    async def create(self, request: web.Request) -> web.Response:
        # A type that browsers do not post from elsewhere without asking first.
        if request.content_type != JSON:
            text = f'unsupported media type "{request.content_type}", only [{JSON}] are allowed'
            return _answer({"code": 415, "message": text}, 415)
        body = await _body(request)
        if body is None:
            return _answer({"code": 413, "message": "silence in body is too large"}, 413)
        try:
            wanted = silence_from(orjson.loads(body) if body.strip() else None)
        except MissingField as problem:
            return _answer({"code": 602, "message": str(problem)}, 422)
        except ValueError as problem:
            text = f'parsing silence body from "" failed, because {problem}'
            return _answer({"code": 400, "message": text}, 400)
        if not wanted.matchers:
            text = "matchers in body should have at least 1 items"
            return _answer({"code": 612, "message": text}, 422)
        return _answer({"silenceID": await self._backend.create_silence(wanted)})

    async def silence(self, request: web.Request) -> web.Response:
        silence_id = request.match_info["id"]
        if (refusal := _bad_id(silence_id)) is not None:
            return refusal
        found = [one for one in await self._backend.silences() if one.id == silence_id]
        return _answer(view_object(found[0])) if found else web.Response(status=404)

    async def expire(self, request: web.Request) -> web.Response:
        silence_id = request.match_info["id"]
        if (refusal := _bad_id(silence_id)) is not None:
            return refusal
        try:
            await self._backend.expire_silence(silence_id)
        except UnknownSilence:
            return web.Response(status=404)
        return web.Response()


def _answer(document: Json, status: int = 200) -> web.Response:
    return web.Response(body=dumps(document) + b"\n", status=status, headers=_NO_STORE)


async def _body(request: web.Request) -> bytes | None:
    """None where it is larger than a silence may be."""
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > limits.SILENCE_BODY_BYTES_MAX:
            return None
    return bytes(body)


def _bad_id(silence_id: str) -> web.Response | None:
    try:
        uuid.UUID(silence_id)
    except ValueError:
        text = f'silenceID in path must be of type strfmt.UUID: "{silence_id}"'
        return _answer({"code": 601, "message": text}, 422)
    return None


def _wants(given: Parameters, name: str) -> bool:
    return given.get(name, "true").lower() in _TRUE


def _filters(given: Parameters) -> Sequence[Matcher]:
    """Raises BadSilence."""
    try:
        return [parse_matcher(one) for one in given.all("filter")]
    except ValueError as problem:
        raise BadSilence(str(problem)) from problem


def _passes(alert: AlertView, filters: Sequence[Matcher]) -> bool:
    return all(one.matches(alert.labels.get(one.name)) for one in filters)


def fingerprint(labels: Labels) -> str:
    """FNV-1a, 64 bits, of names and values, each ended by 0xff."""
    found = 14695981039346656037
    for name, value in labels:
        for byte in name.encode() + b"\xff" + value.encode() + b"\xff":
            found = (found ^ byte) * 1099511628211 & 0xFFFF_FFFF_FFFF_FFFF
    return f"{found:016x}"
