"""The objects of one Kubernetes resource, listed once and then followed by a watch.

A watch goes on from the version that the last object, bookmark or list carried. When the server no
longer knows that version, or anything else goes wrong, everything is listed again; until then what
is known stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from termprom.discovery.client import DiscoveryClient
from termprom.discovery.interface import Surroundings
from termprom.discovery.polled import at, pages
from termprom.errors import DiscoveryError

Object = Mapping[str, Any]
# Resource, key of the object, what happened to it: add, update or delete.
OnEvent = Callable[[str, str, str], None]

_JSON: Final = {"Accept": "application/json"}
_PER_PAGE: Final = "500"
_RETRY_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
_WATCH_SECONDS: Final = 300


def key_of(item: Object) -> str:
    """`namespace/name`, or the name of what is in no namespace. Raises KeyError."""
    meta = item["metadata"]
    namespace = meta.get("namespace")
    return f"{namespace}/{meta['name']}" if namespace else str(meta["name"])


class ResourceWatch:
    """Keeps `objects`, by key, up to date; several watches may share one dict."""

    def __init__(
        self,
        client: DiscoveryClient,
        around: Surroundings,
        resource: str,
        url: str,
        selectors: Mapping[str, str],
        objects: dict[str, Object],
        on_event: OnEvent,
    ) -> None:
        self.synced = asyncio.Event()
        self._client = client
        self._around = around
        self._resource = resource
        self._url = url
        self._selectors = dict(selectors)
        self._objects = objects
        self._on_event = on_event
        self._own: set[str] = set()

    def __repr__(self) -> str:
        return f"ResourceWatch({self._resource}, {len(self._own)} objects)"

    async def run(self) -> None:
        failures = 0
        while True:
            try:
                version = await self._list()
                self.synced.set()
                failures = 0
                while version:
                    version = await self._follow(version)
            except (DiscoveryError, KeyError, TypeError, AttributeError) as problem:
                self._around.metrics.kubernetes_failures.inc()
                message = f"unable to follow Kubernetes {self._resource}"
                self._around.failed(message, "kubernetes", problem)
            pause_seconds = _RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)]
            failures += 1
            await self._around.clock.sleep(pause_seconds)

    async def _list(self) -> str:
        """Take over what there is; the version of the list."""
        listed: dict[str, Object] = {}
        version = ""

        async def page(token: str) -> Any:
            where = {"limit": _PER_PAGE, **({"continue": token} if token else {})}
            return await self._client.json(self._at({**self._selectors, **where}), _JSON)

        async for content in pages(page, lambda one: at(one, "metadata", "continue")):
            listed |= {key_of(item): item for item in content.get("items") or ()}
            version = str(content["metadata"]["resourceVersion"])
        for key in self._own - listed.keys():
            self._forget(key)
        for key, item in listed.items():
            self._keep(key, item)
        return version

    async def _follow(self, version: str) -> str:
        """Watch until the server ends it; the version to go on from, empty to list again."""
        parameters = {
            **self._selectors,
            "watch": "1",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(_WATCH_SECONDS),
        }
        async for line in self._client.lines(self._at(parameters), _JSON):
            if not line.strip():
                continue
            try:
                event = orjson.loads(line)
            except orjson.JSONDecodeError as problem:
                raise DiscoveryError(f"an event is not JSON: {problem}") from problem
            kind, item = event["type"], event["object"]
            if kind == "ERROR":
                return ""
            version = str(item["metadata"]["resourceVersion"])
            if kind == "DELETED":
                self._forget(key_of(item))
            elif kind in ("ADDED", "MODIFIED"):
                self._keep(key_of(item), item)
        return version

    def _at(self, parameters: Mapping[str, str]) -> str:
        return f"{self._url}?{urlencode(parameters)}" if parameters else self._url

    def _keep(self, key: str, item: Object) -> None:
        # Who wrote which field is half of an object and no label.
        item["metadata"].pop("managedFields", None)
        known = self._objects.get(key)
        if known == item:
            return
        self._objects[key] = item
        self._own.add(key)
        self._on_event(self._resource, key, "add" if known is None else "update")

    def _forget(self, key: str) -> None:
        self._own.discard(key)
        if self._objects.pop(key, None) is not None:
            self._on_event(self._resource, key, "delete")
