"""Remote write 2.0: symbols, what is left out and told of, and what was written."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import aiohttp
import cramjam
import numpy as np
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from termprom.model.labels import Labels
from termprom.model.metadata import Metadata, MetricType
from termprom.model.values import STALE_BITS, float_from_bits
from termprom.remote.receiver import WriteReceiver
from termprom.remote.series_memory import SeriesMemory
from termprom.remote.write_request import BadMessage, WrittenSamples, decode_write_request
from termprom.remote.write_request_v2 import decode_write_request_v2
from termprom.server.door_metrics import DoorMetrics
from termprom.server.listen import listen
from termprom.server.remote_write import MESSAGES, V1, V2, write_routes
from termprom.storage import Exemplar
from termprom.testing.clock import ManualClock
from termprom.testing.memory_storage import MemoryStorage
from tests.remote.encoder import UP, Series, field, request, request_v2, varint
from tests.remote.test_remote_write import CUSTOM, HISTOGRAM, NOW_MS

_texts = st.dictionaries(st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=9)).map(
    lambda found: [("__name__", "m"), *sorted(found.items())]
)
_samples = st.lists(st.tuples(st.integers(-(2**62), 2**62), st.floats()), min_size=1, max_size=3)


def _labels_of(found: WrittenSamples) -> list[Labels]:
    return [found.memory.labels[number] for number in found.series.tolist()]


@given(st.lists(st.builds(Series, _texts, _samples), max_size=4))
def test_both_versions_say_the_same(series: list[Series]) -> None:
    first = decode_write_request(request(*series), SeriesMemory())
    second, mistakes = decode_write_request_v2(request_v2(*series, start_ms=5), SeriesMemory())
    assert mistakes == []
    assert _labels_of(second) == _labels_of(first)
    assert second.times_ms.tolist() == first.times_ms.tolist()
    assert second.values.tobytes() == first.values.tobytes()


def test_histograms_exemplars_metadata_and_stale_markers() -> None:
    exemplar = Exemplar(Labels.of(trace_id="x"), 0.25, NOW_MS)
    told = {"up": Metadata(MetricType.GAUGE, "Whether it answers.", "s")}
    stale = float_from_bits(STALE_BITS)
    body = request_v2(
        Series(UP, [(5, stale)], [(6, HISTOGRAM), (7, CUSTOM)], [exemplar]), metadata=told
    )
    found, mistakes = decode_write_request_v2(body, SeriesMemory())
    assert mistakes == []
    assert [(at, one) for _, at, one in found.histograms] == [(6, HISTOGRAM), (7, CUSTOM)]
    assert [one for _, one in found.exemplars] == [exemplar]
    assert found.metadata == told
    assert found.values.view(np.uint64).tolist() == [STALE_BITS]


GOOD = Series(UP, [(NOW_MS, 1.0)])


@pytest.mark.parametrize(
    ("body", "mistake"),
    [
        (request_v2(Series(UP)), "TimeSeries must contain at least one sample or histogram for "),
        (request_v2(Series([("job", "a")], [(1, 1.0)])), 'got {job="a"}'),
        (request_v2(Series([*UP, ("job", "b")], [(1, 1.0)])), "duplicated label job"),
        (field(5, field(1, varint(1))), "parsing labels for series [1]: invalid labelRefs length"),
        (field(5, field(1, varint(1) + varint(99))), "parsing labels for series [1 99]: "),
    ],
)
def test_a_series_with_a_mistake_is_told_of_and_the_others_are_taken(
    body: bytes, mistake: str
) -> None:
    # The symbols of both stand in one table: those of the good one first.
    good = request_v2(GOOD)
    whole = good + body if body.startswith(b"\x2a") else body
    found, mistakes = decode_write_request_v2(whole, SeriesMemory())
    assert len(mistakes) == 1
    assert mistake in mistakes[0]
    assert found.invalid_series == 1
    if whole is not body:
        assert _labels_of(found) == [Labels.of(dict(UP))]


@given(st.binary(max_size=120))
def test_any_bytes_are_a_message_or_a_bad_one(body: bytes) -> None:
    with contextlib.suppress(BadMessage):
        decode_write_request_v2(body, SeriesMemory())


@given(st.integers(0, 90), st.integers(0, 255))
def test_a_damaged_message_never_escapes_otherwise(place: int, byte: int) -> None:
    exemplar = Exemplar(Labels.of(trace_id="x"), 0.25, NOW_MS)
    told = {"up": Metadata(MetricType.GAUGE, "h", "u")}
    body = bytearray(request_v2(Series(UP, [(NOW_MS, 1.0)], [], [exemplar]), metadata=told))
    body[place % len(body)] = byte
    with contextlib.suppress(BadMessage):
        decode_write_request_v2(bytes(body), SeriesMemory())


# --- HTTP -------------------------------------------------------------------------------------


async def _post(
    body: bytes, *, proto: str = V2, accepted: Sequence[str] = MESSAGES
) -> tuple[int, str, list[str]]:
    """Status, text, and the three counts of what was written."""
    receiver = WriteReceiver(MemoryStorage(), clock=ManualClock(NOW_MS))
    app = web.Application()
    metrics = DoorMetrics(CollectorRegistry())
    app.add_routes(write_routes(receiver, metrics, accepted=accepted))
    listener = await listen(app, "127.0.0.1:0", movable=False)
    headers = {
        "Content-Type": f"application/x-protobuf;proto={proto}",
        "Content-Encoding": "snappy",
    }
    packed = bytes(cramjam.snappy.compress_raw(body))
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.post(listener.url + "/api/v1/write", data=packed, headers=headers) as response,
        ):
            counts = [
                value
                for name, value in response.headers.items()
                if name.startswith("X-Prometheus-Remote-Write-")
            ]
            return response.status, await response.text(), counts
    finally:
        await listener.close()


async def test_what_was_written_is_counted() -> None:
    exemplar = Exemplar(Labels.of(trace_id="x"), 0.25, NOW_MS)
    body = request_v2(
        Series(UP, [(NOW_MS - 1, 1.0), (NOW_MS, 2.0)], [], [exemplar]),
        Series([("__name__", "h")], [], [(NOW_MS, HISTOGRAM)]),
    )
    assert await _post(body) == (204, "", ["2", "1", "1"])
    wrong = request_v2(GOOD, Series([("job", "a")], [(1, 1.0)]))
    status, text, counts = await _post(wrong)
    assert (status, counts) == (400, ["1", "0", "0"])
    assert text == 'invalid metric name or labels, got {job="a"}\n'
    assert await _post(request(GOOD), proto=V1) == (204, "", [])


async def test_only_what_is_accepted_is_taken() -> None:
    status, text, _ = await _post(request_v2(GOOD), accepted=[V1])
    assert status == 415
    assert text == f"{V2} protobuf message is not accepted by this server; only accepts {V1}\n"
    assert (await _post(request(GOOD), proto=V1, accepted=[V1]))[0] == 204
