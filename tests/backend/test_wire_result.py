"""Query results: upstream's bytes, and that what is written can be read back."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.backend import wire_result
from termprom.backend.wire_decode import decode_result
from termprom.backend.wire_histogram import histogram_object
from termprom.backend.wire_result import TRUNCATED, cut, encode_pieces, encode_result, stats_object
from termprom.model.grid import Grid
from termprom.model.histogram import BucketSpan, FloatHistogram
from termprom.model.labels import Labels
from termprom.model.result import HistogramPoint, QueryResult, QueryStats, RawSeries, ResultType
from tests.backend import results

UP = Labels.of(__name__="up", job="p")
DOWN = Labels.of(__name__="down", job="<p>&\n")


def test_a_vector_in_upstreams_bytes() -> None:
    found = encode_result(results.vector({UP: 1.0, DOWN: math.nan}))
    assert found == (
        b'{"resultType":"vector","result":['
        b'{"metric":{"__name__":"up","job":"p"},"value":[1700000000.500,"1"]},'
        b'{"metric":{"__name__":"down","job":"<p>&\\n"},"value":[1700000000.500,"NaN"]}]}'
    )


def test_a_matrix_in_upstreams_bytes() -> None:
    found = encode_result(results.matrix({UP: [1.0, None, 2.5, None, 1e-7], DOWN: [None] * 5}))
    assert found == (
        b'{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"p"},'
        b'"values":[[1700000000,"1"],[1700000030,"2.5"],[1700000060,"1e-07"]]}]}'
    )


def test_scalars_and_strings_in_upstreams_bytes() -> None:
    # Their time is an ordinary number, and a scalar never has an exponent.
    assert encode_result(results.scalar(1e-7)) == (
        b'{"resultType":"scalar","result":[1700000000.5,"0.0000001"]}'
    )
    assert encode_result(results.scalar(2.0, Grid.instant(4000))) == (
        b'{"resultType":"scalar","result":[4,"2"]}'
    )
    assert encode_result(results.string("a<b")) == (
        b'{"resultType":"string","result":[1700000000.5,"a\\u003cb"]}'
    )


def test_the_samples_of_a_range_selector_keep_their_times() -> None:
    found = encode_result(results.raw({UP: ([1001, 2000], [1.0, 2.0]), DOWN: ([], [])}))
    assert found == (
        b'{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"p"},'
        b'"values":[[1.001,"1"],[2,"2"]]}]}'
    )


@pytest.mark.parametrize("empty", [results.vector({}), results.matrix({}), results.raw({})])
def test_nothing_is_an_empty_list(empty: QueryResult) -> None:
    assert b'"result":[]}' in encode_result(empty)


@given(results.matrices)
def test_a_matrix_reads_back(result: QueryResult) -> None:
    data = orjson.loads(encode_result(result))
    results.assert_same(decode_result(data, results.GRID, over_time=True), result)


@given(results.vectors)
def test_a_vector_reads_back(result: QueryResult) -> None:
    data = orjson.loads(encode_result(result))
    results.assert_same(decode_result(data, results.AT, over_time=False), result)


@given(st.floats(), st.text())
def test_scalars_and_strings_read_back(value: float, text: str) -> None:
    data = orjson.loads(encode_result(results.scalar(value)))
    found = decode_result(data, results.AT, over_time=False)
    results.assert_same(found, results.scalar(value))
    data = orjson.loads(encode_result(results.string(text.encode("utf-8", "ignore").decode())))
    assert decode_result(data, results.AT, over_time=False).type is ResultType.STRING


def test_raw_samples_read_back() -> None:
    result = results.raw({UP: ([1001, 2000], [1.0, math.inf])})
    data = orjson.loads(encode_result(result))
    results.assert_same(decode_result(data, results.AT, over_time=False), result)


@given(results.matrices, st.integers(1, 12))
def test_pieces_are_bounded_and_make_the_whole(result: QueryResult, size: int) -> None:
    whole = encode_result(result)
    before = wire_result.PIECE_CELLS
    try:
        wire_result.PIECE_CELLS = size  # type: ignore[misc]
        pieces = list(encode_pieces(result))
    finally:
        wire_result.PIECE_CELLS = before  # type: ignore[misc]
    assert b"".join(pieces) == whole


def test_points_off_the_grid_go_to_the_nearest_step() -> None:
    # VictoriaMetrics aligns start and end to the step.
    grid = Grid(1_000, 61_000, 30_000)
    data = {"resultType": "matrix", "result": [{"metric": {}, "values": [[0, "1"], [30, "2"]]}]}
    found = decode_result(data, grid, over_time=True)
    assert found.present.tolist() == [[True, True, False]]
    assert found.values[0, :2].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"resultType": "tensor", "result": []},
        {"resultType": "vector", "result": [{"value": [1, "1"]}]},
        {"resultType": "vector", "result": [{"metric": {}, "value": [1, "one"]}]},
        {"resultType": "matrix", "result": [{"metric": {}, "values": [[1]]}]},
        {"resultType": "matrix", "result": 3},
        {"resultType": "scalar", "result": []},
    ],
)
def test_another_shape_is_a_value_error(data: object) -> None:
    with pytest.raises(ValueError, match=r".*"):
        decode_result(data, results.GRID, over_time=True)


# --- Limits and statistics --------------------------------------------------------------------


def test_a_limit_cuts_series_and_says_so() -> None:
    result = results.vector({UP: 1.0, DOWN: 2.0})
    assert cut(result, 0) is result
    assert cut(result, 2) is result
    one = cut(result, 1)
    assert list(one.labels) == [UP]
    assert one.values.shape == (1, 1)
    assert one.notices == (TRUNCATED,)
    assert cut(results.scalar(1.0), 1).notices == ()


def test_a_limit_cuts_raw_series_too() -> None:
    one = cut(results.raw({UP: ([1], [1.0]), DOWN: ([1], [1.0])}), 1)
    assert [series.labels for series in one.raw or ()] == [UP]
    assert one.notices == (TRUNCATED,)


def test_stats_read_back() -> None:
    result = results.vector({UP: 1.0})
    counted = QueryResult(
        result.type,
        result.labels,
        result.times_ms,
        result.values,
        result.present,
        stats=QueryStats(0.25, 1, 10, 4),
    )
    data = orjson.loads(
        b"".join(encode_pieces(counted, orjson.dumps(stats_object(counted)))),
    )
    found = decode_result(data, results.AT, over_time=False)
    assert (found.stats.duration_seconds, found.stats.samples, found.stats.peak_samples) == (
        0.25,
        10,
        4,
    )


# --- Native histograms ------------------------------------------------------------------------

HISTOGRAM = FloatHistogram(
    schema=0,
    zero_threshold=0.001,
    zero_count=3,
    count=10,
    sum=12.5,
    positive_spans=(BucketSpan(0, 2), BucketSpan(1, 1)),
    positive_buckets=(1, 0, 2),
    negative_spans=(BucketSpan(0, 1),),
    negative_buckets=(4,),
)


def test_a_histogram_in_upstreams_bytes() -> None:
    result = results.vector({UP: 0.0})
    present = result.present.copy()
    present[:] = False
    found = encode_result(
        QueryResult(
            result.type,
            result.labels,
            result.times_ms,
            result.values,
            present,
            histograms=[HistogramPoint(0, 0, HISTOGRAM)],
        )
    )
    assert found == (
        b'{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"p"},'
        b'"histogram":[1700000000.500,{"count":"10","sum":"12.5","buckets":['
        b'[1,"-1","-0.5","4"],[3,"-0.001","0.001","3"],[0,"0.5","1","1"],[0,"4","8","2"]]}]}]}'
    )


def test_histograms_of_a_range_vector_come_at_their_own_times() -> None:
    result = results.vector({UP: 0.0})
    raw = RawSeries(UP, np.empty(0, dtype=np.int64), np.empty(0), ((1_500, HISTOGRAM),))
    sent = replace(result, type=ResultType.MATRIX, raw=[raw])
    (row,) = orjson.loads(encode_result(sent))["result"]
    assert set(row) == {"metric", "histograms"}
    ((time, histogram),) = row["histograms"]
    assert (time, histogram["count"]) == (1.5, "10")


def test_a_zero_bucket_below_zero_is_not_shown() -> None:
    # What a rate of a gauge may leave; the original's iterator passes it over.
    shown = histogram_object(replace(HISTOGRAM, zero_count=-2.0))["buckets"]
    assert [kind for kind, *_ in shown] == [1, 0, 0]


def test_a_histogram_reads_back_as_its_buckets() -> None:
    result = results.matrix({UP: [None] * results.GRID.count})
    points = [HistogramPoint(0, step, HISTOGRAM) for step in (0, 4)]
    sent = QueryResult(
        result.type,
        result.labels,
        result.times_ms,
        result.values,
        result.present,
        histograms=points,
    )
    data = orjson.loads(encode_result(sent))
    found = decode_result(data, results.GRID, over_time=True)
    assert [(one.series, one.step) for one in found.histograms] == [(0, 0), (0, 4)]
    one = found.histograms[0].histogram
    assert (one.count, one.sum, sum(one.positive_buckets)) == (10, 12.5, 10)
    assert one.custom_values == (-1, -0.5, -0.001, 0.001, 0.5, 1, 4, 8)
