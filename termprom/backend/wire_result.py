"""Query results.

    vector   [{"metric":{...},"value":[1435781451.781,"1"]}]    or "histogram":[t,{...}]
    matrix   [{"metric":{...},"values":[[t,"1"],...],"histograms":[[t,{...}],...]}]
    scalar   [1435781451.781,"2"]          string   [1435781451.781,"abc"]

Encoding yields pieces of bounded size, so that a large answer never exists as one string.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import compress
from typing import Final

import numpy as np

from termprom.backend.wire_histogram import histogram_object
from termprom.backend.wire_numbers import format_timestamp, timestamp_texts, value_texts
from termprom.backend.wire_text import Json, dumps, labels_object, text
from termprom.model.floats import format_float
from termprom.model.notices import Notice, NoticeLevel
from termprom.model.result import HistogramPoint, QueryResult, RawSeries, ResultType
from termprom.promql import statistics

# Cells per piece: some 500 kB of text, a few milliseconds of work.
PIECE_CELLS: Final = 16_384

TRUNCATED: Final = Notice(NoticeLevel.WARNING, "results truncated due to limit")


def cut(result: QueryResult, limit: int) -> QueryResult:
    """The first `limit` series of a result, with a notice where there were more; 0 keeps all."""
    if not limit or result.type in (ResultType.SCALAR, ResultType.STRING):
        return result
    if result.raw is not None:
        if len(result.raw) <= limit:
            return result
        raw = result.raw[:limit]
        return replace(
            result,
            labels=[one.labels for one in raw],
            raw=raw,
            notices=(*result.notices, TRUNCATED),
        )
    if len(result.labels) <= limit:
        return result
    return replace(
        result,
        labels=result.labels[:limit],
        values=result.values[:limit],
        present=result.present[:limit],
        histograms=[point for point in result.histograms if point.series < limit],
        notices=(*result.notices, TRUNCATED),
    )


def cells(result: QueryResult) -> int:
    """How many samples a result may hold; what its encoding costs."""
    if result.raw is not None:
        return sum(one.values.size for one in result.raw)
    return int(result.present.size)


def encode_result(result: QueryResult) -> bytes:
    """The whole `data` object."""
    return b"".join(encode_pieces(result))


def encode_pieces(result: QueryResult, stats: bytes = b"") -> Iterator[bytes]:
    """The `data` object in pieces; `stats` is the finished object of that key."""
    yield b'{"resultType":"' + result.type.value.encode() + b'","result":'
    match result.type:
        case ResultType.SCALAR:
            yield _single(result, format_float(float(result.values[0, 0])))
        case ResultType.STRING:
            yield _single(result, result.text)
        case ResultType.VECTOR:
            yield from _listed(_vector(result))
        case ResultType.MATRIX:
            rows = _matrix(result) if result.raw is None else _raw(result.raw)
            yield from _listed(rows)
    yield (b',"stats":' + stats if stats else b"") + b"}"


def _single(result: QueryResult, value: str) -> bytes:
    # Scalars and strings carry the time as an ordinary number: 1435781451.1, not .100.
    seconds = int(result.times_ms[0]) / 1000
    return dumps([int(seconds) if seconds.is_integer() else seconds, text(value)])


def _listed(rows: Iterator[list[str]]) -> Iterator[bytes]:
    """A JSON list from batches of finished elements."""
    opening = "["
    for batch in rows:
        if batch:
            yield (opening + ",".join(batch)).encode("utf-8", "replace")
            opening = ","
    yield b"[]" if opening == "[" else b"]"


def _vector(result: QueryResult) -> Iterator[list[str]]:
    time = format_timestamp(int(result.times_ms[0]))
    histograms = {point.series: point for point in result.histograms}
    for start in range(0, len(result.labels), PIECE_CELLS):
        batch = []
        stop = min(start + PIECE_CELLS, len(result.labels))
        present = result.present[start:stop, 0].tolist()
        values = value_texts(result.values[start:stop, 0])
        for number in range(start, stop):
            metric = _metric(result, number)
            if number in histograms:
                tree = dumps(histogram_object(histograms[number].histogram)).decode()
                batch.append(f'{metric},"histogram":[{time},{tree}]}}')
            elif present[number - start]:
                batch.append(f'{metric},"value":[{time},"{values[number - start]}"]}}')
        yield batch


def _matrix(result: QueryResult) -> Iterator[list[str]]:
    times = timestamp_texts(result.times_ms.tolist())
    heads = [f'[{time},"' for time in times]
    step_count = len(times)
    histograms: dict[int, list[HistogramPoint]] = defaultdict(list)
    for point in result.histograms:
        histograms[point.series].append(point)
    rows = max(PIECE_CELLS // max(step_count, 1), 1)
    for start in range(0, len(result.labels), rows):
        block = slice(start, start + rows)
        values = value_texts(result.values[block])
        complete: list[bool] = np.all(result.present[block], axis=1).tolist()
        batch = []
        for offset, whole in enumerate(complete):
            number = start + offset
            row = values[offset * step_count : (offset + 1) * step_count]
            if whole:
                points = _points(heads, row)
            else:
                here = result.present[number].tolist()
                points = _points(list(compress(heads, here)), list(compress(row, here)))
            element = _metric(result, number) + (f',"values":{points}' if points else "")
            if number in histograms:
                trees = ",".join(
                    f"[{times[point.step]},{dumps(histogram_object(point.histogram)).decode()}]"
                    for point in histograms[number]
                )
                element += f',"histograms":[{trees}]'
            if points or number in histograms:
                batch.append(element + "}")
        yield batch


def _raw(raw: Sequence[RawSeries]) -> Iterator[list[str]]:
    for series in raw:
        element = '{"metric":' + dumps(labels_object(series.labels)).decode()
        if series.values.size:
            heads = [f'[{time},"' for time in timestamp_texts(series.times_ms.tolist())]
            element += f',"values":{_points(heads, value_texts(series.values))}'
        if series.histograms:
            trees = ",".join(
                f"[{format_timestamp(time_ms)},{dumps(histogram_object(one)).decode()}]"
                for time_ms, one in series.histograms
            )
            element += f',"histograms":[{trees}]'
        if series.values.size or series.histograms:
            yield [element + "}"]


def _metric(result: QueryResult, number: int) -> str:
    return '{"metric":' + dumps(labels_object(result.labels[number])).decode()


def _points(heads: Sequence[str], values: Sequence[str]) -> str:
    if not values:
        return ""
    return "[" + '"],'.join(map(operator.add, heads, values)) + '"]]'


def stats_object(result: QueryResult, *, plan: bool = False, per_step: bool = False) -> Json:
    """The `stats` key: what the evaluation cost, node by node and step by step where wanted."""
    return statistics.stats_object(result.stats, result.times_ms if per_step else None, plan=plan)
