"""Secrets that may stand in the configuration or in a file of their own."""

from __future__ import annotations

import asyncio
from pathlib import Path

from termprom.config.schema import Secret
from termprom.errors import DiscoveryError


async def revealed(secret: Secret, path: str) -> str:
    """The secret, or what the file holds now, without white space around it.

    Raises DiscoveryError where the file cannot be read.
    """
    if secret or not path:
        return secret.reveal()
    return (await asyncio.to_thread(file_text, path)).strip()


def file_text(path: str) -> str:
    """Blocking. Raises DiscoveryError."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise DiscoveryError(f"unable to read {path}: {problem}") from problem
