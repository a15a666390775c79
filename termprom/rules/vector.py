"""The result of an expression as the elements that a rule works on."""

from __future__ import annotations

from dataclasses import dataclass

from termprom.errors import EvaluationError
from termprom.model.histogram import FloatHistogram
from termprom.model.labels import EMPTY, Labels
from termprom.model.result import QueryResult, ResultType


@dataclass(frozen=True, slots=True)
class Element:
    """One series of an instant vector; where it is a native histogram the float is 0."""

    labels: Labels
    value: float
    histogram: FloatHistogram | None = None


def elements(result: QueryResult) -> list[Element]:
    """The elements of an instant query's result; a scalar is one without labels.

    Raises EvaluationError for text and range vectors.
    """
    if result.type is ResultType.SCALAR:
        return [Element(EMPTY, float(result.values[0, 0]))]
    if result.type is not ResultType.VECTOR or result.raw is not None:
        raise EvaluationError("rule result is not a vector or scalar")
    floats = zip(result.labels, result.present[:, 0], result.values[:, 0].tolist(), strict=True)
    found = [Element(labels, value) for labels, present, value in floats if present]
    found += [
        Element(result.labels[point.series], 0.0, point.histogram) for point in result.histograms
    ]
    return found
