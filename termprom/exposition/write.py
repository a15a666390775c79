"""Families to bytes: text 0.0.4 and OpenMetrics 1.0.

Families come out sorted by name; samples keep their order, their own names and their label order,
with `le` and `quantile` last. A family without samples is not written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from termprom.exposition.families import MetricFamily, Sample
from termprom.exposition.names import is_legacy_metric_name, label_text, metric_text
from termprom.exposition.numbers import format_number, format_openmetrics_number
from termprom.model.labels import METRIC_NAME, quote
from termprom.model.metadata import MetricType

TEXT_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8"
OPENMETRICS_CONTENT_TYPE: Final = (
    "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
)

_BOUNDS: Final = ("le", "quantile")
# Text 0.0.4 knows five types; a gauge histogram is written as its nearest relative.
_TEXT_TYPES: Final = {
    MetricType.COUNTER: "counter",
    MetricType.GAUGE: "gauge",
    MetricType.HISTOGRAM: "histogram",
    MetricType.GAUGE_HISTOGRAM: "histogram",
    MetricType.SUMMARY: "summary",
    MetricType.INFO: "gauge",
    MetricType.STATESET: "gauge",
}


def write_text(families: Iterable[MetricFamily]) -> bytes:
    """The families as text 0.0.4; timestamps are milliseconds."""
    lines: list[str] = []
    for family in _ordered(families):
        name = metric_text(family.name)
        if family.metadata.help:
            lines.append(f"# HELP {name} {_escape(family.metadata.help)}")
        lines.append(f"# TYPE {name} {_TEXT_TYPES.get(family.metadata.type, 'untyped')}")
        for sample in family.samples:
            stamp = "" if sample.timestamp_ms is None else f" {sample.timestamp_ms}"
            lines.append(f"{_series(sample, format_number)} {format_number(sample.value)}{stamp}")
    return "".join(line + "\n" for line in lines).encode()


def write_openmetrics(families: Iterable[MetricFamily]) -> bytes:
    """The families as OpenMetrics 1.0; timestamps are seconds.

    A counter is announced without `_total`; one whose name lacks the suffix is written as unknown.
    """
    lines: list[str] = []
    for family in _ordered(families):
        kind = family.metadata.type
        name = family.name
        if kind is MetricType.COUNTER:
            if all(sample.labels.metric.endswith("_total") for sample in family.samples):
                name = name.removesuffix("_total")
            else:
                kind = MetricType.UNKNOWN
        shown = metric_text(name)
        if family.metadata.help:
            lines.append(f"# HELP {shown} {quote(family.metadata.help)[1:-1]}")
        lines.append(f"# TYPE {shown} {kind}")
        # A unit that the name does not end in is a syntax error to every reader.
        if family.metadata.unit and name.endswith("_" + family.metadata.unit):
            lines.append(f"# UNIT {shown} {family.metadata.unit}")
        lines += [_openmetrics_line(sample) for sample in family.samples]
    return "".join(line + "\n" for line in [*lines, "# EOF"]).encode()


def _openmetrics_line(sample: Sample) -> str:
    whole = sample.labels.metric.endswith(("_bucket", "_count")) and sample.value.is_integer()
    value = str(int(sample.value)) if whole else format_openmetrics_number(sample.value)
    line = f"{_series(sample, format_openmetrics_number)} {value}"
    if sample.timestamp_ms is None:
        return line
    return f"{line} {_seconds(sample.timestamp_ms)}"


def _seconds(milliseconds: int) -> str:
    """Decimal seconds with every digit of the milliseconds."""
    whole, rest = divmod(abs(milliseconds), 1000)
    return f"{'-' if milliseconds < 0 else ''}{whole}.{rest:03d}"


def _ordered(families: Iterable[MetricFamily]) -> list[MetricFamily]:
    return sorted((family for family in families if family.samples), key=lambda one: one.name)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _series(sample: Sample, bound_text: Callable[[float], str]) -> str:
    """Name and labels; `bound_text` writes what `le` and `quantile` say when they are numbers."""
    name = sample.labels.metric
    pairs = [pair for pair in sample.labels if pair[0] != METRIC_NAME]
    pairs.sort(key=lambda pair: pair[0] in _BOUNDS)
    inside = [] if is_legacy_metric_name(name) else [quote(name)]
    inside += [
        f"{label_text(label)}={quote(_bound(value, bound_text) if label in _BOUNDS else value)}"
        for label, value in pairs
    ]
    bare = name if is_legacy_metric_name(name) else ""
    return bare + ("{" + ",".join(inside) + "}" if inside else "")


def _bound(text: str, bound_text: Callable[[float], str]) -> str:
    try:
        return bound_text(float(text))
    except ValueError:
        return text
