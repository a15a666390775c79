"""The series of one answer: their figures, their order, and which of them get a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from termprom.model.labels import EMPTY, METRIC_NAME, Labels, is_legacy_label_name, quote
from termprom.model.result import QueryResult
from termprom.model.values import Values
from termprom.tui.plot.chart import EMPTY_MATRIX, Matrix
from termprom.tui.plot.identity import common_labels

LINES_MAX: Final = 12  # more than this, and only LINES_WHEN_MANY get a line of their own
LINES_WHEN_MANY: Final = 8
ALL_LINES_MAX: Final = 200  # "all lines" of 100,000 series would be neither fast nor readable
SORT_KEYS: Final = ("last", "max", "min", "avg", "name")


@dataclass(frozen=True, slots=True, eq=False)
class SeriesSet:
    """An answer on a grid, with one figure of each kind per series.

    Shapes: last, low, high, mean (K,); NaN where a series has no finite value.
    """

    labels: Sequence[Labels] = ()
    matrix: Matrix = EMPTY_MATRIX
    common: Labels = EMPTY
    last: Values = field(default_factory=lambda: np.empty(0))
    low: Values = field(default_factory=lambda: np.empty(0))
    high: Values = field(default_factory=lambda: np.empty(0))
    mean: Values = field(default_factory=lambda: np.empty(0))

    def __repr__(self) -> str:
        return f"SeriesSet({len(self.labels)} series)"

    def name(self, number: int) -> str:
        """The labels that tell this series from the others; all of them where it is alone."""
        labels = self.labels[number]
        if len(self.labels) == 1:
            return str(labels)
        shared = set(self.common)
        return label_text(Labels(pair for pair in labels if pair not in shared)) or "{}"

    def order(self, sort: str, *, descending: bool) -> list[int]:
        """The positions of all series, sorted; those without a value come last either way."""
        if sort == "name":
            names = sorted(range(len(self.labels)), key=lambda n: self.labels[n])
            return names[::-1] if descending else names
        keys = {"last": self.last, "max": self.high, "min": self.low}.get(sort, self.mean)
        filled = np.where(np.isnan(keys), np.inf, -keys if descending else keys)
        return [int(number) for number in np.argsort(filled, kind="stable")]

    def at(self, moment_ms: int) -> Values:
        """The value of each series at the step nearest to a moment, NaN where there is none."""
        times = self.matrix.times_ms
        if times.size == 0:
            return np.full(len(self.labels), np.nan)
        right = int(np.clip(np.searchsorted(times, moment_ms), 1, max(times.size - 1, 1)))
        right = min(right, times.size - 1)
        left = max(right - 1, 0)
        near = left if moment_ms - times[left] <= times[right] - moment_ms else right
        if abs(int(times[near]) - moment_ms) > self.matrix.step_ms:
            return np.full(len(self.labels), np.nan)
        values: Values = np.where(self.matrix.present[:, near], self.matrix.values[:, near], np.nan)
        return values


def label_text(labels: Labels) -> str:
    """Labels as `job="api" code="500"`, without braces; the metric name stands in front."""
    parts = [labels.metric] if labels.metric else []
    parts += [
        f"{name if is_legacy_label_name(name) else quote(name)}={quote(value)}"
        for name, value in labels
        if name != METRIC_NAME
    ]
    return " ".join(parts)


def series_of(result: QueryResult, step_ms: int) -> SeriesSet:
    """The float series of a range query's answer."""
    matrix = Matrix(result.times_ms, step_ms, result.values, result.present)
    seen = result.present & np.isfinite(result.values)
    counts = seen.sum(axis=1)
    filled = np.where(seen, result.values, 0.0)
    with np.errstate(all="ignore"):
        mean = np.where(counts > 0, filled.sum(axis=1) / np.maximum(counts, 1), np.nan)
    low = np.min(result.values, axis=1, where=seen, initial=np.inf)
    high = np.max(result.values, axis=1, where=seen, initial=-np.inf)
    some = counts > 0
    steps = result.times_ms.size
    newest = steps - 1 - np.argmax(result.present[:, ::-1], axis=1) if steps else counts
    last = (
        np.where(result.present.any(axis=1), result.values[np.arange(len(low)), newest], np.nan)
        if steps
        else np.full(len(low), np.nan)
    )
    return SeriesSet(
        tuple(result.labels),
        matrix,
        common_labels(result.labels) if len(result.labels) > 1 else Labels(),
        last,
        np.where(some, low, np.nan),
        np.where(some, high, np.nan),
        mean,
    )


def drawn(
    order: list[int], hidden: frozenset[int], isolated: int | None, *, all_of_them: bool
) -> tuple[list[int], list[int]]:
    """(series with a line, series in the band), both in the order of the legend."""
    if isolated is not None and isolated in order:
        return [isolated], []
    shown = [number for number in order if number not in hidden]
    if len(shown) <= LINES_MAX or (all_of_them and len(shown) <= ALL_LINES_MAX):
        return shown, []
    if all_of_them:
        return shown[:ALL_LINES_MAX], shown[ALL_LINES_MAX:]
    return shown[:LINES_WHEN_MANY], shown[LINES_WHEN_MANY:]
