"""Network interfaces: counters from /proc/net/dev, state from /sys/class/net."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from termprom.hostmetrics.family import Family, Table

_RECEIVED: Final = (
    "bytes",
    "packets",
    "errs",
    "drop",
    "fifo",
    "frame",
    "compressed",
    "multicast",
)
_TRANSMITTED: Final = (
    "bytes",
    "packets",
    "errs",
    "drop",
    "fifo",
    "colls",
    "carrier",
    "compressed",
)
# The fields of a line, in its order, as (direction, statistic).
_COLUMNS: Final = tuple(
    [("receive", name) for name in _RECEIVED] + [("transmit", name) for name in _TRANSMITTED]
)
_NAMES: Final = tuple(
    f"node_network_{direction}_{statistic}_total" for direction, statistic in _COLUMNS
)
_MEGABIT_BYTES: Final = 1_000_000 // 8


class NetworkCounters:
    name: Final = "netdev"

    def __init__(self, proc: Path) -> None:
        # The process's own view: /proc/net is a link to it.
        self._dev = proc / "net" / "dev"

    def collect(self) -> list[Family]:
        """Raises OSError, ValueError."""
        table = Table(
            (name, "counter", f"Interface counter: {direction} {statistic}.")
            for name, (direction, statistic) in zip(_NAMES, _COLUMNS, strict=True)
        )
        for line in self._dev.read_text().splitlines()[2:]:
            device, _, counts = line.rpartition(":")
            values = map(int, counts.split())
            table.add((("device", device.strip()),), dict(zip(_NAMES, values, strict=True)))
        return table.families()


class NetworkState:
    """Three files per interface, which is why the many other properties are left out."""

    name: Final = "netclass"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> list[Family]:
        """Raises OSError."""
        table = Table(
            (
                ("node_network_up", "gauge", "1 where the interface's state is up, else 0."),
                ("node_network_mtu_bytes", "gauge", "Largest packet of the interface."),
                ("node_network_speed_bytes", "gauge", "Line speed, bytes per second."),
            )
        )
        for interface in sorted(self._folder.iterdir()):
            if not interface.is_dir():
                continue  # bonding_masters
            state, mtu, speed = (
                _content(interface / name) for name in ("operstate", "mtu", "speed")
            )
            values: dict[str, float] = {"node_network_up": int(state == "up")}
            if mtu:
                values["node_network_mtu_bytes"] = int(mtu)
            if speed:
                values["node_network_speed_bytes"] = int(speed) * _MEGABIT_BYTES
            table.add((("device", interface.name),), values)
        return table.families()


def _content(path: Path) -> str:
    """Empty where the driver has no answer: reading such a property is an error, not a blank."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
