"""What a collector yields, and how it is written as text format 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from termprom.model.labels import quote

Kind = Literal["counter", "gauge", "untyped"]
LabelPairs = tuple[tuple[str, str], ...]

NO_LABELS: Final[LabelPairs] = ()


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with its samples, each (labels, value); whoever fills it sorts the labels."""

    name: str
    kind: Kind
    help: str
    samples: Sequence[tuple[LabelPairs, float]]


def single(name: str, kind: Kind, help_text: str, value: float) -> Family:
    """A metric without labels."""
    return Family(name, kind, help_text, ((NO_LABELS, value),))


class Table:
    """Families that fill up device by device: columns declared first, then rows of values."""

    def __init__(self, columns: Iterable[tuple[str, Kind, str]]) -> None:
        self._columns = {
            name: (kind, help_text, list[tuple[LabelPairs, float]]())
            for name, kind, help_text in columns
        }

    def add(self, labels: LabelPairs, values: Mapping[str, float]) -> None:
        """One device; columns that `values` lacks have no sample for it."""
        for name, value in values.items():
            self._columns[name][2].append((labels, value))

    def families(self) -> list[Family]:
        """Those with samples, in the order of declaration."""
        return [
            Family(name, kind, help_text, samples)
            for name, (kind, help_text, samples) in self._columns.items()
            if samples
        ]


def write_page(families: Iterable[Family]) -> bytes:
    """The families as text format 0.0.4, sorted by name."""
    lines: list[str] = []
    for family in sorted(families, key=lambda one: one.name):
        lines.append(f"# HELP {family.name} {family.help}\n")
        lines.append(f"# TYPE {family.name} {family.kind}\n")
        for labels, value in family.samples:
            inside = ",".join(f"{name}={quote(text)}" for name, text in labels)
            braces = f"{{{inside}}}" if inside else ""
            lines.append(f"{family.name}{braces} {value!r}\n")
    # Names of mounts and devices are bytes to the kernel; what is not UTF-8 is shown as "?".
    return "".join(lines).encode("utf-8", "replace")
