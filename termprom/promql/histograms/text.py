"""Native histograms as label values and messages show them."""

from __future__ import annotations

from collections.abc import Iterator

from termprom.promql.histograms.value import Histogram, side_bounds
from termprom.promql.numbers import format_general


def histogram_text(histogram: Histogram) -> str:
    """`{count:10, sum:20, [-0.001,0.001]:2, (0.5,1]:3}`; empty buckets are left out."""
    parts = [f"count:{format_general(histogram.count)}", f"sum:{format_general(histogram.sum)}"]
    return "{" + ", ".join([*parts, *_buckets(histogram)]) + "}"


def _buckets(histogram: Histogram) -> Iterator[str]:
    for index in sorted(histogram.negative, reverse=True):
        lower, upper = side_bounds(histogram, index)
        if histogram.negative[index] != 0:
            yield f"[{_range(-upper, -lower)}):{format_general(histogram.negative[index])}"
    if histogram.zero_count != 0:
        edge = histogram.zero_threshold
        yield f"[{_range(-edge, edge)}]:{format_general(histogram.zero_count)}"
    for index, count in histogram.positive.items():
        lower, upper = side_bounds(histogram, index)
        if count != 0:
            opening = "[" if histogram.custom and index == 0 else "("
            yield f"{opening}{_range(lower, upper)}]:{format_general(count)}"


def _range(lower: float, upper: float) -> str:
    return f"{format_general(lower)},{format_general(upper)}"
