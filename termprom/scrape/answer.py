"""What a target answers, and what gets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from termprom.scrape.target import Target


@dataclass(frozen=True, slots=True)
class Answer:
    """The decompressed body of a successful request."""

    body: bytes
    content_type: str | None = None


class Fetch(Protocol):
    """A way to ask targets. Raises ScrapeError in the words that become the last error."""

    async def fetch(self, target: Target) -> Answer: ...

    async def close(self) -> None: ...
