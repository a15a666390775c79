"""puppetdb_sd_configs: the resources that a PuppetDB query finds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from termprom.discovery.labelled import Found, host_port, listed, sanitized, under
from termprom.discovery.polled import PolledDiscovery, items
from termprom.errors import DiscoveryError
from termprom.model.floats import format_float

_PREFIX: Final = "__meta_puppetdb_"
_PATH: Final = "/pdb/query/v4"
_SEPARATOR: Final = ","
_HEADERS: Final = {"Accept": "application/json", "Content-Type": "application/json"}


class PuppetDBDiscovery(PolledDiscovery):
    async def find(self) -> list[Found]:
        url, query = self.values["url"].rstrip("/") + _PATH, self.values["query"]
        self.source = f"{url}?query={query}"
        body = orjson.dumps({"query": query})
        answer = await self.client.request("POST", url, _HEADERS, body)
        if answer.status // 100 != 2:
            raise DiscoveryError(f"server returned HTTP status {answer.status_line}")
        if answer.content_type.partition(";")[0].strip().lower() != "application/json":
            raise DiscoveryError(f"unsupported content type {answer.content_type}")
        try:
            resources = items(orjson.loads(answer.body))
        except orjson.JSONDecodeError as problem:
            raise DiscoveryError(f"the answer is not JSON: {problem}") from problem
        return [self._target(one, query) for one in resources]

    def _target(self, resource: Mapping[str, Any], query: str) -> Found:
        own = {
            "query": query,
            "certname": resource["certname"],
            "resource": resource.get("resource"),
            "type": resource.get("type"),
            "title": resource.get("title"),
            "exported": bool(resource.get("exported")),
            "file": resource.get("file"),
            "environment": resource.get("environment"),
            "tags": listed(resource.get("tags"), _SEPARATOR),
        }
        labels = under(_PREFIX, own)
        if self.values["include_parameters"]:
            parameters = parameter_labels(resource.get("parameters") or {})
            labels |= under(f"{_PREFIX}parameter_", parameters)
        return Found(host_port(resource["certname"], self.port), labels)


def parameter_labels(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Parameters by sanitized name, nested ones as `outer_inner`; what cannot be shown is not."""
    found: dict[str, str] = {}
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            inner = parameter_labels(value)
            found |= {sanitized(f"{name}_") + key: text for key, text in inner.items()}
        elif isinstance(value, list):
            # Unlike tags, without separators around it.
            found[sanitized(name)] = _SEPARATOR.join(map(_shown, value))
        else:
            found[sanitized(name)] = _shown(value)
    return {name: text for name, text in found.items() if text}


def _shown(value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return format_float(float(value))
        case _:
            return ""
