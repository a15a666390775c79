"""Every mechanism, by the type or the kind of its configuration."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

from termprom.config.schema import FileSDConfig, HTTPSDConfig, MechanismConfig, SDConfig
from termprom.discovery.file import FileDiscovery
from termprom.discovery.http import HTTPDiscovery
from termprom.discovery.interface import Discoverer, Surroundings

MECHANISMS: Final[dict[type, Callable[[Any, Surroundings], Discoverer]]] = {
    FileSDConfig: FileDiscovery,
    HTTPSDConfig: HTTPDiscovery,
}

# Module and class of each other kind. Imported when a configuration asks for one: what nobody
# uses must not cost a start anything.
KINDS: Final[dict[str, tuple[str, str]]] = {
    "aws": ("aws_roles", "AWSDiscovery"),
    "azure": ("azure", "AzureDiscovery"),
    "consul": ("consul", "ConsulDiscovery"),
    "digitalocean": ("digitalocean", "DigitalOceanDiscovery"),
    "dns": ("dns", "DNSDiscovery"),
    "docker": ("docker", "DockerDiscovery"),
    "dockerswarm": ("dockerswarm", "SwarmDiscovery"),
    "ec2": ("ec2", "EC2Discovery"),
    "ecs": ("ecs", "ECSDiscovery"),
    "elasticache": ("elasticache", "ElastiCacheDiscovery"),
    "eureka": ("eureka", "EurekaDiscovery"),
    "gce": ("gce", "GCEDiscovery"),
    "hetzner": ("hetzner", "HetznerDiscovery"),
    "ionos": ("ionos", "IonosDiscovery"),
    "kubernetes": ("kubernetes", "KubernetesDiscovery"),
    "kuma": ("kuma", "KumaDiscovery"),
    "lightsail": ("lightsail", "LightsailDiscovery"),
    "linode": ("linode", "LinodeDiscovery"),
    "local": ("local", "LocalDiscovery"),
    "marathon": ("marathon", "MarathonDiscovery"),
    "msk": ("msk", "MSKDiscovery"),
    "nerve": ("zookeeper", "NerveDiscovery"),
    "nomad": ("nomad", "NomadDiscovery"),
    "oci": ("oci", "OCIDiscovery"),
    "openstack": ("openstack", "OpenStackDiscovery"),
    "outscale": ("outscale", "OutscaleDiscovery"),
    "ovhcloud": ("ovhcloud", "OVHCloudDiscovery"),
    "puppetdb": ("puppetdb", "PuppetDBDiscovery"),
    "rds": ("rds", "RDSDiscovery"),
    "scaleway": ("scaleway", "ScalewayDiscovery"),
    "serverset": ("zookeeper", "ServersetDiscovery"),
    "stackit": ("stackit", "StackitDiscovery"),
    "triton": ("triton", "TritonDiscovery"),
    "uyuni": ("uyuni", "UyuniDiscovery"),
    "vultr": ("vultr", "VultrDiscovery"),
}


def mechanism_name(config: SDConfig) -> str:
    """The key of the section without `_sd_configs`."""
    match config:
        case FileSDConfig():
            return "file"
        case HTTPSDConfig():
            return "http"
        case MechanismConfig():
            return config.kind


def make_discoverer(config: SDConfig, around: Surroundings) -> Discoverer:
    """The mechanism for `config`, not started. Raises ConfigError when it cannot be set up."""
    make: Callable[[Any, Surroundings], Discoverer]
    if isinstance(config, MechanismConfig):
        module, name = KINDS[config.kind]
        make = getattr(importlib.import_module(f"termprom.discovery.{module}"), name)
    else:
        make = MECHANISMS[type(config)]
    return make(config, around)
