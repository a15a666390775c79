"""Every field of /proc/meminfo, under the name that the kernel gives it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from termprom.hostmetrics.family import Family, single

_BRACKETED: Final = re.compile(r"\((.*)\)")


class Memory:
    name: Final = "meminfo"

    def __init__(self, proc: Path) -> None:
        self._meminfo = proc / "meminfo"

    def collect(self) -> list[Family]:
        """Raises OSError, ValueError."""
        families = []
        for line in self._meminfo.read_text().splitlines():
            field, _, rest = line.partition(":")
            number, *unit = rest.split()
            field = _BRACKETED.sub(r"_\1", field)
            value = int(number)
            if unit:  # always kB; the fields without a unit count pages
                field, value = field + "_bytes", value * 1024
            help_text = f"The kernel's memory statistic {field}."
            families.append(single(f"node_memory_{field}", "gauge", help_text, value))
        return families
