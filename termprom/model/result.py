"""The answer to a query, as matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from termprom.model.histogram import FloatHistogram
from termprom.model.labels import Labels
from termprom.model.node_cost import Explained
from termprom.model.notices import Notice
from termprom.model.values import Mask, TimesMs, Values


class ResultType(StrEnum):
    """The names of the HTTP API."""

    SCALAR = "scalar"
    STRING = "string"
    VECTOR = "vector"
    MATRIX = "matrix"


@dataclass(frozen=True, slots=True)
class QueryStats:
    """What an evaluation cost; `explained` where it was asked for."""

    duration_seconds: float = 0.0
    series: int = 0
    samples: int = 0
    peak_samples: int = 0
    explained: Explained | None = None


@dataclass(frozen=True, slots=True)
class RawSeries:
    """Samples at their own times: what a range selector gives as the result of an instant query."""

    labels: Labels
    times_ms: TimesMs
    values: Values
    histograms: Sequence[tuple[int, FloatHistogram]] = ()  # times, in milliseconds, and samples


@dataclass(frozen=True, slots=True)
class HistogramPoint:
    """A native histogram at series `series` and step `step` of a result (both count from 0)."""

    series: int
    step: int
    histogram: FloatHistogram


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The answer to an instant or a range query.

    Shapes: labels K; times_ms (S,), the steps; values and present (K, S).
    `present` tells which cells hold a float; absence is never a NaN.
    VECTOR has S == 1. SCALAR has K == 1 and no labels. STRING has `text` only.
    MATRIX of an instant query `m[5m]` has `raw` in place of values; everything else is on the grid.
    Series are in the order in which the API lists them.
    """

    type: ResultType
    labels: Sequence[Labels]
    times_ms: TimesMs
    values: Values
    present: Mask
    text: str = ""
    raw: Sequence[RawSeries] | None = None
    histograms: Sequence[HistogramPoint] = ()
    notices: Sequence[Notice] = ()
    stats: QueryStats = QueryStats()

    def __repr__(self) -> str:
        return (
            f"QueryResult({self.type}, {len(self.labels)} series x {self.times_ms.size} steps, "
            f"{len(self.notices)} notices)"
        )
