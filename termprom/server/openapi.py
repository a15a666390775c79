"""openapi.yaml: the endpoints of the API and their parameters, for programs that want to know.

The document is JSON, which is YAML too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from termprom import __version__
from termprom.backend.wire_text import dumps
from termprom.server.context import Context
from termprom.server.failures import BadParameter
from termprom.server.request import from_url

_VERSIONS: Final = {"": "3.1.0", "3.1": "3.1.0", "3.2": "3.2.0"}

_SPAN: Final = "start end"
_SEARCH: Final = (
    "search[] match[] start end fuzz_threshold fuzz_alg case_sensitive include_score sort_by "
    "sort_dir limit batch_size"
)
# Path: methods, what it is, parameters; those with ! have to be there, [] may repeat.
ENDPOINTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "query": ("get post", "Instant query", "query! time timeout limit lookback_delta stats"),
    "query_range": (
        "get post",
        "Range query",
        "query! start! end! step! timeout limit lookback_delta stats",
    ),
    "query_exemplars": ("get post", "Exemplars of series", f"query! {_SPAN}"),
    "format_query": ("get post", "An expression, well formatted", "query!"),
    "parse_query": ("get post", "An expression as a tree", "query!"),
    "series": ("get post", "Series by selectors", f"match[]! {_SPAN} limit"),
    "labels": ("get post", "Names of labels", f"match[] {_SPAN} limit"),
    "label/{name}/values": ("get", "Values of a label", f"match[] {_SPAN} limit"),
    "metadata": ("get", "Metadata of metrics", "metric limit limit_per_metric"),
    "search/metric_names": ("get post", "Search metric names", f"{_SEARCH} include_metadata"),
    "search/label_names": ("get post", "Search label names", _SEARCH),
    "search/label_values": ("get post", "Search values of a label", f"label! {_SEARCH}"),
    "targets": ("get", "Targets", "state scrapePool"),
    "targets/metadata": ("get", "Metadata by target", "match_target metric limit"),
    "targets/relabel_steps": ("get", "Relabelling step by step", "scrapePool! labels!"),
    "scrape_pools": ("get", "Names of scrape pools", ""),
    "scrape_pools/config": ("get", "Configuration of a scrape pool", "scrapePool!"),
    "rules": (
        "get",
        "Rule groups",
        "type rule_name[] rule_group[] file[] match[] exclude_alerts group_limit group_next_token",
    ),
    "alerts": ("get", "Active alerts", ""),
    "alertmanagers": ("get", "Alertmanagers", ""),
    "status/config": ("get", "Configuration in force", ""),
    "status/flags": ("get", "Flags", ""),
    "status/runtimeinfo": ("get", "The process", ""),
    "status/buildinfo": ("get", "The program", ""),
    "status/tsdb": ("get", "Where series come from", "limit"),
    "status/tsdb/blocks": ("get", "Blocks on disk", ""),
    "status/walreplay": ("get", "Progress of the replay", ""),
    "status/self_metrics": ("get", "Metrics of this process", "metric_name_pattern"),
    "features": ("get", "What this server can do", ""),
    "notifications": ("get", "What the operator should know", ""),
    "notifications/live": ("get", "The same as an event stream", ""),
    "admin/tsdb/delete_series": ("post put", "Delete samples", f"match[]! {_SPAN}"),
    "admin/tsdb/clean_tombstones": ("post put", "Give back the room of what was deleted", ""),
    "admin/tsdb/snapshot": ("post put", "Take a snapshot", "skip_head"),
    "write": ("post", "Remote write", ""),
    "read": ("post", "Remote read", ""),
    "otlp/v1/metrics": ("post", "OTLP metrics", ""),
    "openapi.yaml": ("get", "This document", "openapi_version"),
}


class OpenApiHandlers:
    def __init__(self, context: Context) -> None:
        self._prefix = "/" + context.options.route_prefix.strip("/")

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/v1/openapi.yaml", self.document, allow_head=False)]

    async def document(self, request: web.Request) -> web.Response:
        asked = from_url(request).get("openapi_version")
        if asked not in _VERSIONS:
            raise BadParameter(f'unsupported OpenAPI version "{asked}"', "openapi_version")
        headers = {
            "Content-Type": "application/yaml; charset=utf-8",
            "Cache-Control": "no-cache, no-store, must-revalidate",
        }
        body = dumps(document(_VERSIONS[asked], self._prefix.rstrip("/") + "/api/v1"))
        return web.Response(body=body, headers=headers)


def document(version: str, server: str) -> dict[str, Any]:
    return {
        "openapi": version,
        "info": {"title": "termprom: the Prometheus HTTP API", "version": __version__},
        "servers": [{"url": server}],
        "paths": {f"/{path}": _path(path, *told) for path, told in ENDPOINTS.items()},
    }


def _path(path: str, methods: str, summary: str, parameters: str) -> dict[str, Any]:
    found = [_parameter(word) for word in parameters.split()]
    if "{name}" in path:
        found.append({"name": "name", "in": "path", "required": True, "schema": _TEXT})
    answers = {"200": {"description": "success"}, "default": {"description": "an error"}}
    return {
        method: {"summary": summary, "parameters": found, "responses": answers}
        for method in methods.split()
    }


_TEXT: Final = {"type": "string"}


def _parameter(word: str) -> dict[str, Any]:
    name = word.removesuffix("!")
    schema = {"type": "array", "items": _TEXT} if name.endswith("[]") else _TEXT
    return {"name": name, "in": "query", "required": name != word, "schema": schema}
