"""http_sd_configs: a URL that answers with target groups as JSON."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Final

from termprom.config.schema import HTTPSDConfig, TargetGroup
from termprom.config.sd_files import load_json_groups
from termprom.discovery.client import DiscoveryClient
from termprom.discovery.interface import Emit, Surroundings
from termprom.discovery.refresh import Shrinking, refresh_forever
from termprom.errors import DiscoveryError, TermpromError
from termprom.model.floats import format_float
from termprom.model.urls import without_passwords

META_URL: Final = "__meta_url"
_JSON: Final = re.compile(r'application/json(;\s*charset=("utf-8"|utf-8))?', re.IGNORECASE)


class HTTPDiscovery:
    def __init__(self, config: HTTPSDConfig, around: Surroundings) -> None:
        """Raises ConfigError for client settings that are not implemented."""
        self._url = config.url
        self._interval_seconds = config.refresh_interval / 1000
        self._around = around
        self._client = DiscoveryClient(config.http, timeout_seconds=self._interval_seconds)
        self._shown = without_passwords(config.url)
        self._numbered = Shrinking(self._shown)
        self._headers = {
            "Accept": "application/json",
            "X-Prometheus-Refresh-Interval-Seconds": format_float(self._interval_seconds),
        }

    async def run(self, emit: Emit) -> None:
        async with self._client:
            await refresh_forever(
                self._refresh,
                emit,
                self._around,
                mechanism="http",
                interval_seconds=self._interval_seconds,
            )

    async def _refresh(self) -> Sequence[TargetGroup]:
        """Raises DiscoveryError, ConfigError."""
        try:
            answer = await self._client.get(self._url, self._headers)
            if answer.status != 200:
                raise DiscoveryError(f"server returned HTTP status {answer.status_line}")
            if _JSON.fullmatch(answer.content_type.strip()) is None:
                raise DiscoveryError(f'unsupported content type "{answer.content_type}"')
            found = await asyncio.get_running_loop().run_in_executor(
                self._around.executor, load_json_groups, answer.body, self._shown
            )
        except TermpromError:
            self._around.metrics.http_failures.inc()
            raise
        return self._numbered.groups(found, META_URL)
