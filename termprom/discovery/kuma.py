"""kuma_sd_configs: the data plane proxies that Kuma's control plane wants to have scraped.

Each request tells which answer was the last one seen, and hangs until there is another one or the
fetch timeout is over.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from termprom.config.schema import HTTPClientConfig, MechanismConfig, TargetGroup
from termprom.discovery.client import DiscoveryClient
from termprom.discovery.interface import Emit, Surroundings
from termprom.discovery.labelled import Found, Numbered, prefixed
from termprom.discovery.polled import items
from termprom.discovery.refresh import refresh_forever
from termprom.errors import DiscoveryError
from termprom.model.durations import format_duration

_PREFIX: Final = "__meta_kuma_"
_TYPE_URL: Final = "type.googleapis.com/kuma.observability.v1.MonitoringAssignment"
_PATH: Final = "/v3/discovery:monitoringassignments"
_OVERHEAD_SECONDS: Final = 15.0
_HEADERS: Final = {"Accept": "application/json", "Content-Type": "application/json"}


class KumaDiscovery:
    def __init__(self, config: MechanismConfig, around: Surroundings) -> None:
        """Raises ConfigError for client settings that are not implemented."""
        timeout = config.values["fetch_timeout"]
        self._interval_seconds = config.values["refresh_interval"] / 1000
        query = urlencode({"fetch-timeout": format_duration(timeout)})
        self._url = f"{config.values['server'].rstrip('/')}{_PATH}?{query}"
        self._around = around
        self._client = DiscoveryClient(
            config.http or HTTPClientConfig(), timeout_seconds=timeout / 1000 + _OVERHEAD_SECONDS
        )
        self._client_id: str = config.values["client_id"]
        self._seen: dict[str, str] = {}  # version and nonce of the last answer
        self._numbered = Numbered()

    async def run(self, emit: Emit) -> None:
        if not self._client_id:
            self._client_id = await asyncio.to_thread(socket.getfqdn) or "prometheus"
        async with self._client:
            await refresh_forever(
                self._refresh,
                emit,
                self._around,
                mechanism="kuma",
                interval_seconds=self._interval_seconds,
            )

    async def _refresh(self) -> Sequence[TargetGroup]:
        metrics = self._around.metrics
        try:
            with metrics.kuma_seconds.time():
                content = await self._fetch()
            if content is None:
                metrics.kuma_skipped.inc()
                return []
            found = [target for one in items(content.get("resources")) for target in _targets(one)]
        except (KeyError, TypeError, AttributeError) as problem:
            metrics.kuma_failures.inc()
            raise DiscoveryError(f"an answer is not what it should be: {problem!r}") from problem
        except DiscoveryError:
            metrics.kuma_failures.inc()
            raise
        self._seen = {
            "version_info": _either(content, "version_info"),
            "response_nonce": content.get("nonce") or "",
        }
        return self._numbered.groups("kuma", found)

    async def _fetch(self) -> Any:
        """What is new; None for nothing. Raises DiscoveryError, AttributeError."""
        request = {"node": {"id": self._client_id}, "type_url": _TYPE_URL}
        request |= {name: value for name, value in self._seen.items() if value}
        answer = await self._client.request("POST", self._url, _HEADERS, orjson.dumps(request))
        if answer.status == 304:
            return None
        content = answer.json()
        kind = _either(content, "type_url")
        if kind != _TYPE_URL:
            raise DiscoveryError(f"an answer of the type {kind!r}")
        return content


def _targets(assignment: Mapping[str, Any]) -> Iterator[Found]:
    common = {
        **prefixed(f"{_PREFIX}label_", assignment.get("labels")),
        f"{_PREFIX}mesh": assignment.get("mesh") or "",
        f"{_PREFIX}service": assignment.get("service") or "",
    }
    for target in items(assignment.get("targets")):
        yield Found(
            target["address"],
            {
                **prefixed(f"{_PREFIX}label_", target.get("labels")),
                **common,
                f"{_PREFIX}dataplane": target["name"],
                "instance": target["name"],
                "__scheme__": target.get("scheme") or "",
                "__metrics_path__": _either(target, "metrics_path"),
            },
        )


def _either(content: Mapping[str, Any], name: str) -> str:
    """A field of a protobuf message in JSON, whose name may be written in either style."""
    first, *others = name.split("_")
    return content.get(name) or content.get(first + "".join(map(str.title, others))) or ""
