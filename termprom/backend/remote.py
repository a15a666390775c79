"""The Backend of a server elsewhere: another termprom, Prometheus, Thanos, VictoriaMetrics.

Another termprom answers some questions in more detail than the Prometheus API has room for; what
an end lacks altogether raises NotOffered, and `offers` remembers it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from termprom import limits
from termprom.alerting.silence_json import silence_object
from termprom.backend.hub import EventHub
from termprom.backend.interface import (
    Event,
    Feature,
    NamesResult,
    SeriesExemplars,
    SeriesResult,
)
from termprom.backend.remote_events import EventPump
from termprom.backend.remote_http import Form, RemoteClient
from termprom.backend.remote_probe import look_around
from termprom.backend.wire import Envelope, decode_notices
from termprom.backend.wire_decode import decode_result
from termprom.backend.wire_exemplars import exemplars_from
from termprom.backend.wire_metadata import metadata_from, targets_metadata_from
from termprom.backend.wire_numbers import format_timestamp
from termprom.backend.wire_rules import alerts_from, rules_from
from termprom.backend.wire_silences import created_id, silence_error
from termprom.backend.wire_status import cardinality_from, status_from
from termprom.backend.wire_targets import targets_from
from termprom.backend.wire_text import Json, dumps, labels_from
from termprom.backend.wire_views import OWNER_HEADER, view_from
from termprom.clock import Clock, SystemClock
from termprom.errors import BackendUnavailable, ConfigError, NotOffered, PushError
from termprom.model.escaped_names import escape_name
from termprom.model.grid import Grid
from termprom.model.labels import Labels
from termprom.model.metadata import Metadata
from termprom.model.result import QueryResult
from termprom.model.silences import Silence
from termprom.push.grouping import GroupingKey, path_of
from termprom.views import (
    AlertView,
    CardinalityView,
    LogLine,
    MetadataView,
    PushGroupView,
    RuleGroupView,
    SilenceView,
    StatusView,
    TargetsView,
)

T = TypeVar("T")

_API = "/api/v1/"


class RemoteBackend:
    """Implements Backend over HTTP; make it with `connect`, on the loop that will use it."""

    def __init__(
        self, client: RemoteClient, *, clock: Clock, is_termprom: bool, missing: set[Feature]
    ) -> None:
        self._client = client
        self._clock = clock
        self._is_termprom = is_termprom
        self._missing = missing
        self._hub = EventHub(clock)
        self._pump: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        kind = "termprom" if self._is_termprom else "Prometheus API"
        return f"RemoteBackend({self.name}, {kind})"

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        owner_secret: str = "",
        timeout_seconds: float = limits.REMOTE_TIMEOUT_SECONDS,
    ) -> RemoteBackend:
        """Talk to the server at `url` and find out what it has.

        `owner_secret` is that of a termprom on this machine, from its data folder: with it, reload
        works whatever that engine's flags say, passwords are not asked for, and its certificate,
        which names others than this machine's loopback, is not looked at.

        Raises BackendUnavailable where nothing answers or it is no such server.
        """
        given = dict(headers or {})
        if owner_secret:
            given[OWNER_HEADER] = owner_secret
        client = RemoteClient(
            url, headers=given, timeout_seconds=timeout_seconds, verify=not owner_secret
        )
        try:
            is_termprom, missing = await look_around(client)
        except BaseException:
            await client.close()
            raise
        if owner_secret and is_termprom:
            missing.discard(Feature.RELOAD)
        return cls(client, clock=clock or SystemClock(), is_termprom=is_termprom, missing=missing)

    @property
    def name(self) -> str:
        return self._client.url

    @property
    def is_termprom(self) -> bool:
        return self._is_termprom

    def offers(self, feature: Feature) -> bool:
        return feature not in self._missing

    # --- Queries ------------------------------------------------------------------------------

    async def query(
        self,
        expr: str,
        at_ms: int | None = None,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
    ) -> QueryResult:
        # Without a time the other end takes its own clock's: the one that its samples have.
        form = [("query", expr), *_query_options(timeout_seconds, lookback_ms)]
        if at_ms is not None:
            form.append(("time", format_timestamp(at_ms)))
        grid = Grid.instant(self._clock.now_ms() if at_ms is None else at_ms)
        shape = partial(_result, grid=grid, over_time=False, expr=expr)
        return await self._query("query", form, shape, expr, timeout_seconds)

    async def query_range(
        self,
        expr: str,
        grid: Grid,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
    ) -> QueryResult:
        form = [
            ("query", expr),
            ("start", format_timestamp(grid.start_ms)),
            ("end", format_timestamp(grid.end_ms)),
            ("step", format_timestamp(grid.step_ms)),
            *_query_options(timeout_seconds, lookback_ms),
        ]
        shape = partial(_result, grid=grid, over_time=True, expr=expr)
        return await self._query("query_range", form, shape, expr, timeout_seconds)

    async def _query(
        self,
        path: str,
        form: Form,
        shape: Callable[[Envelope], QueryResult],
        expr: str,
        timeout_seconds: float | None,
    ) -> QueryResult:
        # The other end keeps the query's timeout; ours only guards against its silence.
        patience = (timeout_seconds or limits.QUERY_TIMEOUT_SECONDS) + 5.0
        return await self._client.ask(
            _API + path, form, shape, post=True, expr=expr, timeout_seconds=patience
        )

    # --- Series and labels --------------------------------------------------------------------

    async def series(
        self, matchers: Sequence[str], start_ms: int, end_ms: int, *, limit: int = 0
    ) -> SeriesResult:
        if not matchers:
            return SeriesResult(())

        def shape(envelope: Envelope) -> SeriesResult:
            labels = sorted(map(labels_from, envelope.data or ()))
            return SeriesResult(labels, decode_notices(envelope, ""))

        form = _lookup_form(matchers, start_ms, end_ms, limit)
        return await self._client.ask(_API + "series", form, shape, post=True, expr=matchers[0])

    async def label_names(
        self, matchers: Sequence[str], start_ms: int, end_ms: int, *, limit: int = 0
    ) -> NamesResult:
        form = _lookup_form(matchers, start_ms, end_ms, limit)
        expr = matchers[0] if matchers else ""
        return await self._client.ask(_API + "labels", form, _names, post=True, expr=expr)

    async def label_values(
        self, name: str, matchers: Sequence[str], start_ms: int, end_ms: int, *, limit: int = 0
    ) -> NamesResult:
        form = _lookup_form(matchers, start_ms, end_ms, limit)
        expr = matchers[0] if matchers else ""
        path = f"{_API}label/{quote(escape_name(name), safe='')}/values"
        return await self._client.ask(path, form, _names, expr=expr)

    # --- Metadata -----------------------------------------------------------------------------

    async def exemplars(self, expr: str, start_ms: int, end_ms: int) -> Sequence[SeriesExemplars]:
        form = [
            ("query", expr),
            ("start", format_timestamp(start_ms)),
            ("end", format_timestamp(end_ms)),
        ]
        return await self._ask("query_exemplars", form, exemplars_from, expr=expr)

    async def metadata(
        self, metric: str = "", *, limit: int = 0, limit_per_metric: int = 0
    ) -> Mapping[str, Sequence[Metadata]]:
        form = _given(metric=metric, limit=limit, limit_per_metric=limit_per_metric)
        return await self._ask("metadata", form, metadata_from)

    async def targets_metadata(
        self, match_target: str = "", metric: str = "", *, limit: int = 0
    ) -> Sequence[MetadataView]:
        form = _given(match_target=match_target, metric=metric, limit=limit)

        def shape(data: Json) -> Sequence[MetadataView]:
            return targets_metadata_from(data, metric)

        return await self._ask("targets/metadata", form, shape, Feature.TARGETS, match_target)

    # --- Pictures -----------------------------------------------------------------------------

    async def targets(self) -> TargetsView:
        if self._is_termprom:
            return await self._extra("targets", TargetsView, Feature.TARGETS)
        return await self._ask("targets", (), targets_from, Feature.TARGETS)

    async def rules(self) -> Sequence[RuleGroupView]:
        if self._is_termprom:
            return await self._extra("rules", tuple[RuleGroupView, ...], Feature.RULES)
        return await self._ask("rules", (), rules_from, Feature.RULES)

    async def alerts(self) -> Sequence[AlertView]:
        if self._is_termprom:
            return await self._extra("alerts", tuple[AlertView, ...], Feature.RULES)
        return await self._ask("alerts", (), alerts_from, Feature.RULES)

    async def silences(self) -> Sequence[SilenceView]:
        return await self._extra("silences", tuple[SilenceView, ...], Feature.SILENCES)

    async def create_silence(self, wanted: Silence) -> str:
        self._need_silences()
        body = dumps(silence_object(wanted))
        status, answer = await self._client.send("POST", "/api/v2/silences", body)
        if status == 200:
            return created_id(answer)
        raise silence_error(status, answer, wanted.id, self.name)

    async def expire_silence(self, silence_id: str) -> None:
        self._need_silences()
        path = f"/api/v2/silence/{quote(silence_id, safe='')}"
        status, answer = await self._client.send("DELETE", path)
        if status != 200:
            raise silence_error(status, answer, silence_id, self.name)

    def _need_silences(self) -> None:
        if not self._is_termprom:
            raise NotOffered(f"{self.name} has no silences")

    async def push_groups(self) -> Sequence[PushGroupView]:
        return await self._extra("push_groups", tuple[PushGroupView, ...], Feature.PUSH_GROUPS)

    async def delete_push_group(self, labels: Labels) -> None:
        if not self._is_termprom:
            raise NotOffered(f"{self.name} has no push groups")
        status, answer = await self._client.send("DELETE", path_of(GroupingKey.of(dict(labels))))
        if status != 202:
            raise PushError(answer.decode("utf-8", "replace").strip(), status)

    async def status(self) -> StatusView:
        if self._is_termprom:
            return await self._extra("status", StatusView)
        build, runtime, flags, config, managers = await asyncio.gather(
            *(
                self._optional(f"status/{part}")
                for part in ("buildinfo", "runtimeinfo", "flags", "config")
            ),
            self._optional("alertmanagers"),
        )
        urls = [one["url"] for one in managers.get("activeAlertmanagers") or ()]
        try:
            found = status_from(
                build, runtime, config=config.get("yaml", ""), flags=flags, alertmanagers=urls
            )
        except ValueError as problem:
            raise BackendUnavailable(f"{self.name}: {problem}") from problem
        # VictoriaMetrics does not tell its time; ours is better than 1970.
        return found if found.now_ms else replace(found, now_ms=self._clock.now_ms())

    async def cardinality(self, limit: int = 10) -> CardinalityView:
        form = _given(limit=limit)
        return await self._ask("status/tsdb", form, cardinality_from, Feature.CARDINALITY)

    async def logs(self, after: int = 0) -> Sequence[LogLine]:
        form = _given(after=after)
        return await self._extra("logs", tuple[LogLine, ...], Feature.LOGS, form)

    async def reload(self) -> None:
        status, text = await self._client.post("/-/reload")
        if status in (403, 404, 405):
            self._missing.add(Feature.RELOAD)
            raise NotOffered(f"{self.name}: {text or 'no reload'}")
        if status != 200:
            raise ConfigError(text.removeprefix("failed to reload config: "))

    # --- Events and end -----------------------------------------------------------------------

    def events(self) -> AsyncIterator[Event]:
        if self._pump is None:
            pump = EventPump(
                self._client, self._hub, clock=self._clock, has_stream=self._is_termprom
            )
            self._pump = asyncio.get_running_loop().create_task(pump.run(), name="remote events")
        return self._hub.subscribe()

    async def close(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump
        self._hub.close()
        await self._client.close()

    # --- Asking -------------------------------------------------------------------------------

    async def _ask(
        self,
        path: str,
        form: Form,
        shape: Callable[[Json], T],
        feature: Feature | None = None,
        expr: str = "",
    ) -> T:
        try:
            return await self._client.ask(
                _API + path, form, lambda envelope: shape(envelope.data), expr=expr
            )
        except NotOffered:
            if feature is not None:
                self._missing.add(feature)
            raise

    async def _extra(
        self, path: str, kind: type[T], feature: Feature | None = None, form: Form = ()
    ) -> T:
        """A view in full detail, which only another termprom can give."""
        if not self._is_termprom:
            raise NotOffered(f"{self.name} has no {path.replace('_', ' ')}")
        return await self._ask(f"x/{path}", form, partial(view_from, kind), feature)

    async def _optional(self, path: str) -> dict[str, Any]:
        """The `data` of an endpoint, empty where this end does not have it."""
        try:
            found = await self._ask(path, (), lambda data: data)
        except NotOffered:
            return {}
        return found if isinstance(found, dict) else {}


# --- Forms and shapes -------------------------------------------------------------------------


def _query_options(timeout_seconds: float | None, lookback_ms: int | None) -> list[tuple[str, str]]:
    found = [("stats", "true")]
    if timeout_seconds is not None:
        found.append(("timeout", f"{timeout_seconds:.3f}"))
    if lookback_ms:
        found.append(("lookback_delta", format_timestamp(lookback_ms)))
    return found


def _lookup_form(
    matchers: Sequence[str], start_ms: int, end_ms: int, limit: int
) -> list[tuple[str, str]]:
    return [
        *(("match[]", matcher) for matcher in matchers),
        ("start", format_timestamp(start_ms)),
        ("end", format_timestamp(end_ms)),
        *_given(limit=limit),
    ]


def _given(**fields: str | int) -> list[tuple[str, str]]:
    """The fields that have a value; an API without them takes its defaults."""
    return [(name, str(value)) for name, value in fields.items() if value]


def _result(envelope: Envelope, *, grid: Grid, over_time: bool, expr: str) -> QueryResult:
    notices = decode_notices(envelope, expr)
    return decode_result(envelope.data, grid, over_time=over_time, notices=notices)


def _names(envelope: Envelope) -> NamesResult:
    names = [str(name) for name in envelope.data or ()]
    return NamesResult(names, decode_notices(envelope, ""))
