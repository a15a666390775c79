"""scrape_pools, their configuration, and what relabelling makes of a target, rule by rule."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from aiohttp import web

from termprom.backend.wire_text import labels_object, text, texts
from termprom.config.dump import dump_job, rule_tree
from termprom.config.schema import ScrapeConfig
from termprom.model.labels import EMPTY, Labels
from termprom.relabel import relabel
from termprom.server.answer import succeed, succeed_built
from termprom.server.context import Context
from termprom.server.failures import BadParameter
from termprom.server.request import Parameters, from_url


class PoolHandlers:
    def __init__(self, context: Context) -> None:
        self._hooks = context.hooks

    def routes(self) -> list[web.RouteDef]:
        handlers = {
            "scrape_pools": self.names,
            "scrape_pools/config": self.config,
            "targets/relabel_steps": self.relabel_steps,
        }
        return [
            web.get(f"/api/v1/{path}", handler, allow_head=False)
            for path, handler in handlers.items()
        ]

    async def names(self, request: web.Request) -> web.Response:
        names = sorted(job.job_name for job in self._hooks.scrape_configs())
        return await succeed(request, {"scrapePools": texts(names)})

    async def config(self, request: web.Request) -> web.Response:
        job = self._job(from_url(request))
        return await succeed_built(request, lambda: {"yaml": text(dump_job(job))})

    async def relabel_steps(self, request: web.Request) -> web.Response:
        given = from_url(request)
        job = self._job(given)
        labels = _labels(given.get("labels"))
        return await succeed_built(request, lambda: {"steps": _steps(job, labels)})

    def _job(self, given: Parameters) -> ScrapeConfig:
        name = given.get("scrapePool")
        if not name:
            raise BadParameter("no scrapePool parameter provided")
        for job in self._hooks.scrape_configs():
            if job.job_name == name:
                return job
        raise BadParameter(f'error retrieving scrape config: scrape pool "{name}" not found')


def _labels(given: str) -> Mapping[str, str]:
    """Raises BadParameter."""
    if not given:
        raise BadParameter("no labels parameter provided")
    try:
        found = orjson.loads(given)
    except orjson.JSONDecodeError as problem:
        raise BadParameter(f"error parsing labels: {problem}") from problem
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise BadParameter("error parsing labels: not an object of strings")
    return found


def _steps(job: ScrapeConfig, labels: Mapping[str, str]) -> list[dict[str, object]]:
    """Every rule with what it makes of the labels; after a drop nothing is left to change."""
    steps = []
    current, keep = Labels.of(labels), True
    for rule in job.relabel_configs:
        if keep:
            outcome = relabel(current, [rule])
            keep = not outcome.dropped
            current = outcome.labels if keep else EMPTY
        steps.append({"rule": rule_tree(rule), "output": labels_object(current), "keep": keep})
    return steps
