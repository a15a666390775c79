"""What is unusual about metric families: names, units, suffixes and help texts, as promlint says.

Source: Prometheus docs, "Metric and label naming"; the words are promtool's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from termprom.exposition.families import MetricFamily
from termprom.model.metadata import MetricType

_UNITS: Final = {
    "amperes": "amperes",
    "bytes": "bytes",
    "celsius": "celsius",
    "grams": "grams",
    "joules": "joules",
    "kelvin": "kelvin",
    "meters": "meters",
    "metres": "metres",
    "seconds": "seconds",
    "volts": "volts",
    "minutes": "seconds",
    "hours": "seconds",
    "days": "seconds",
    "weeks": "seconds",
    "kelvins": "kelvin",
    "fahrenheit": "celsius",
    "rankine": "celsius",
    "inches": "meters",
    "yards": "meters",
    "miles": "meters",
    "bits": "bytes",
    "calories": "joules",
    "pounds": "grams",
    "ounces": "grams",
}
_PREFIXES: Final = (
    *("pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto"),
    *("kilo", "kibi", "mega", "mibi", "giga", "gibi", "tera", "tebi", "peta", "pebi"),
)
_ABBREVIATIONS: Final = frozenset(
    {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"}
)
_TYPE_NAMES: Final = ("counter", "gauge", "summary", "untyped", "histogram", "gauge_histogram")
_CAMEL: Final = re.compile(r"[a-z][A-Z]")
_HISTOGRAMS: Final = frozenset({MetricType.HISTOGRAM, MetricType.GAUGE_HISTOGRAM})


class Finding(NamedTuple):
    metric: str
    text: str


def lint(families: Iterable[MetricFamily]) -> list[Finding]:
    """Everything unusual, by metric, then by text."""
    return sorted(Finding(family.name, text) for family in families for text in _findings(family))


def _findings(family: MetricFamily) -> Iterator[str]:
    if not family.metadata.help:
        yield "no help text"
    yield from _unit(family.name)
    if family.metadata.type is not MetricType.UNKNOWN:
        yield from _suffixes(family)
        yield from _type_in_name(family.name)
    if ":" in family.name:
        yield "metric names should not contain ':'"
    if _CAMEL.search(family.name):
        yield "metric names should be written in 'snake_case' not 'camelCase'"
    for sample in family.samples:
        for name, _ in sample.labels:
            if _CAMEL.search(name):
                yield "label names should be written in 'snake_case' not 'camelCase'"
    if any(_contains(family.name, short) for short in _ABBREVIATIONS):
        yield "metric names should not contain abbreviated units"
    if any(count > 1 for count in Counter(one.labels for one in family.samples).values()):
        yield "metric not unique"


def _unit(metric: str) -> Iterator[str]:
    """The first unit in the name, if it is not a base unit."""
    for word in metric.split("_"):
        for prefix in ("", *_PREFIXES):
            base = _UNITS.get(word.removeprefix(prefix)) if word.startswith(prefix) else None
            if base is not None:
                if word != base:
                    yield f'use base unit "{base}" instead of "{word}"'
                return


def _suffixes(family: MetricFamily) -> Iterator[str]:
    kind, name = family.metadata.type, family.name
    total = name.endswith("_total")
    if kind is MetricType.COUNTER and not total:
        yield 'counter metrics should have "_total" suffix'
    if kind is not MetricType.COUNTER and total:
        yield 'non-counter metrics should not have "_total" suffix'
    histogram, summary = kind in _HISTOGRAMS, kind is MetricType.SUMMARY
    if not histogram and name.endswith("_bucket"):
        yield 'non-histogram metrics should not have "_bucket" suffix'
    for suffix in ("_count", "_sum"):
        if not histogram and not summary and name.endswith(suffix):
            yield f'non-histogram and non-summary metrics should not have "{suffix}" suffix'
    for sample in family.samples:
        names = sample.labels.names()
        if not histogram and "le" in names:
            yield 'non-histogram metrics should not have "le" label'
        if not summary and "quantile" in names:
            yield 'non-summary metrics should not have "quantile" label'


def _type_in_name(metric: str) -> Iterator[str]:
    for kind in _TYPE_NAMES:
        if _contains(metric, kind):
            yield f"metric name should not include type '{kind}'"


def _contains(metric: str, word: str) -> bool:
    """Whether `word` stands in the name after an underscore, as a whole."""
    return f"_{word}_" in f"{metric.lower()}_"


def cardinality(family: MetricFamily) -> int:
    """How many samples the family has."""
    return len(family.samples)
