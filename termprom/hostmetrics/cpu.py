"""Seconds per CPU and mode, from the `cpuN` lines of /proc/stat."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from termprom.hostmetrics.family import Family, Table

MODES: Final = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
GUEST_MODES: Final = ("user", "nice")

# An idle counter that falls by more than this belongs to a CPU that was taken off and put back.
_HOTPLUG_SECONDS: Final = 3.0


class CpuTimes:
    """Keeps the last values, because the kernel's idle and iowait counters can step back a little,
    which every reader of a counter would take for a reset.
    """

    name: Final = "cpu"

    def __init__(self, proc: Path) -> None:
        self._stat = proc / "stat"
        self._ticks_per_second = float(os.sysconf("SC_CLK_TCK"))
        self._last: dict[str, list[float]] = {}

    def collect(self) -> list[Family]:
        """Raises OSError, ValueError."""
        table = Table(
            (
                ("node_cpu_seconds_total", "counter", "Time a CPU has spent in a mode, seconds."),
                ("node_cpu_guest_seconds_total", "counter", "Time a CPU has run guests, seconds."),
            )
        )
        for line in self._stat.read_text().splitlines():
            if not line.startswith("cpu"):
                break
            cpu, *fields = line.split()
            number = cpu.removeprefix("cpu")
            if not number:
                continue  # the sum over all CPUs
            seconds = [int(field) / self._ticks_per_second for field in fields]
            seconds = self._never_falling(number, seconds)
            for mode, value in zip(MODES, seconds, strict=False):
                table.add((("cpu", number), ("mode", mode)), {"node_cpu_seconds_total": value})
            for mode, value in zip(GUEST_MODES, seconds[len(MODES) :], strict=False):
                table.add(
                    (("cpu", number), ("mode", mode)), {"node_cpu_guest_seconds_total": value}
                )
        return table.families()

    def _never_falling(self, cpu: str, seconds: list[float]) -> list[float]:
        last = self._last.get(cpu)
        idle = MODES.index("idle")
        hotplugged = last is not None and last[idle] - seconds[idle] > _HOTPLUG_SECONDS
        if last is not None and not hotplugged:
            seconds = [max(new, old) for new, old in zip(seconds, last, strict=True)]
        self._last[cpu] = seconds
        return seconds
