"""Remote read, answered: the messages, what of the store is in them, and the HTTP in front."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import cramjam
import numpy as np
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from prometheus_client import CollectorRegistry

from termprom.model.labels import Labels
from termprom.model.values import STALE_BITS, float_from_bits
from termprom.remote.message_writer import (
    block,
    histograms_message,
    labels_message,
    samples_message,
    varint,
)
from termprom.remote.read_request import decode_read_request
from termprom.remote.responder import ReadResponder, TooManySamplesRead
from termprom.remote.series_memory import SeriesMemory
from termprom.remote.write_request import BadMessage, WrittenSamples, decode_write_request
from termprom.server.door_metrics import DoorMetrics
from termprom.server.listen import listen
from termprom.server.remote_read import read_routes
from termprom.storage import HistogramSample
from termprom.testing.clock import ManualClock
from termprom.tsdb.db import Database
from tests.remote.test_remote_write import CUSTOM, HISTOGRAM

NOW_MS = 1_700_000_000_000
EVERYTHING = (0, NOW_MS * 2)
MATCHER_TYPES = ("=", "!=", "=~", "!~")


# --- The messages: what is written here, the receiver of remote write reads --------------------


@given(
    st.dictionaries(st.text(min_size=1, max_size=4), st.text(min_size=1, max_size=9), max_size=3),
    st.lists(st.integers(-(2**62), 2**62) | st.integers(1 << 35, 1 << 42), max_size=5),
    st.data(),
)
def test_what_is_written_is_read(
    labels: dict[str, str], times: list[int], data: st.DataObject
) -> None:
    values = data.draw(hnp.arrays(np.float64, len(times)))
    named = Labels.of({**labels, "__name__": "m"})
    times_ms = np.array(times, dtype=np.int64)
    message = block(1, labels_message(named) + samples_message(times_ms, values))
    found = decode_write_request(message, SeriesMemory())
    assert [found.memory.labels[one] for one in found.series] == [named] * len(times)
    assert found.times_ms.tolist() == times
    assert found.values.view(np.uint64).tolist() == values.view(np.uint64).tolist()


def test_histograms_are_written_and_read() -> None:
    pairs = [(NOW_MS, HISTOGRAM), (NOW_MS + 1, CUSTOM)]
    message = block(1, labels_message(Labels.of(__name__="m")) + histograms_message(pairs))
    found = decode_write_request(message, SeriesMemory())
    assert [(at, one) for _, at, one in found.histograms] == pairs


# --- Requests ---------------------------------------------------------------------------------


def _query(span: tuple[int, int], *matchers: tuple[str, str, str]) -> bytes:
    parts = [b"\x08" + varint(span[0]), b"\x10" + varint(span[1])]
    for name, op, value in matchers:
        kind = b"\x08" + varint(MATCHER_TYPES.index(op))
        parts.append(block(3, kind + block(2, name.encode()) + block(3, value.encode())))
    return b"".join(parts)


def _request(*queries: bytes, accepted: bytes = b"\x01\x00") -> bytes:
    """By default as Prometheus asks: chunks rather than samples."""
    return b"".join(block(1, query) for query in queries) + (
        block(2, accepted) if accepted else b""
    )


def test_a_request() -> None:
    (query,) = decode_read_request(_request(_query((-5, 9), ("a", "=~", "x|y"), ("b", "!=", ""))))
    assert (query.start_ms, query.end_ms) == (-5, 9)
    assert [str(one) for one in query.matchers] == ['a=~"x|y"', 'b!=""']
    assert decode_read_request(_request(_query((0, 1)), accepted=b"")) != []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"\x0a\x05", "unexpected EOF"),
        (_request(_query((0, 1), ("a", "=~", "("))), "error parsing regexp"),
        (_request(_query((0, 1)), accepted=b"\x01"), "requested response types"),
        (block(1, block(3, b"\x08\x09")), "invalid matcher type 9"),
        (block(1, block(3, block(2, b"\xff"))), "utf-8"),
    ],
)
def test_what_is_no_request(body: bytes, problem: str) -> None:
    with pytest.raises(BadMessage) as caught:
        decode_read_request(body)
    assert problem in str(caught.value)


# --- Answers ----------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Two floats, one of which ended, and a histogram."""
    found = Database.open(tmp_path, clock=ManualClock(NOW_MS))
    group = found.group(Labels.of(job="j"))
    columns = group.columns([Labels.of(__name__=name, job="j") for name in ("x", "y", "h")])
    for step in range(3):
        at = NOW_MS - 3000 + 1000 * step
        if step < 2:
            group.append(at, columns[:2], np.array([step / 3, np.nan]))
        else:
            group.append(at, columns[:1], np.array([float_from_bits(STALE_BITS)]))
        group.append_loose(
            np.empty(0, dtype=np.int64),
            np.empty(0, dtype=np.int64),
            np.empty(0),
            histograms=[(at, HistogramSample(int(columns[2]), HISTOGRAM))],
        )
    return found


def _results(answer: bytes) -> list[WrittenSamples]:
    """A QueryResult has the shape of a WriteRequest."""
    results, at = [], 0
    while at < len(answer):
        size, shift, at = 0, 0, at + 1
        while True:
            size |= (answer[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if answer[at - 1] < 0x80:
                break
        results.append(decode_write_request(answer[at : at + size], SeriesMemory()))
        at += size
    return results


def _names(found: WrittenSamples) -> list[str]:
    return [found.memory.labels[one].metric for one in found.series.tolist()]


def test_samples_bit_for_bit_and_histograms(database: Database) -> None:
    responder = ReadResponder(database)
    job = ("job", "=", "j")
    found, none, part = _results(
        responder.answer(
            _request(
                _query(EVERYTHING, job),
                _query(EVERYTHING, ("job", "=", "k")),
                _query((NOW_MS - 2000, NOW_MS - 2000), ("__name__", "=~", "x|h")),
            ),
            Labels(),
        )
    )
    assert _names(found) == ["x", "x", "x", "y", "y"]
    assert found.values.view(np.uint64)[2] == STALE_BITS
    assert found.values[:2].tolist() == [0.0, 1 / 3]
    assert [one for _, _, one in found.histograms] == [HISTOGRAM] * 3
    assert none.series.size == 0
    assert (_names(part), part.times_ms.tolist()) == (["x"], [NOW_MS - 2000])
    assert [at for _, at, _ in part.histograms] == [NOW_MS - 2000]
    database.close()


def test_external_labels_are_asked_for_and_given(database: Database) -> None:
    responder = ReadResponder(database)
    external = Labels.of(region="eu", job="elsewhere")
    for value, count in (("eu", 2), ("us", 0)):
        query = _query(EVERYTHING, ("__name__", "=", "y"), ("region", "=", value))
        (found,) = _results(responder.answer(_request(query), external))
        assert found.series.size == count
        for labels in found.memory.labels:
            assert labels == Labels.of(__name__="y", job="j", region="eu")
    database.close()


def test_more_samples_than_allowed(database: Database) -> None:
    responder = ReadResponder(database, samples_max=7)
    with pytest.raises(TooManySamplesRead) as caught:
        responder.answer(_request(_query(EVERYTHING, ("job", "=", "j"))), Labels())
    assert str(caught.value) == "exceeded sample limit (7)"
    unlimited = ReadResponder(database, samples_max=0)
    assert unlimited.answer(_request(_query(EVERYTHING, ("job", "=", "j"))), Labels())
    database.close()


# --- The HTTP in front ------------------------------------------------------------------------


async def test_over_http(database: Database) -> None:
    app = web.Application()
    responder, metrics = ReadResponder(database, samples_max=7), DoorMetrics(CollectorRegistry())
    app.add_routes(read_routes(responder, Labels, concurrency_max=1, metrics=metrics))
    listener = await listen(app, "127.0.0.1:0", movable=False)
    few = _request(_query(EVERYTHING, ("__name__", "=", "y")))
    many = _request(_query(EVERYTHING, ("job", "=", "j")))
    packed = cramjam.snappy.compress_raw
    try:
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            for body, status, text in (
                (bytes(packed(few)), 200, b""),
                (bytes(packed(many)), 400, b"exceeded sample limit (7)\n"),
                (b"junk", 400, b"snappy: corrupt input\n"),
                (bytes(packed(b"\x0a\x05")), 400, b"unexpected EOF\n"),
            ):
                async with session.post(listener.url + "/api/v1/read", data=body) as response:
                    found = await response.read()
                    assert response.status == status
                    if status == 200:
                        assert response.headers["Content-Type"] == "application/x-protobuf"
                        assert response.headers["Content-Encoding"] == "snappy"
                        (result,) = _results(bytes(cramjam.snappy.decompress_raw(found)))
                        assert _names(result) == ["y", "y"]
                    else:
                        assert found == text
    finally:
        await listener.close()
        database.close()
