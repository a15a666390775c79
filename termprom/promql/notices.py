"""The remarks that an evaluation makes: their texts, and the set that a query gathers.

Texts are upstream's, since clients and dashboards match on them. Source: reference 8.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from termprom.model.labels import quote
from termprom.model.notices import Notice, NoticeLevel
from termprom.promql.numbers import format_general
from termprom.promql.syntax.ast import Span

_COUNTER_SUFFIXES: Final = ("_total", "_sum", "_count", "_bucket")
_MONOTONICITY: Final = (
    "input to histogram_quantile needed to be fixed for monotonicity (see "
    "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
)


@dataclass(frozen=True, slots=True)
class Repairs:
    """Bucket counts that fell, and were lifted: at which bounds, how far, how often and when."""

    lowest_bound: float
    highest_bound: float
    largest_difference: float
    samples: int
    first_ms: int
    last_ms: int

    def with_more(self, other: Repairs) -> Repairs:
        return Repairs(
            min(self.lowest_bound, other.lowest_bound),
            max(self.highest_bound, other.highest_bound),
            max(self.largest_difference, other.largest_difference),
            self.samples + other.samples,
            min(self.first_ms, other.first_ms),
            max(self.last_ms, other.last_ms),
        )

    def __str__(self) -> str:
        return (
            f", from buckets {format_general(self.lowest_bound)} to "
            f"{format_general(self.highest_bound)}, with a max diff of "
            f"{self.largest_difference:.2g}, over {self.samples} samples from "
            f"{_rfc3339(self.first_ms)} to {_rfc3339(self.last_ms)}"
        )


def _rfc3339(time_ms: int) -> str:
    # numpy's years have no end, unlike datetime's.
    return f"{np.datetime64(time_ms // 1000, 's')}Z"


class Notices:
    """Remarks of one query, one per text; the last place wins. Not shared between threads."""

    def __init__(self) -> None:
        self._found: dict[tuple[NoticeLevel, str], Notice] = {}
        self._repairs: dict[tuple[NoticeLevel, str], Repairs] = {}

    def __repr__(self) -> str:
        return f"Notices({len(self._found)})"

    def warn(self, text: str, span: Span) -> None:
        self._add(NoticeLevel.WARNING, f"PromQL warning: {text}", span)

    def inform(self, text: str, span: Span) -> None:
        self._add(NoticeLevel.INFO, f"PromQL info: {text}", span)

    def inform_of_repairs(self, text: str, span: Span, repairs: Repairs) -> None:
        """One remark on all of them, however many steps and series they are found in."""
        self.inform(text, span)
        key = NoticeLevel.INFO, f"PromQL info: {text}"
        known = self._repairs.get(key)
        self._repairs[key] = repairs if known is None else known.with_more(repairs)

    def _add(self, level: NoticeLevel, text: str, span: Span) -> None:
        self._found[level, text] = Notice(level, text, span.start, span.end)

    def all(self) -> tuple[Notice, ...]:
        return tuple(
            replace(one, text=f"{one.text}{self._repairs[key]}") if key in self._repairs else one
            for key, one in self._found.items()
        )


def render(notice: Notice, expr: str) -> str:
    """The text with its place, ` (line:column)`, as the API shows it."""
    if notice.start < 0:
        return notice.text
    before = expr.encode()[: notice.start]
    line = before.count(b"\n") + 1
    column = notice.start - (before.rfind(b"\n") + 1) + 1
    return f"{notice.text} ({line}:{column})"


def looks_like_counter(metric: str) -> bool:
    return metric.endswith(_COUNTER_SUFFIXES)


def not_a_counter(metric: str) -> str:
    return (
        "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "
        + quote(metric)
    )


def quantile_out_of_range(q: float) -> str:
    return f"quantile value should be between 0 and 1, got {format_general(q)}"


def ratio_out_of_range(ratio: float, capped: float) -> str:
    return (
        f"ratio value should be between -1 and 1, got {format_general(ratio)}, "
        f"capping to {format_general(capped)}"
    )


def bad_bucket_label(value: str, metric: str) -> str:
    text = f'bucket label "le" is missing or has a malformed value of {quote(value)}'
    return text + _for_metric(metric)


def forced_monotonic(metric: str) -> str:
    return _MONOTONICITY + _for_metric(metric)


def incompatible_types(op: str, left: str, right: str) -> str:
    types = f"{left} {op} {right}"
    return f"incompatible sample types encountered for binary operator {quote(op)}: {types}"


def mixed_kinds(metric: str) -> str:
    return f"encountered a mix of histograms and floats for metric name {quote(metric)}"


def mixed_aggregation() -> str:
    return "encountered a mix of histograms and floats for aggregation"


def mixed_schemas(metric: str) -> str:
    return (
        "vector contains a mix of histograms with exponential and custom buckets schemas for "
        f"metric name {quote(metric)}"
    )


def mixed_classic_and_native(metric: str) -> str:
    return "vector contains a mix of classic and native histograms" + _for_metric(metric)


def histogram_is_no_counter(metric: str) -> str:
    return f"this native histogram metric is not a counter: {quote(metric)}"


def histogram_is_no_gauge(metric: str) -> str:
    return f"this native histogram metric is not a gauge: {quote(metric)}"


def incompatible_layouts(op: str) -> str:
    return f"incompatible bucket layout encountered for binary operator {op}"


def conflicting_resets(doing: str) -> str:
    """doing: addition, subtraction or aggregation."""
    return f"conflicting counter resets during histogram {doing}"


def bounds_reconciled(doing: str) -> str:
    return f"mismatched custom buckets were reconciled during {doing}"


def ignored_histogram(op: str) -> str:
    return f"ignored histogram in {op} aggregation"


def ignored_histograms(metric: str) -> str:
    return (
        "ignored histograms in a range containing both floats and histograms for metric name "
        + quote(metric)
    )


def nan_observations(func: str, what: str, metric: str) -> str:
    """what: the effect that they had."""
    return f"input to {func} has NaN observations, {what}" + _for_metric(metric)


def overlapping_start(metric: str, occurrences: int) -> str:
    text = "sample has start time that overlaps with previous sample timestamp for metric " + quote(
        metric
    )
    return text if occurrences == 1 else f"{text} ({occurrences} occurrences)"


def sort_is_ineffective() -> str:
    return "sort is ineffective for range queries since results are always ordered by labels"


def _for_metric(metric: str) -> str:
    return f" for metric name {quote(metric)}" if metric else ""
