"""What needs no file: the clock and the name of the system."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from termprom.clock import Clock
from termprom.hostmetrics.family import Family, single


class SystemTime:
    name: Final = "time"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def collect(self) -> list[Family]:
        seconds = self._clock.now_ms() / 1000
        return [single("node_time_seconds", "gauge", "The host's time, Unix seconds.", seconds)]


class SystemName:
    name: Final = "uname"

    def __init__(self, proc: Path) -> None:
        self._domain = proc / "sys" / "kernel" / "domainname"

    def collect(self) -> list[Family]:
        system = os.uname()
        labels = (
            ("domainname", self._domain_name()),
            ("machine", system.machine),
            ("nodename", system.nodename),
            ("release", system.release),
            ("sysname", system.sysname),
            ("version", system.version),
        )
        help_text = "Always 1; the labels are what uname says."
        return [Family("node_uname_info", "gauge", help_text, ((labels, 1),))]

    def _domain_name(self) -> str:
        try:
            return self._domain.read_text().strip()
        except OSError:
            return "(none)"  # what a kernel says that was told no name
