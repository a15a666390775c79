"""The table of mechanisms and what the configuration promises are the same list."""

from __future__ import annotations

import pytest

from termprom.config.schema import HTTPClientConfig, MechanismConfig
from termprom.config.sd_kinds import KINDS
from termprom.discovery.registry import KINDS as MECHANISMS
from termprom.discovery.registry import make_discoverer
from termprom.testing.clock import ManualClock
from tests.discovery.fakes import surroundings


def test_whatever_the_configuration_knows_runs() -> None:
    assert set(KINDS) == set(MECHANISMS)


# What a section must say to be set up, beside its defaults.
_WRITTEN = {
    "docker": {"host": "tcp://127.0.0.1:1"},
    "dockerswarm": {"host": "tcp://127.0.0.1:1", "role": "nodes"},
    "kubernetes": {"api_server": "http://127.0.0.1:1", "role": "pod"},
    "aws": {"role": "rds"},
}


@pytest.mark.parametrize("kind", sorted(MECHANISMS))
def test_each_mechanism_is_made_from_what_the_configuration_holds(kind: str) -> None:
    values = {name: field.default for name, field in KINDS[kind].fields.items()}
    config = MechanismConfig(kind, {**values, **_WRITTEN.get(kind, {})}, HTTPClientConfig())
    assert callable(make_discoverer(config, surroundings(ManualClock())).run)
