"""Native histograms as values: one sample of one series, in floats."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class CounterResetHint(IntEnum):
    """What is known of a counter reset between a histogram and the one before it."""

    UNKNOWN = 0
    RESET = 1
    NOT_RESET = 2
    GAUGE = 3


@dataclass(frozen=True, slots=True)
class BucketSpan:
    """`length` consecutive buckets that start `offset` buckets after the end of the last span."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class FloatHistogram:
    """Counts per exponential (schema -4..8) or custom (schema -53) bucket; absolute, not deltas."""

    schema: int = 0
    zero_threshold: float = 0.0
    zero_count: float = 0.0
    count: float = 0.0
    sum: float = 0.0
    positive_spans: tuple[BucketSpan, ...] = ()
    positive_buckets: tuple[float, ...] = ()
    negative_spans: tuple[BucketSpan, ...] = ()
    negative_buckets: tuple[float, ...] = ()
    custom_values: tuple[float, ...] = ()
    hint: CounterResetHint = CounterResetHint.UNKNOWN
