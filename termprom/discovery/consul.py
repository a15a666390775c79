"""consul_sd_configs: services of a Consul catalogue, watched by blocking queries.

A query carries the index of the last answer and hangs until something changes or two minutes are
over. One watch follows the catalogue where the section does not simply list its services; each
service has a watch of its own. Whatever fails is tried again later and changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote, urlencode

from termprom.config.schema import BasicAuth, HTTPClientConfig, MechanismConfig
from termprom.discovery.client import DiscoveryClient
from termprom.discovery.interface import Emit, Surroundings
from termprom.discovery.labelled import Found, Numbered, host_port, prefixed, wrapped
from termprom.errors import DiscoveryError

_PREFIX: Final = "__meta_consul_"
_WAIT: Final = "120000ms"
_TIMEOUT_SECONDS: Final = 135.0
_RETRY_SECONDS: Final = 15.0
# The worst state of its checks is that of an instance.
_SEVERITY: Final = ("maintenance", "critical", "warning", "passing")
_MAINTENANCE: Final = ("_node_maintenance", "_service_maintenance:")
# Parameter of every query, and the field that holds it.
_COMMON: Final = (("ns", "namespace"), ("partition", "partition"))


class ConsulDiscovery:
    def __init__(self, config: MechanismConfig, around: Surroundings) -> None:
        """Raises ConfigError for client settings that are not implemented."""
        self._values = config.values
        self._around = around
        http = config.http or HTTPClientConfig()
        self._client = DiscoveryClient(
            _with_user(http, config.values), timeout_seconds=_TIMEOUT_SECONDS
        )
        server = config.values["server"]
        url = server if "://" in server else f"{config.values['scheme']}://{server}"
        self._url = url.rstrip("/") + config.values["path_prefix"].rstrip("/")
        token = config.values["token"]
        self._headers = {"X-Consul-Token": token.reveal()} if token else {}
        self._datacenter: str = config.values["datacenter"]
        self._numbered = Numbered()
        self._watches: dict[str, asyncio.Task[None]] = {}

    async def run(self, emit: Emit) -> None:
        async with self._client:
            try:
                await self._learn_datacenter()
                await self._watch(emit)
            finally:
                for watch in self._watches.values():
                    watch.cancel()
                await asyncio.gather(*self._watches.values(), return_exceptions=True)

    async def _learn_datacenter(self) -> None:
        while not self._datacenter:
            try:
                agent = await self._client.json(f"{self._url}/v1/agent/self", self._headers)
                self._datacenter = str(_at(agent, "Config", "Datacenter"))
            except DiscoveryError as problem:
                await self._failed(problem)

    async def _watch(self, emit: Emit) -> None:
        wanted: Sequence[str] = self._values["services"]
        if wanted and not self._values["tags"] and not self._values["filter"]:
            for name in wanted:
                self._start(name, emit)
            await asyncio.gather(*self._watches.values())
            return
        parameters = [("node-meta", f"{k}:{v}") for k, v in self._values["node_meta"].items()]
        if self._values["filter"]:
            parameters.append(("filter", self._values["filter"]))
        index = ""
        while True:
            content, index = await self._ask("catalog", "services", "", parameters, index)
            if content is not None:
                self._take_catalog(content, emit)
            await self._around.clock.sleep(self._pause_seconds)

    @property
    def _pause_seconds(self) -> float:
        return float(self._values["refresh_interval"]) / 1000

    def _take_catalog(self, services: Any, emit: Emit) -> None:
        """Start what is new and accepted, stop what is gone."""
        wanted, tags = self._values["services"], set(self._values["tags"])
        if not isinstance(services, Mapping):
            return
        accepted = [
            name
            for name, held in services.items()
            if (not wanted or name in wanted) and tags <= set(held or ())
        ]
        for name in [name for name in self._watches if name not in accepted]:
            self._watches.pop(name).cancel()
            emit(self._numbered.groups(name, ()))
        for name in accepted:
            if name not in self._watches:
                self._start(name, emit)
        if not accepted:
            emit(self._numbered.all_gone())

    def _start(self, name: str, emit: Emit) -> None:
        self._watches[name] = asyncio.create_task(
            self._watch_service(name, emit), name=f"consul service {name}"
        )

    async def _watch_service(self, name: str, emit: Emit) -> None:
        parameters = [("tag", tag) for tag in self._values["tags"]]
        parameters += [("node-meta", f"{k}:{v}") for k, v in self._values["node_meta"].items()]
        if self._values["health_filter"]:
            parameters.append(("filter", self._values["health_filter"]))
        shared = {f"{_PREFIX}service": name, f"{_PREFIX}dc": self._datacenter}
        index = ""
        while True:
            content, index = await self._ask("health", "service", name, parameters, index)
            if content is not None:
                separator = self._values["tag_separator"]
                try:
                    found = [instance_target(entry, separator) for entry in content]
                    emit(self._numbered.groups(name, found, shared))
                except (KeyError, TypeError) as problem:
                    await self._failed(DiscoveryError(f"an answer without {problem}"))
                    continue
                except DiscoveryError as problem:
                    await self._failed(problem)
                    continue
            await self._around.clock.sleep(self._pause_seconds)

    async def _ask(
        self, endpoint: str, call: str, name: str, more: Sequence[tuple[str, str]], index: str
    ) -> tuple[Any, str]:
        """A blocking query: the answer and its index; None when nothing changed or it failed."""
        parameters = [
            *((key, self._values[field]) for key, field in _COMMON if self._values[field]),
            ("dc", self._datacenter),
            *((("stale", ""),) if self._values["allow_stale"] else ()),
            ("wait", _WAIT),
            *((("index", index),) if index else ()),
            *more,
        ]
        path = "/".join(filter(None, (f"{self._url}/v1", endpoint, call, quote(name, safe=""))))
        metrics = self._around.metrics
        try:
            with metrics.consul_seconds.labels(endpoint, call).time():
                answer = await self._client.get(f"{path}?{urlencode(parameters)}", self._headers)
            content = answer.json()
        except DiscoveryError as problem:
            await self._failed(problem)
            return None, ""
        new = answer.headers.get("X-Consul-Index", "")
        return (None if new and new == index else content), new

    async def _failed(self, problem: DiscoveryError) -> None:
        self._around.metrics.consul_failures.inc()
        self._around.failed("unable to ask Consul", "consul", problem)
        await self._around.clock.sleep(_RETRY_SECONDS)


def _with_user(http: HTTPClientConfig, values: Mapping[str, Any]) -> HTTPClientConfig:
    """The client with the section's own user and password, which come as basic_auth."""
    if not values["username"] and not values["password"]:
        return http
    auth = BasicAuth(values["username"], password=values["password"])
    return replace(http, basic_auth=auth)


def instance_target(entry: Mapping[str, Any], separator: str) -> Found:
    """One entry of a service's health. Raises KeyError, TypeError for what is none."""
    node, service = entry["Node"], entry["Service"]
    address = service.get("Address") or node["Address"]
    return Found(
        host_port(address, service["Port"]),
        {
            f"{_PREFIX}address": node["Address"],
            f"{_PREFIX}node": node["Node"],
            f"{_PREFIX}namespace": service.get("Namespace") or "",
            f"{_PREFIX}partition": service.get("Partition") or "",
            f"{_PREFIX}tags": wrapped(service.get("Tags") or (), separator),
            f"{_PREFIX}service_address": service.get("Address") or "",
            f"{_PREFIX}service_port": str(service["Port"]),
            f"{_PREFIX}service_id": service["ID"],
            f"{_PREFIX}health": aggregated_health(entry.get("Checks") or ()),
            **prefixed(f"{_PREFIX}metadata_", node.get("Meta")),
            **prefixed(f"{_PREFIX}service_metadata_", service.get("Meta")),
            **prefixed(f"{_PREFIX}tagged_address_", node.get("TaggedAddresses")),
        },
    )


def aggregated_health(checks: Sequence[Mapping[str, Any]]) -> str:
    """The worst state of all checks; passing when there are none."""
    states = {
        "maintenance"
        if str(check.get("CheckID", "")).startswith(_MAINTENANCE)
        else check.get("Status", "")
        for check in checks
    }
    return next((state for state in _SEVERITY if state in states), "" if states else "passing")


def _at(content: Any, *path: str) -> Any:
    """A value inside of an answer. Raises DiscoveryError where it is not."""
    with contextlib.suppress(KeyError, TypeError):
        for key in path:
            content = content[key]
        return content
    raise DiscoveryError(f"the answer has no {'.'.join(path)}")
