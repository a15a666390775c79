"""Native histograms in scripts: `{{schema:1 count:4 sum:5 buckets:[1 2] n_buckets:[1]}}`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from termprom.model.histogram import BucketSpan, CounterResetHint, FloatHistogram

_FIELD: Final = re.compile(r"(?P<key>[a-z_]+):\s*(?:\[(?P<list>[^\]]*)\]|(?P<value>[^\s\[\]]+))")
_NUMBERS: Final = frozenset(
    {"schema", "count", "sum", "z_bucket", "z_bucket_w", "offset", "n_offset"}
)
_LISTS: Final = frozenset({"buckets", "n_buckets", "custom_values"})
_HINTS: Final = {
    "unknown": CounterResetHint.UNKNOWN,
    "reset": CounterResetHint.RESET,
    "not_reset": CounterResetHint.NOT_RESET,
    "gauge": CounterResetHint.GAUGE,
}


def parse_histogram(text: str) -> FloatHistogram:
    """Raises ValueError with upstream's words for what is wrong."""
    numbers: dict[str, float] = {}
    lists: dict[str, tuple[float, ...]] = {}
    hint = CounterResetHint.UNKNOWN
    seen: set[str] = set()
    for found in _FIELD.finditer(text[2:-2]):
        key = found["key"]
        if key in seen:
            raise ValueError(f'duplicate key "{key}" in histogram')
        seen.add(key)
        if key in _LISTS and found["list"] is not None:
            lists[key] = tuple(float(one) for one in found["list"].split())
        elif key in _NUMBERS and found["value"] is not None:
            numbers[key] = float(found["value"])
        elif key == "counter_reset_hint" and found["value"] in _HINTS:
            hint = _HINTS[found["value"]]
        else:
            raise ValueError(f"bad histogram field {found[0]!r}")
    positive, negative = lists.get("buckets", ()), lists.get("n_buckets", ())
    return FloatHistogram(
        schema=int(numbers.get("schema", 0)),
        zero_threshold=numbers.get("z_bucket_w", 0.0),
        zero_count=numbers.get("z_bucket", 0.0),
        count=numbers.get("count", 0.0),
        sum=numbers.get("sum", 0.0),
        positive_spans=_spans(numbers.get("offset", 0), positive),
        positive_buckets=positive,
        negative_spans=_spans(numbers.get("n_offset", 0), negative),
        negative_buckets=negative,
        custom_values=lists.get("custom_values", ()),
        hint=hint,
    )


def _spans(offset: float, buckets: tuple[float, ...]) -> tuple[BucketSpan, ...]:
    return (BucketSpan(int(offset), len(buckets)),) if buckets else ()


def repeated(
    first: FloatHistogram, delta: FloatHistogram, sign: float, times: int
) -> Iterator[FloatHistogram]:
    """first, first + delta, ... for histograms of one layout; `times` additions."""
    yield first
    for _ in range(times):
        first = _added(first, delta, sign)
        yield first


def _added(left: FloatHistogram, right: FloatHistogram, sign: float) -> FloatHistogram:
    if left.schema > right.schema:
        raise ValueError(
            f"error combining histograms: cannot merge from schema {right.schema} to {left.schema}"
        )
    positive = _merged(
        left.positive_spans,
        left.positive_buckets,
        right.positive_spans,
        right.positive_buckets,
        sign,
        right.schema - left.schema,
    )
    negative = _merged(
        left.negative_spans,
        left.negative_buckets,
        right.negative_spans,
        right.negative_buckets,
        sign,
        right.schema - left.schema,
    )
    return replace(
        left,
        zero_count=left.zero_count + sign * right.zero_count,
        count=left.count + sign * right.count,
        sum=left.sum + sign * right.sum,
        positive_spans=_spans(*positive),
        positive_buckets=positive[1],
        negative_spans=_spans(*negative),
        negative_buckets=negative[1],
    )


def _merged(
    left_spans: tuple[BucketSpan, ...],
    left: tuple[float, ...],
    right_spans: tuple[BucketSpan, ...],
    right: tuple[float, ...],
    sign: float,
    coarser: int,
) -> tuple[int, tuple[float, ...]]:
    """(offset, buckets) of both sides; the right one is `coarser` schemas finer."""
    held: dict[int, float] = {}
    if left_spans:
        for number, count in enumerate(left):
            held[left_spans[0].offset + number] = count
    if right_spans:
        for number, count in enumerate(right):
            index = ((right_spans[0].offset + number - 1) >> coarser) + 1
            held[index] = held.get(index, 0.0) + sign * count
    if not held:
        return 0, ()
    low = min(held)
    return low, tuple(held.get(index, 0.0) for index in range(low, max(held) + 1))
