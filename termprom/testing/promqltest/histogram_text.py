"""Native histograms in scripts: `{{schema:1 count:4 sum:5 buckets:[1 2] n_buckets:[1]}}`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from termprom.model.histogram import BucketSpan, CounterResetHint, FloatHistogram
from termprom.promql.histograms.combine import add, subtract
from termprom.promql.histograms.value import from_model, to_model

_FIELD: Final = re.compile(r"(?P<key>[a-z_]+):\s*(?:\[(?P<list>[^\]]*)\]|(?P<value>[^\s\[\]]+))")
_FIELDS: Final = re.compile(r"(?:[a-z_]+:\s*(?:\[[^\]]+\]|[^\s\[\]]+)(?:\s+|$))*|\s+")
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
    if _FIELDS.fullmatch(text[2:-2]) is None:
        raise ValueError(f"bad histogram: {text}")
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
    """first, first + delta, ...; `times` additions. Raises ValueError where schemas do not fit."""
    yield first
    if first.schema > delta.schema:
        raise ValueError(
            f"error combining histograms: cannot merge from schema {delta.schema} to {first.schema}"
        )
    combine = add if sign > 0 else subtract
    current, step = from_model(first), from_model(delta)
    for _ in range(times):
        current = combine(current, step).histogram
        yield to_model(current)
