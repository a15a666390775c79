"""Every mechanism, by the type of its configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from termprom.config.schema import FileSDConfig, HTTPSDConfig, SDConfig
from termprom.discovery.file import FileDiscovery
from termprom.discovery.http import HTTPDiscovery
from termprom.discovery.interface import Discoverer, Surroundings

MECHANISMS: Final[dict[type, Callable[[Any, Surroundings], Discoverer]]] = {
    FileSDConfig: FileDiscovery,
    HTTPSDConfig: HTTPDiscovery,
}


def make_discoverer(config: SDConfig, around: Surroundings) -> Discoverer:
    """The mechanism for `config`, not started. Raises ConfigError when it cannot be set up."""
    return MECHANISMS[type(config)](config, around)
