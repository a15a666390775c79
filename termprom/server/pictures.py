"""targets, rules, alerts, Alertmanagers."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from termprom.backend.wire_metadata import targets_metadata_list
from termprom.backend.wire_rules import alerts_object, rules_object
from termprom.backend.wire_targets import targets_object
from termprom.backend.wire_text import text
from termprom.errors import ParseError
from termprom.promql.syntax.parse import parse_selector
from termprom.server.addresses import default_external_url
from termprom.server.answer import succeed, succeed_built
from termprom.server.context import Context
from termprom.server.failures import BadParameter, parse_failure
from termprom.server.params import parse_integer
from termprom.server.request import from_url
from termprom.server.rule_filter import RuleFilter, selected


class PictureHandlers:
    def __init__(self, context: Context) -> None:
        self._backend = context.backend
        self._options = context.options

    def routes(self) -> list[web.RouteDef]:
        handlers = {
            "targets": self.targets,
            "targets/metadata": self.targets_metadata,
            "rules": self.rules,
            "alerts": self.alerts,
            "alertmanagers": self.alertmanagers,
        }
        return [
            web.get(f"/api/v1/{path}", handler, allow_head=False)
            for path, handler in handlers.items()
        ]

    async def targets(self, request: web.Request) -> web.Response:
        given = from_url(request)
        state = given.get("state").lower() or "any"
        pool = given.get("scrapePool")
        view = await self._backend.targets()
        status = await self._backend.status()
        listener = next((one for one in status.listeners if one.purpose == "api"), None)
        url = listener.url if listener is not None else ""
        external = self._options.external_url or default_external_url(url, status.hostname)
        return await succeed_built(
            request,
            lambda: targets_object(
                view,
                active=state in ("any", "active"),
                dropped=state in ("any", "dropped"),
                pool=pool,
                external_url=external,
                listen_port=urlsplit(url).port or 0,
            ),
        )

    async def targets_metadata(self, request: web.Request) -> web.Response:
        given = from_url(request)
        match_target, metric = given.get("match_target"), given.get("metric")
        try:
            limit = parse_integer(given.get("limit")) if given.get("limit") else 0
        except ValueError as problem:
            raise BadParameter("limit must be a number") from problem
        if match_target:
            try:
                parse_selector(match_target)
            except ParseError as problem:
                raise BadParameter(parse_failure(problem), "match_target") from problem
        found = await self._backend.targets_metadata(match_target, metric, limit=max(limit, 0))
        return await succeed_built(
            request, lambda: targets_metadata_list(found, with_metric=not metric)
        )

    async def rules(self, request: web.Request) -> web.Response:
        wanted = RuleFilter.read(from_url(request))
        groups = await self._backend.rules()

        def build() -> object:
            found, token = selected(groups, wanted)
            return rules_object(found, with_alerts=not wanted.exclude_alerts, next_token=token)

        return await succeed_built(request, build)

    async def alerts(self, request: web.Request) -> web.Response:
        alerts = await self._backend.alerts()
        return await succeed_built(request, lambda: alerts_object(alerts))

    async def alertmanagers(self, request: web.Request) -> web.Response:
        status = await self._backend.status()
        found = {
            "activeAlertmanagers": [{"url": text(url)} for url in status.alertmanagers],
            "droppedAlertmanagers": [{"url": text(url)} for url in status.dropped_alertmanagers],
        }
        return await succeed(request, found)
