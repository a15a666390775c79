"""serverset_sd_configs and nerve_sd_configs: members that register themselves in ZooKeeper.

Every node below the configured paths is watched; one whose content describes a member is a group
of one target. While there is no session, what was found last stays.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from termprom import limits
from termprom.config.schema import MechanismConfig, TargetGroup
from termprom.discovery.interface import Emit, Surroundings
from termprom.discovery.labelled import Found, host_port, sanitized, under
from termprom.discovery.polled import gathered
from termprom.discovery.zookeeper_client import ZooKeeper
from termprom.errors import DiscoveryError
from termprom.model.labels import Labels

_RETRY_SECONDS: Final = 10.0
_CONCURRENT: Final = 32

Member = Callable[[Any, str], Found]


class _TreeDiscovery:
    def __init__(self, config: MechanismConfig, around: Surroundings, member: Member) -> None:
        self._kind = config.kind
        self._servers: tuple[str, ...] = config.values["servers"]
        self._paths = tuple(path.rstrip("/") or "/" for path in config.values["paths"])
        self._timeout_seconds = config.values["timeout"] / 1000
        self._around = around
        self._member = member
        self._known: set[str] = set()  # nodes that are targets

    async def run(self, emit: Emit) -> None:
        while True:
            try:
                server = random.choice(self._servers)
                async with ZooKeeper(server, timeout_seconds=self._timeout_seconds) as session:
                    await self._follow(session, emit)
            except DiscoveryError as problem:
                self._around.failed("unable to follow ZooKeeper", self._kind, problem)
            await self._around.clock.sleep(_RETRY_SECONDS)

    async def _follow(self, session: ZooKeeper, emit: Emit) -> None:
        """Raises DiscoveryError when the session is over."""
        groups: list[TargetGroup] = []
        for path in self._paths:
            groups += await self._look_at(session, path)
        emit(groups)
        while path := await session.changes.get():
            emit(await self._look_at(session, path))
        raise DiscoveryError("the session with ZooKeeper is over")

    async def _look_at(self, session: ZooKeeper, path: str) -> list[TargetGroup]:
        """The groups of a node and all below it, and empty ones for what is no longer there."""
        if path in self._paths:
            await session.watch_for(path)
        groups: list[TargetGroup] = []
        level = [path]
        seen = 0
        while level:
            seen += len(level)
            if seen > limits.ZOOKEEPER_NODES_MAX:
                raise DiscoveryError(f"{path} has more than {limits.ZOOKEEPER_NODES_MAX} nodes")
            contents = await gathered(session.data, level, concurrent=_CONCURRENT)
            groups += [
                self._group(node, content)
                for node, content in zip(level, contents, strict=True)
                if content is not None
            ]
            there = [n for n, content in zip(level, contents, strict=True) if content is not None]
            names = await gathered(session.children, there, concurrent=_CONCURRENT)
            level = [
                f"{node.rstrip('/')}/{name}"
                for node, found in zip(there, names, strict=True)
                for name in found
            ]
        found_now = {group.source for group in groups if group.targets}
        below = {
            node for node in self._known if node == path or node.startswith(f"{path.rstrip('/')}/")
        }
        gone = below - found_now
        self._known = (self._known - gone) | found_now
        return [group for group in groups if group.targets] + [
            TargetGroup(source=node) for node in sorted(gone)
        ]

    def _group(self, path: str, content: bytes) -> TargetGroup:
        """The member that a node describes; a group without targets where it describes none."""
        try:
            member = self._member(orjson.loads(content), path)
        except (ValueError, KeyError, TypeError, AttributeError):
            return TargetGroup(source=path)
        return TargetGroup((member.address,), Labels.of(member.labels), path)


class ServersetDiscovery(_TreeDiscovery):
    def __init__(self, config: MechanismConfig, around: Surroundings) -> None:
        super().__init__(config, around, serverset_member)


class NerveDiscovery(_TreeDiscovery):
    def __init__(self, config: MechanismConfig, around: Surroundings) -> None:
        super().__init__(config, around, nerve_member)


def serverset_member(content: Mapping[str, Any], path: str) -> Found:
    """Raises KeyError, TypeError, AttributeError where it is none."""
    prefix = "__meta_serverset_"
    endpoint = content["serviceEndpoint"]
    own: dict[str, object] = {
        "path": path,
        "status": content.get("status"),
        "shard": content.get("shard") or 0,
        "endpoint_host": endpoint["host"],
        "endpoint_port": endpoint["port"],
    }
    for name, more in (content.get("additionalEndpoints") or {}).items():
        own[f"endpoint_host_{sanitized(name)}"] = more["host"]
        own[f"endpoint_port_{sanitized(name)}"] = more["port"]
    return Found(host_port(endpoint["host"], endpoint["port"]), under(prefix, own))


def nerve_member(content: Mapping[str, Any], path: str) -> Found:
    """Raises KeyError, TypeError, AttributeError where it is none."""
    own = {
        "path": path,
        "endpoint_host": content["host"],
        "endpoint_port": content["port"],
        "endpoint_name": content.get("name"),
    }
    return Found(host_port(content["host"], content["port"]), under("__meta_nerve_", own))
