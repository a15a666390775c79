"""Whether what came out is what was expected, and how it is said when it is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from termprom.model.durations import format_duration
from termprom.model.histogram import BucketSpan, CounterResetHint, FloatHistogram
from termprom.model.labels import Labels, is_legacy_label_name, quote
from termprom.model.result import QueryResult, ResultType
from termprom.rules.templates.numbers import shortest, shortest_scientific
from termprom.rules.templates.quoting import go_quote
from termprom.rules.unit_tests.definition import AlertCase, ExpectedAlert, ExprCase
from termprom.testing.promqltest.histogram_text import parse_histogram
from termprom.testing.promqltest.series import parse_series


@dataclass(frozen=True, slots=True)
class Sample:
    labels: Labels
    value: float
    histogram: str = ""

    def __str__(self) -> str:
        value = self.histogram or shortest_scientific(self.value).upper().replace("NAN", "NaN")
        return f"{labels_text(self.labels)} {value.replace('INF', 'Inf')}"


def labels_text(labels: Labels) -> str:
    """All labels inside the braces, the metric's name among them."""
    pairs = (
        f"{name if is_legacy_label_name(name) else quote(name)}={quote(value)}"
        for name, value in labels
    )
    return f"{{{', '.join(pairs)}}}"


# --- Alerts -----------------------------------------------------------------------------------


def wrong_alerts(case: AlertCase, got: Sequence[ExpectedAlert], group: str) -> str:
    """Why the firing alerts are not the expected ones; empty when they are."""
    expected, found = _sorted(case.expected), _sorted(got)
    if expected == found:
        return ""
    name = f"    name: {group},\n" if group else ""
    return (
        f"{name}    alertname: {case.alert}, time: {format_duration(case.eval_ms)}, \n"
        f"        exp:{_alerts_text(expected)}, \n"
        f"        got:{_alerts_text(found)}"
    )


def _sorted(alerts: Sequence[ExpectedAlert]) -> list[ExpectedAlert]:
    return sorted(alerts, key=lambda one: (one.labels, one.annotations))


def _alerts_text(alerts: Sequence[ExpectedAlert]) -> str:
    if not alerts:
        return "[]"
    entries = (
        f"{number}:\n  Labels:{labels_text(one.labels)}\n"
        f"  Annotations:{labels_text(one.annotations)}"
        for number, one in enumerate(alerts)
    )
    lines = ("[\n" + ",\n".join(entries) + "\n]").split("\n")
    return "\n            ".join(lines)


# --- Expressions ------------------------------------------------------------------------------


def samples_of(result: QueryResult) -> list[Sample]:
    """Raises ValueError for what is neither a vector nor a scalar."""
    if result.type is ResultType.SCALAR:
        return [Sample(Labels(), float(result.values[0, 0]))]
    if result.type is not ResultType.VECTOR or result.raw is not None:
        raise ValueError("rule result is not a vector or scalar")
    floats = zip(result.labels, result.present[:, 0], result.values[:, 0].tolist(), strict=True)
    found = [Sample(labels, value) for labels, present, value in floats if present]
    found += [
        Sample(result.labels[point.series], 0.0, histogram_text(point.histogram))
        for point in result.histograms
    ]
    return found


def expected_samples(case: ExprCase) -> list[Sample]:
    """Raises ValueError for labels or histograms that cannot be read."""
    found = []
    for one in case.expected:
        try:
            labels = parse_series(one.labels).labels if one.labels.strip() else Labels()
        except ValueError as problem:
            raise ValueError(f"labels {go_quote(one.labels)}: {problem}") from problem
        if one.histogram:
            text = histogram_text(parse_histogram(one.histogram))
            found.append(Sample(labels, 0.0, text))
        else:
            found.append(Sample(labels, one.value))
    return found


def wrong_samples(
    case: ExprCase, expected: Sequence[Sample], got: Sequence[Sample], *, fuzzy: bool
) -> str:
    """Why these are not the expected samples; empty when they are."""
    wanted = sorted(expected, key=lambda one: one.labels)
    found = sorted(got, key=lambda one: one.labels)
    if len(wanted) == len(found) and all(
        left.labels == right.labels
        and left.histogram == right.histogram
        and _equal(left.value, right.value, fuzzy=fuzzy)
        for left, right in zip(wanted, found, strict=True)
    ):
        return ""
    return (
        f"{_head(case)},\n        exp: {_samples_text(wanted)}\n        got: {_samples_text(found)}"
    )


def failed_expr(case: ExprCase, problem: object) -> str:
    return f"{_head(case)}, err: {problem}"


def _head(case: ExprCase) -> str:
    return f"    expr: {go_quote(case.expr)}, time: {format_duration(case.eval_ms)}"


def _samples_text(samples: Sequence[Sample]) -> str:
    return ", ".join(map(str, samples)) or "nil"


def _equal(left: float, right: float, *, fuzzy: bool) -> bool:
    """Identical, or neighbours when `fuzzy`; NaN equals nothing."""
    return left == right or (fuzzy and math.nextafter(left, right) == right)


# --- Histograms -------------------------------------------------------------------------------


def histogram_text(histogram: FloatHistogram) -> str:
    """The canonical text: zeros left out, spans merged into one with zeros in the gaps."""
    parts: list[str] = []

    def number(name: str, value: float) -> None:
        if value != 0:
            parts.append(f"{name}:{shortest(value)}")

    def numbers(name: str, values: Sequence[float]) -> None:
        if values:
            parts.append(f"{name}:[{' '.join(map(shortest, values))}]")

    if histogram.schema:
        parts.append(f"schema:{histogram.schema}")
    number("count", histogram.count)
    number("sum", histogram.sum)
    number("z_bucket", histogram.zero_count)
    number("z_bucket_w", histogram.zero_threshold if histogram.schema != -53 else 0)
    numbers("custom_values", histogram.custom_values)
    if histogram.hint is not CounterResetHint.UNKNOWN:
        parts.append(f"counter_reset_hint:{histogram.hint.name.lower()}")
    for prefix, spans, buckets in (
        ("", histogram.positive_spans, histogram.positive_buckets),
        ("n_", histogram.negative_spans, histogram.negative_buckets),
    ):
        offset, merged = _merged(spans, buckets)
        if offset:
            parts.append(f"{prefix}offset:{offset}")
        numbers(f"{prefix}buckets", merged)
    return "{{" + " ".join(parts) + "}}"


def _merged(spans: Sequence[BucketSpan], buckets: Sequence[float]) -> tuple[int, list[float]]:
    if not spans:
        return 0, []
    merged: list[float] = []
    counts = iter(buckets)
    for number, span in enumerate(spans):
        merged += [0.0] * (span.offset if number else 0)
        merged += [next(counts) for _ in range(span.length)]
    return spans[0].offset, merged
