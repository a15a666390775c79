"""Making a mechanism as the configuration would, with few of its fields written."""

from __future__ import annotations

from typing import Any

from termprom.config.schema import HTTPClientConfig, MechanismConfig
from termprom.config.sd_kinds import KINDS
from termprom.discovery.interface import Discoverer, Surroundings
from termprom.discovery.registry import make_discoverer
from termprom.testing.clock import ManualClock
from tests.discovery.fakes import running, surroundings


def section(kind: str, **values: Any) -> MechanismConfig:
    defaults = {name: field.default for name, field in KINDS[kind].fields.items()}
    assert values.keys() <= defaults.keys()
    return MechanismConfig(kind, {**defaults, **values}, HTTPClientConfig())


def mechanism(kind: str, **values: Any) -> tuple[Discoverer, Surroundings, ManualClock]:
    clock = ManualClock()
    around = surroundings(clock)
    return make_discoverer(section(kind, **values), around), around, clock


async def found(kind: str, **values: Any) -> list[dict[str, str]]:
    """What the mechanism finds at first."""
    discoverer, _, _ = mechanism(kind, **values)
    async with running(discoverer) as emissions:
        await emissions.next()
        return emissions.targets


def named(kind: str, labels: dict[str, str]) -> dict[str, str]:
    """Labels without the prefix of the mechanism, for tests that can be read."""
    return {name.removeprefix(f"__meta_{kind}_"): value for name, value in labels.items()}
