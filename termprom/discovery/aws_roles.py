"""aws_sd_configs: one key for every AWS mechanism, told apart by its role."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Final

from termprom.config.schema import MechanismConfig
from termprom.config.sd_kinds import KINDS
from termprom.discovery.aws import AWSMechanism
from termprom.discovery.interface import Surroundings

_ROLES: Final[dict[str, tuple[str, str]]] = {
    "ec2": ("ec2", "EC2Discovery"),
    "ecs": ("ecs", "ECSDiscovery"),
    "elasticache": ("elasticache", "ElastiCacheDiscovery"),
    "lightsail": ("lightsail", "LightsailDiscovery"),
    "msk": ("msk", "MSKDiscovery"),
    "rds": ("rds", "RDSDiscovery"),
}


def AWSDiscovery(config: MechanismConfig, around: Surroundings) -> AWSMechanism:  # noqa: N802
    """The mechanism of the role. What only its own key can say has its default."""
    role = config.values["role"]
    defaults = {name: field.default for name, field in KINDS[role].fields.items()}
    module, name = _ROLES[role]
    make: type[AWSMechanism] = getattr(
        importlib.import_module(f"termprom.discovery.{module}"), name
    )
    return make(replace(config, values={**defaults, **config.values}), around)
