"""local_sd_configs: exporters that listen on this host, found on ports known to be theirs.

Only loopback addresses are asked, a few at once, each for a moment and a few bytes. What answers
/metrics with a page of metrics is a target. It is not asked again, for it gets scraped; a look
whether something still listens there is enough. One that went away stays for a while, so that it
is seen to be down instead of being forgotten.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp

from termprom import __version__
from termprom.config.schema import MechanismConfig, TargetGroup
from termprom.config.sd_local import EXPORTERS
from termprom.discovery.interface import Emit, Surroundings
from termprom.discovery.labelled import host_port
from termprom.discovery.polled import gathered
from termprom.discovery.refresh import refresh_forever
from termprom.model.labels import Labels

_HOSTS: Final = ("127.0.0.1", "::1")
_CONCURRENT: Final = 4
_PAGE_BYTES: Final = 16 << 10  # enough to know a page of metrics
_KEPT_SECONDS: Final = 900.0  # after the last sign of life
_STRANGER_SECONDS: Final = 600.0  # until something that has no metrics is asked again
_HEADERS: Final = {
    "Accept": "text/plain;version=0.0.4",
    "Accept-Encoding": "identity",
    "User-Agent": f"termprom/{__version__}",
}
_METRICS: Final = re.compile(
    rb"^(# (HELP|TYPE) [a-zA-Z_:][\w:]* |[a-zA-Z_:][\w:]*(\{.*\})? [-+.\dNI])", re.M
)


@dataclass(slots=True)
class _Known:
    """An exporter that answered once: where, and when something last listened there."""

    host: str
    seen_at: float


class LocalDiscovery:
    def __init__(self, config: MechanismConfig, around: Surroundings) -> None:
        self._ports: tuple[int, ...] = config.values["ports"]
        self._interval_seconds = config.values["refresh_interval"] / 1000
        self._timeout_seconds = config.values["timeout"] / 1000
        self._around = around
        self._known: dict[int, _Known] = {}
        self._strangers: dict[int, float] = {}  # when they may be asked again

    async def run(self, emit: Emit) -> None:
        connector = aiohttp.TCPConnector(force_close=True, limit=_CONCURRENT)
        timeout = aiohttp.ClientTimeout(total=self._timeout_seconds)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, headers=_HEADERS
        ) as self._session:
            await refresh_forever(
                self._refresh,
                emit,
                self._around,
                mechanism="local",
                interval_seconds=self._interval_seconds,
            )

    async def _refresh(self) -> Sequence[TargetGroup]:
        before = set(self._known)
        await gathered(self._look_at, self._ports, concurrent=_CONCURRENT)
        groups = [self._group(port, known.host) for port, known in sorted(self._known.items())]
        return groups + [TargetGroup(source=str(port)) for port in before - set(self._known)]

    async def _look_at(self, port: int) -> None:
        now = self._around.clock.monotonic()
        known = self._known.get(port)
        if known is None:
            await self._ask(port, now)
        elif await self._listens(known.host, port):
            known.seen_at = now
        elif now - known.seen_at >= _KEPT_SECONDS:
            del self._known[port]

    async def _ask(self, port: int, now: float) -> None:
        """Whether an exporter is there; what is none is left in peace for a while."""
        if now < self._strangers.get(port, 0.0):
            return
        for host in _HOSTS:
            if not await self._listens(host, port):
                continue
            if await self._has_metrics(host, port):
                self._known[port] = _Known(host, now)
                self._strangers.pop(port, None)
            else:
                self._strangers[port] = now + _STRANGER_SECONDS
            return

    async def _listens(self, host: str, port: int) -> bool:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                _, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True

    async def _has_metrics(self, host: str, port: int) -> bool:
        url = f"http://{host_port(host, port)}/metrics"
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                if response.status != 200:
                    return False
                page = bytearray()
                async for part in response.content.iter_any():
                    page += part
                    if len(page) >= _PAGE_BYTES:
                        break
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return False
        return _METRICS.search(bytes(page)) is not None

    @staticmethod
    def _group(port: int, host: str) -> TargetGroup:
        labels = {
            "__meta_local_exporter": EXPORTERS.get(port, "unknown"),
            "__meta_local_port": str(port),
        }
        return TargetGroup((host_port(host, port),), Labels.of(labels), str(port))
