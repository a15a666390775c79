"""Remote write, received: the message, the store behind it, and the HTTP in front."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

import aiohttp
import cramjam
import numpy as np
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from termprom.errors import ColumnsDropped
from termprom.model.histogram import BucketSpan, CounterResetHint, FloatHistogram
from termprom.model.labels import Labels
from termprom.model.metadata import Metadata, MetricType
from termprom.model.values import STALE_BITS, Ints, float_from_bits
from termprom.remote import receiver as receiving
from termprom.remote.receiver import Stored, WriteReceiver
from termprom.remote.series_memory import SeriesMemory
from termprom.remote.write_request import BadMessage, WrittenSamples, decode_write_request
from termprom.server.door_metrics import DoorMetrics
from termprom.server.listen import listen
from termprom.server.remote_write import write_routes
from termprom.storage import Appended, Exemplar
from termprom.testing.clock import ManualClock
from termprom.testing.memory_storage import MemoryStorage
from tests.remote.encoder import UP, Series, field, histogram_message, labels_fields, request

NOW_MS = 1_700_000_000_000


def _decoded(body: bytes) -> WrittenSamples:
    return decode_write_request(body, SeriesMemory())


def _labels_of(found: WrittenSamples) -> list[Labels]:
    return [found.memory.labels[number] for number in found.series.tolist()]


_labels = st.dictionaries(st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=200))
_texts = _labels.map(lambda found: [("__name__", "m"), *sorted(found.items())])
_times = st.integers(-(2**63), 2**63 - 1) | st.integers(NOW_MS, NOW_MS + 9)
_samples = st.lists(st.tuples(_times, st.floats() | st.just(0.0)), max_size=3)
_series = st.builds(Series, _texts, _samples)


@given(st.lists(_series, max_size=5))
def test_what_was_encoded_is_decoded(series: list[Series]) -> None:
    memory = SeriesMemory()
    for _ in range(2):  # the second time from memory
        found = decode_write_request(request(*series), memory)
        assert _labels_of(found) == [
            Labels.of(dict(one.labels)) for one in series for _ in one.samples
        ]
        flat = [sample for one in series for sample in one.samples]
        assert found.times_ms.tolist() == [at for at, _ in flat]
        np.testing.assert_array_equal(found.values, np.array([value for _, value in flat]))


_pieces = st.sampled_from(
    [
        request(Series(UP, [(NOW_MS, 1.0)])),
        request(Series(UP, [(NOW_MS, 0.0)])),
        request(Series(UP, [(5, 1.0)])),
        request(Series([], [(NOW_MS, 1.0)])),
        # Labels whose text looks like the end of a series.
        request(Series([*UP, ("x", "\x12\x10\x09" + "\x7f" * 8 + "\x10" + "\x7f" * 6)])),
        field(1, labels_fields(UP) + b"\x12\x10\x09" + bytes(8) + b"\x10" + bytes(6)),
        field(1, labels_fields(UP) + b"\x12\x10\x09" + bytes(8) + b"\x08" + b"\xff" * 5 + b"\1"),
        field(1, b"\x12\x07\x10" + b"\x80" * 5 + b"\1" + labels_fields(UP)),
        field(1, b""),
        b"\x0a\x80\x00",
    ]
)


def _outcome(body: bytes, memory: SeriesMemory) -> object:
    """What a request says, or that it is none."""
    try:
        found = decode_write_request(body, memory)
    except BadMessage:
        return None
    samples = zip(_labels_of(found), found.times_ms.tolist(), found.values.tolist(), strict=True)
    return list(samples), found.invalid_series


@given(st.lists(_pieces | st.binary(max_size=4), max_size=6))
def test_what_is_remembered_changes_no_answer(pieces: list[bytes]) -> None:
    """The short way for series that are known equals the long way of a memory that knows none."""
    memory = SeriesMemory()
    for piece in pieces:
        _outcome(piece, memory)
    body = b"".join(pieces)
    assert _outcome(body, memory) == _outcome(body, SeriesMemory())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_bad_one(body: bytes) -> None:
    with contextlib.suppress(BadMessage):
        _decoded(body)


@given(st.integers(0, 60), st.integers(0, 255))
def test_a_damaged_message_never_escapes_otherwise(place: int, byte: int) -> None:
    body = bytearray(request(Series(UP, [(NOW_MS, 1.0), (NOW_MS + 1, 2.0)])))
    body[place % len(body)] = byte
    with contextlib.suppress(BadMessage):
        _decoded(bytes(body[: len(body) - place % 2]))


def test_a_stale_marker_keeps_its_bits() -> None:
    stale = float_from_bits(STALE_BITS)
    body = request(Series(UP, [(NOW_MS, stale)]))
    memory = SeriesMemory()
    for _ in range(2):
        found = decode_write_request(body, memory)
        assert found.values.view(np.uint64).tolist() == [STALE_BITS]


@pytest.mark.parametrize(
    "labels", [[], [("job", "a")], [*UP, ("job", "b")], [*UP, ("", "b")], [("__name__", "")]]
)
def test_a_series_without_proper_labels_is_left_out(labels: list[tuple[str, str]]) -> None:
    memory = SeriesMemory()
    for _ in range(2):
        body = request(Series(labels, [(NOW_MS, 1.0)]), Series(UP, [(2, 2.0)]))
        found = decode_write_request(body, memory)
        assert found.invalid_series == 1
        assert (_labels_of(found), found.times_ms.tolist()) == ([Labels.of(dict(UP))], [2])
        assert found.values.tolist() == [2.0]


HISTOGRAM = FloatHistogram(
    schema=1,
    zero_threshold=0.001,
    zero_count=2.0,
    count=13.0,
    sum=18.4,
    positive_spans=(BucketSpan(-1, 2), BucketSpan(1, 1)),
    positive_buckets=(1.0, 4.0, 2.0),
    negative_spans=(BucketSpan(0, 1),),
    negative_buckets=(4.0,),
    hint=CounterResetHint.GAUGE,
)
CUSTOM = FloatHistogram(
    schema=-53,
    count=5.0,
    sum=3.0,
    positive_spans=(BucketSpan(0, 3),),
    positive_buckets=(1.0, 3.0, 1.0),
    custom_values=(0.5, 1.0),
)


def test_histograms_exemplars_and_metadata() -> None:
    exemplar = Exemplar(Labels.of(trace_id="x"), 0.25, NOW_MS)
    told = {"up": Metadata(MetricType.GAUGE, "Whether it answers.", "")}
    whole = field(1, labels_fields(UP) + field(4, histogram_message(7, HISTOGRAM, integer=True)))
    body = request(Series(UP, [(5, 1.0)], [(6, HISTOGRAM), (6, CUSTOM)], [exemplar]), metadata=told)
    found = _decoded(body + whole)
    assert [(at, one) for _, at, one in found.histograms] == [
        (6, HISTOGRAM),
        (6, CUSTOM),
        (7, HISTOGRAM),
    ]
    assert [one for _, one in found.exemplars] == [exemplar]
    assert found.metadata == told
    assert found.times_ms.tolist() == [5]


def test_a_stale_histogram_is_a_stale_marker() -> None:
    stale = FloatHistogram(sum=float_from_bits(STALE_BITS))
    found = _decoded(request(Series(UP, [], [(NOW_MS, stale)])))
    assert found.histograms == []
    assert found.times_ms.tolist() == [NOW_MS]
    assert found.values.view(np.uint64).tolist() == [STALE_BITS]


# --- The store behind it ----------------------------------------------------------------------


def test_samples_are_stored_and_the_refused_ones_are_told() -> None:
    storage = MemoryStorage()
    receiver = WriteReceiver(storage, clock=ManualClock(NOW_MS))
    receiver.store(receiver.decode(request(Series(UP, [(NOW_MS - 1, 1.0), (NOW_MS, 2.0)]))))
    up = Labels.of(dict(UP))
    assert storage.samples[up] == {NOW_MS - 1: 1.0, NOW_MS: 2.0}
    late = request(Series(UP, [(NOW_MS - 5, 1.0), (NOW_MS + 1, 3.0), (NOW_MS + 700_000, 4.0)]))
    stored = receiver.store(receiver.decode(late))
    assert stored == Stored(
        samples=1,
        problems=[
            "out of bounds: timestamp is too far in the future (1 samples)",
            "out of order sample (1 samples)",
        ],
    )
    assert storage.samples[up][NOW_MS + 1] == 3.0
    assert receiver.samples == 3


def test_histograms_exemplars_and_metadata_are_stored() -> None:
    storage = MemoryStorage()
    receiver = WriteReceiver(storage, clock=ManualClock(NOW_MS))
    exemplar = Exemplar(Labels.of(trace_id="x"), 0.25, NOW_MS)
    told = {"up": Metadata(MetricType.GAUGE, "Whether it answers.", "")}
    body = request(Series(UP, [], [(NOW_MS, HISTOGRAM)], [exemplar]), metadata=told)
    receiver.store(receiver.decode(body))
    up = Labels.of(dict(UP))
    assert storage.histograms[up] == {NOW_MS: HISTOGRAM}
    assert storage.exemplars == [(up, exemplar)]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"schema": 20}, "invalid schema"),
        ({"positive_buckets": (1.0,)}, "positive side: spans need 3 buckets, have 1 buckets"),
        ({"negative_buckets": (-4.0,)}, "negative side: observation count of a bucket"),
        ({"positive_spans": (BucketSpan(0, 2), BucketSpan(-1, 1))}, "negative span offset"),
        ({"count": 12.0}, "observations found in buckets"),
        ({"custom_values": (1.0,)}, "must not have custom bounds"),
    ],
)
def test_a_histogram_that_contradicts_itself_is_refused(
    change: dict[str, object], problem: str
) -> None:
    storage = MemoryStorage()
    receiver = WriteReceiver(storage, clock=ManualClock(NOW_MS))
    broken = replace(HISTOGRAM, **change)  # type: ignore[arg-type]
    body = request(Series(UP, [(NOW_MS - 1, 1.0)], [(NOW_MS, broken)]))
    (told,) = receiver.store(receiver.decode(body)).problems
    assert problem in told
    assert storage.histograms == {}
    assert storage.samples[Labels.of(dict(UP))] == {NOW_MS - 1: 1.0}


def test_what_a_target_wrote_is_one_group() -> None:
    storage = MemoryStorage()
    receiver = WriteReceiver(storage, clock=ManualClock(NOW_MS))
    series = [
        Series([("__name__", name), ("instance", instance), ("job", "j")], [(NOW_MS, 1.0)])
        for instance in ("a", "b")
        for name in ("x", "y")
    ]
    receiver.store(receiver.decode(request(*series)))
    assert repr(receiver) == "WriteReceiver(4 samples, 2 groups)"
    receiver.close()


def test_a_memory_that_starts_anew_mixes_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "KNOWN_SERIES_MAX", 2)
    storage = MemoryStorage()
    receiver = WriteReceiver(storage, clock=ManualClock(NOW_MS))

    def body(at: int, *names: str) -> bytes:
        return request(*(Series([("__name__", name)], [(at, at - NOW_MS)]) for name in names))

    first = receiver.decode(body(NOW_MS - 2, "a", "b", "c"))
    late = receiver.decode(body(NOW_MS - 1, "c", "b"))  # in the memory that is about to go
    receiver.store(first)
    receiver.store(receiver.decode(body(NOW_MS, "b", "d")))
    receiver.store(late)
    told = {labels.metric: values for labels, values in storage.samples.items()}
    assert told == {
        "a": {NOW_MS - 2: -2.0},
        "b": {NOW_MS - 2: -2.0, NOW_MS: 0.0},  # what came late was older
        "c": {NOW_MS - 2: -2.0, NOW_MS - 1: -1.0},
        "d": {NOW_MS: 0.0},
    }


def test_columns_that_the_store_gave_back_are_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    storage = MemoryStorage()
    receiver = WriteReceiver(storage, clock=ManualClock(NOW_MS))
    receiver.store(receiver.decode(request(Series(UP, [(NOW_MS - 1, 1.0)]))))
    group = receiver._groups[0]
    append, columns, asked = group.append_loose, group.columns, list[Labels]()

    def dropped(*arguments: object, **more: object) -> Appended:
        monkeypatch.setattr(group, "append_loose", append)
        raise ColumnsDropped(1)

    def counted(labels: Sequence[Labels]) -> Ints:
        asked.extend(labels)
        return columns(labels)

    monkeypatch.setattr(group, "append_loose", dropped)
    monkeypatch.setattr(group, "columns", counted)
    body = request(Series(UP, [(NOW_MS, 2.0)]))
    assert receiver.store(receiver.decode(body)) == Stored(samples=1, problems=[])
    assert asked == [Labels.of(dict(UP))]
    assert storage.samples[Labels.of(dict(UP))][NOW_MS] == 2.0


# --- The HTTP in front ------------------------------------------------------------------------


async def _post(receiver: WriteReceiver | None, body: bytes, **headers: str) -> tuple[int, str]:
    app = web.Application()
    app.add_routes(write_routes(receiver, DoorMetrics(CollectorRegistry())))
    listener = await listen(app, "127.0.0.1:0", movable=False)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{listener.url}/api/v1/write", data=body, headers=named) as response,
        ):
            return response.status, await response.text()
    finally:
        await listener.close()


_HEADERS = {"Content_Encoding": "snappy", "Content_Type": "application/x-protobuf"}


def _packed(body: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(body))


async def test_a_request_is_answered_with_nothing_and_stored() -> None:
    storage = MemoryStorage()
    receiver = WriteReceiver(storage, clock=ManualClock(NOW_MS))
    body = _packed(request(Series(UP, [(NOW_MS, 1.0)])))
    assert await _post(receiver, body, **_HEADERS) == (204, "")
    assert storage.samples == {Labels.of(dict(UP)): {NOW_MS: 1.0}}
    assert await _post(receiver, b"\0", **_HEADERS) == (204, "")


@pytest.mark.parametrize(
    ("body", "headers", "status", "text"),
    [
        (b"", _HEADERS, 400, "snappy: corrupt input"),
        (b"\xff\xff\xff\xff\x0f", _HEADERS, 400, "decoded size exceeds the 33554432 bytes limit"),
        (b"\x05abc", _HEADERS, 400, "snappy: corrupt input"),
        (_packed(b"\x0a\xff"), _HEADERS, 400, "proto: "),
        (b"", {**_HEADERS, "Content_Encoding": "zstd"}, 415, "zstd encoding (compression)"),
        (b"", {**_HEADERS, "Content_Type": "text/plain"}, 415, "expected application/x-protobuf"),
        (
            b"",
            {**_HEADERS, "Content_Type": "application/x-protobuf;proto=x.Y"},
            415,
            "unknown type for remote write protobuf message x.Y, supported: ",
        ),
    ],
)
async def test_what_is_no_request_is_refused(
    body: bytes, headers: dict[str, str], status: int, text: str
) -> None:
    storage = MemoryStorage()
    receiver = WriteReceiver(storage, clock=ManualClock(NOW_MS))
    found = await _post(receiver, body, **headers)
    assert found[0] == status
    assert text in found[1]
    assert storage.samples == {}


async def test_without_the_flag_it_says_which_one() -> None:
    status, text = await _post(None, b"", **_HEADERS)
    assert (status, "--web.enable-remote-write-receiver" in text) == (404, True)
