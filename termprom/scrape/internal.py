"""Pages of this process, read without HTTP: targets with the scheme `internal`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from termprom.errors import ScrapeError, TargetTimeout
from termprom.scrape.answer import Answer
from termprom.scrape.target import PATH, Target

Pages = Mapping[str, Callable[[], Awaitable[bytes]]]


class InternalPages:
    """Renders a page each time that it is asked for; text format 0.0.4."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def fetch(self, target: Target) -> Answer:
        render = self._pages.get(target.labels.get(PATH))
        if render is None:
            raise ScrapeError("server returned HTTP status 404 Not Found")
        try:
            async with asyncio.timeout(target.timeout_ms / 1000):
                return Answer(await render(), "text/plain; version=0.0.4")
        except TimeoutError as problem:
            raise TargetTimeout("context deadline exceeded") from problem

    async def close(self) -> None:
        return
