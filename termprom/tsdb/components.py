"""Series beside series: the columns that make up native histograms, and start timestamps.

A native histogram is stored as columns of floats, one for each of its numbers, and so is the
start timestamp of whatever the series has. Each column is a series of its own, a *component*: the
labels of the series it belongs to, and before them a label without a name, which nobody can give
(FORMAT.md, section 10). Head, log and blocks need not know; readers hide components and put
together what they stand for.

    component := "start" | part " " layout
    part      := "sum" | "count" | "zero" | "hint" | ("+" | "-") bucket index
    layout    := schema " " zero threshold [" " custom value ("," custom value)*]

    {""="+17 3 2.938735877055719e-39", __name__="latency_seconds", job="a"}

A histogram has a sample where its sum has one; what the other parts lack there is 0. Buckets that
come and go are columns that come and go, and no new layout.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from termprom.model.histogram import BucketSpan
from termprom.model.labels import Labels

COMPONENT: Final = ""
START: Final = "start"


@dataclass(frozen=True, slots=True)
class BucketLayout:
    """What makes the buckets of two histograms the same buckets."""

    schema: int
    zero_threshold: float
    custom_values: tuple[float, ...] = ()

    def __str__(self) -> str:
        parts = [str(self.schema), repr(float(self.zero_threshold))]
        if self.custom_values:
            parts.append(",".join(repr(float(one)) for one in self.custom_values))
        return " ".join(parts)

    @classmethod
    def parse(cls, text: str) -> BucketLayout:
        """Raises ValueError."""
        schema, threshold, *custom = text.split(" ", 2)
        values = tuple(float(one) for one in custom[0].split(",")) if custom else ()
        return cls(int(schema), float(threshold), values)


def is_component(labels: Labels) -> bool:
    return bool(labels) and labels[0][0] == COMPONENT


def component_of(base: Labels, name: str) -> Labels:
    """The component of that name of a series."""
    return Labels(((COMPONENT, name), *base))


def base_of(component: Labels) -> Labels:
    """The series that a component belongs to."""
    return Labels(component[1:])


@lru_cache(maxsize=4096)
def split(name: str) -> tuple[str, BucketLayout | None]:
    """Part and layout of a component; ("start", None). Raises ValueError."""
    part, _, layout = name.partition(" ")
    return part, BucketLayout.parse(layout) if layout else None


def bucket_indexes(spans: Iterable[BucketSpan]) -> list[int]:
    """The index of each bucket that the spans name."""
    indexes: list[int] = []
    at = 0
    for span in spans:
        at += span.offset
        indexes.extend(range(at, at + span.length))
        at += span.length
    return indexes


def spans_of(indexes: Iterable[int]) -> tuple[BucketSpan, ...]:
    """The spans of buckets with these indexes, ascending."""
    spans: list[BucketSpan] = []
    end = 0
    for index in indexes:
        if spans and index == end:
            spans[-1] = BucketSpan(spans[-1].offset, spans[-1].length + 1)
        else:
            spans.append(BucketSpan(index - end, 1))
        end = index + 1
    return tuple(spans)
