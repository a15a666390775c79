"""Whether an answer is what a script expects; every function gives the reason why not, or None."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from termprom.model.floats import format_float
from termprom.model.histogram import CounterResetHint, FloatHistogram
from termprom.model.labels import Labels
from termprom.model.notices import NoticeLevel
from termprom.model.result import QueryResult, ResultType
from termprom.promql.histograms.value import Side, compacted, from_model
from termprom.promql.notices import render
from termprom.testing.promqltest.script import Eval, Expectation
from termprom.testing.promqltest.series import Item

_TOLERANCE = 1e-6
_SMALLEST_NORMAL = 2.2250738585072014e-308


def almost_equal(left: float, right: float) -> bool:
    """Equal to one in a million; NaN equals NaN, and nothing but zero is near zero."""
    if math.isnan(left) and math.isnan(right):
        return True
    if left == right:
        return True
    difference, size = abs(left - right), abs(left) + abs(right)
    if left == 0 or right == 0 or size < _SMALLEST_NORMAL:
        return difference < _TOLERANCE * _SMALLEST_NORMAL
    return difference / min(size, 1.7976931348623157e308) < _TOLERANCE


def same_item(wanted: Item, got: Item) -> bool:
    """Whether a cell holds what a script says; None is nothing."""
    if isinstance(wanted, FloatHistogram) or isinstance(got, FloatHistogram):
        if not isinstance(wanted, FloatHistogram) or not isinstance(got, FloatHistogram):
            return False
        return _same_histogram(wanted, got)
    if wanted is None or got is None:
        return wanted is got
    return almost_equal(wanted, got)


def _same_histogram(wanted: FloatHistogram, got: FloatHistogram) -> bool:
    """Equal up to empty buckets and rounding. A hint counts only where the script spells one."""
    left, right = compacted(from_model(wanted)), compacted(from_model(got))
    return (
        left.schema == right.schema
        and left.zero_threshold == right.zero_threshold
        and left.custom_values == right.custom_values
        and almost_equal(left.count, right.count)
        and almost_equal(left.sum, right.sum)
        and almost_equal(left.zero_count, right.zero_count)
        and _same_side(left.positive, right.positive)
        and _same_side(left.negative, right.negative)
        and (wanted.hint is CounterResetHint.UNKNOWN or wanted.hint is got.hint)
    )


def _same_side(left: Side, right: Side) -> bool:
    return left.keys() == right.keys() and all(
        almost_equal(count, right[index]) for index, count in left.items()
    )


def wrong_error(asked: Eval, message: str) -> str | None:
    """Why this error is not the expected one."""
    for one in asked.expects("fail"):
        if not one.matches(message):
            return f"error {message!r} in place of {one.pattern!r}"
    return None if asked.expects("fail") else f"unexpected error: {message}"


def wrong_notices(asked: Eval, result: QueryResult, expr: str) -> str | None:
    """Why the notices are not the expected ones; a level that nothing is said of is free."""
    for level, kind in ((NoticeLevel.WARNING, "warn"), (NoticeLevel.INFO, "info")):
        found = [render(one, expr) for one in result.notices if one.level is level]
        if asked.expects(f"no_{kind}") and found:
            return f"unexpected {level}: {found}"
        wanted = asked.expects(kind)
        if wanted:
            reason = _unmatched(wanted, found, level)
            if reason:
                return reason
    return None


def _unmatched(wanted: list[Expectation], found: list[str], level: NoticeLevel) -> str | None:
    if not found:
        return f"expected a {level}"
    for one in wanted:
        if not any(one.matches(text) for text in found):
            return f"no {level} matches {one.pattern!r}: {found}"
    for text in found:
        if not any(one.matches(text) for one in wanted):
            return f"unexpected {level}: {text!r}"
    return None


def wrong_value(asked: Eval, result: QueryResult, column: int = 0) -> str | None:
    """Why an instant answer, or one column of a range answer, is not the expected one."""
    if asked.text is not None or result.type is ResultType.STRING:
        wanted = asked.text or ""
        return None if result.text == wanted else f"expected {wanted!r}, got {result.text!r}"
    if asked.raw_range is not None:
        return _wrong_raw(asked, result)
    if asked.scalar is not None:
        if result.values.shape[0] != 1 or result.labels[0]:
            return f"expected a scalar, got {describe(result, column)}"
        got = float(result.values[0, column])
        return None if almost_equal(asked.scalar, got) else f"expected {asked.scalar}, got {got}"
    if result.type is ResultType.SCALAR:
        return f"expected a vector, got the scalar {format_float(float(result.values[0, column]))}"
    histograms = {one.series: one.histogram for one in result.histograms if one.step == column}
    held = [
        row for row in range(len(result.labels)) if result.present[row, column] or row in histograms
    ]
    wanted_labels = [line.labels for line in asked.series]
    got_labels = [result.labels[row] for row in held]
    if sorted(wanted_labels) != sorted(got_labels):
        return f"expected {_texts(wanted_labels)}, got {describe(result, column)}"
    if asked.expects("ordered") and wanted_labels != got_labels:
        return f"expected the order {_texts(wanted_labels)}, got {_texts(got_labels)}"
    row_of = {result.labels[row]: row for row in held}
    for line in asked.series:
        item = line.items[0] if line.items else None
        row = row_of[line.labels]
        if not same_item(item, histograms.get(row, float(result.values[row, column]))):
            return f"expected {line.labels} {item}, got {describe(result, column)}"
    return None


def wrong_matrix(asked: Eval, result: QueryResult) -> str | None:
    """Why a range answer is not the expected one."""
    if asked.scalar is not None:
        return None if _is_constant(asked.scalar, result) else f"expected {asked.scalar}"
    labels = list(result.labels)
    if labels != sorted(labels):
        return f"series are not in order: {_texts(labels)}"
    wanted = sorted(line.labels for line in asked.series)
    if wanted != labels:
        return f"expected {_texts(wanted)}, got {_texts(labels)}"
    got: Item
    by_cell = {(one.series, one.step): one.histogram for one in result.histograms}
    for line in asked.series:
        row = labels.index(line.labels)
        for step in range(result.times_ms.size):
            item = line.items[step] if step < len(line.items) else None
            got = by_cell.get((row, step))
            if got is None and result.present[row, step]:
                got = float(result.values[row, step])
            if not same_item(item, got):
                return f"expected {item} for {line.labels} at step {step}, got {got}"
    return None


def _is_constant(wanted: float, result: QueryResult) -> bool:
    return bool(np.all([almost_equal(wanted, one) for one in result.values.ravel().tolist()]))


def _wrong_raw(asked: Eval, result: QueryResult) -> str | None:
    assert asked.raw_range is not None
    start, _, step = asked.raw_range
    got = {
        one.labels: {
            **dict(zip(one.times_ms.tolist(), one.values.tolist(), strict=True)),
            **dict(one.histograms),
        }
        for one in result.raw or ()
    }
    if sorted(got) != sorted(line.labels for line in asked.series):
        return f"expected {_texts([line.labels for line in asked.series])}, got {_texts(list(got))}"
    for line in asked.series:
        wanted = {
            start + number * step: item
            for number, item in enumerate(line.items)
            if item is not None
        }
        samples = got[line.labels]
        if set(wanted) != set(samples):
            return f"expected times {sorted(wanted)} for {line.labels}, got {sorted(samples)}"
        for time_ms, item in wanted.items():
            if not same_item(item, samples[time_ms]):
                return f"expected {item} for {line.labels} at {time_ms}, got {samples[time_ms]}"
    return None


def describe(result: QueryResult, column: int) -> str:
    """The answer in short, for a report."""
    if result.raw is not None:
        return f"a range vector of {len(result.raw)} series"
    shown = [
        f"{result.labels[row]} {format_float(float(result.values[row, column]))}"
        for row in range(len(result.labels))
        if result.present[row, column]
    ]
    shown += [
        f"{result.labels[one.series]} {one.histogram}"
        for one in result.histograms
        if one.step == column
    ]
    return "; ".join(shown) or "nothing"


def _texts(labels: Sequence[Labels]) -> str:
    return "[" + " ".join(map(str, labels)) + "]"
