"""A mechanism of our own: exporters that listen on this host, on ports known to be theirs.

Source of the ports: Prometheus wiki, "Default port allocations", and the exporters' own pages.
"""

from __future__ import annotations

from typing import Final

from termprom.config import scalars
from termprom.config.fields import Section, list_of
from termprom.config.sd_fields import Field, SDKind, duration, refresh

# Exporters of which one may stand beside a database or a service, by the port that is theirs.
EXPORTERS: Final[dict[int, str]] = {
    9100: "node",
    9101: "haproxy",
    9102: "statsd",
    9103: "collectd",
    9104: "mysqld",
    9107: "consul",
    9108: "graphite",
    9113: "nginx",
    9114: "elasticsearch",
    9115: "blackbox",
    9116: "snmp",
    9117: "apache",
    9119: "bind",
    9121: "redis",
    9122: "couchbase",
    9127: "pgbouncer",
    9134: "zfs",
    9150: "memcached",
    9153: "coredns",
    9154: "postfix",
    9161: "oracledb",
    9166: "dovecot",
    9182: "windows",
    9187: "postgres",
    9199: "nut",
    9216: "mongodb",
    9253: "php-fpm",
    9256: "process",
    9273: "telegraf",
    9290: "ipmi",
    9308: "kafka",
    9323: "docker",
    9399: "sql",
    9400: "dcgm",
    9419: "rabbitmq",
    9558: "systemd",
    9586: "wireguard",
    9633: "smartctl",
    9835: "nvidia-gpu",
    15692: "rabbitmq",
    7070: "zookeeper",
}
_PORT_MAX: Final = 65_535


def _check(section: Section) -> None:
    for port in section.get("ports", ()):
        if not 0 < port <= _PORT_MAX:
            section.fail(f"{port} is not a port", "ports")


LOCAL: Final[dict[str, SDKind]] = {
    "local": SDKind(
        {
            "ports": Field(list_of(scalars.integer, "[]int"), tuple(EXPORTERS)),
            "refresh_interval": refresh(30_000),
            "timeout": duration(1_000),
        },
        _check,
        http=False,
    ),
}
