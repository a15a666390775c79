"""Remote write, received: the message, the store behind it, and the HTTP in front."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Sequence

import aiohttp
import cramjam
import numpy as np
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from termprom.model.labels import Labels
from termprom.model.values import STALE_BITS, float_from_bits
from termprom.remote.receiver import RefusedSamples, WriteReceiver
from termprom.remote.write_request import BadMessage, KnownSeries, decode_write_request
from termprom.server.listen import listen
from termprom.server.remote_write import write_routes
from termprom.testing.clock import ManualClock
from termprom.testing.memory_storage import MemoryStorage

NOW_MS = 1_700_000_000_000

Series = tuple[Sequence[tuple[str, str]], Sequence[tuple[int, float]]]


# --- The plain twin: an encoder by the specification ------------------------------------------


def _varint(number: int) -> bytes:
    number %= 1 << 64
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _series(one: Series) -> bytes:
    labels, samples = one
    pairs = [_field(1, n.encode()) + _field(2, v.encode()) for n, v in labels]
    points = [b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(at) for at, value in samples]
    found = b"".join(_field(1, pair) for pair in pairs)
    return found + b"".join(_field(2, point) for point in points)


def request(*series: Series) -> bytes:
    return b"".join(_field(1, _series(one)) for one in series)


UP = [("__name__", "up"), ("job", "a")]


_labels = st.dictionaries(st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=200))
_texts = _labels.map(lambda found: [("__name__", "m"), *sorted(found.items())])
_samples = st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats()), max_size=4)


@given(st.lists(st.tuples(_texts, _samples), max_size=4))
def test_what_was_encoded_is_decoded(series: list[Series]) -> None:
    known: KnownSeries = {}
    for _ in range(2):  # the second time from memory
        found = decode_write_request(request(*series), known)
        assert found.labels == [Labels.of(dict(labels)) for labels, _ in series]
        assert found.series.tolist() == [
            number for number, (_, samples) in enumerate(series) for _ in samples
        ]
        flat = [sample for _, samples in series for sample in samples]
        assert found.times_ms.tolist() == [at for at, _ in flat]
        np.testing.assert_array_equal(found.values, np.array([value for _, value in flat]))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_bad_one(body: bytes) -> None:
    with contextlib.suppress(BadMessage):
        decode_write_request(body)


@given(st.integers(0, 60), st.integers(0, 255))
def test_a_damaged_message_never_escapes_otherwise(place: int, byte: int) -> None:
    body = bytearray(request((UP, [(NOW_MS, 1.0), (NOW_MS + 1, 2.0)])))
    body[place % len(body)] = byte
    with contextlib.suppress(BadMessage):
        decode_write_request(bytes(body[: len(body) - place % 2]))


def test_a_stale_marker_keeps_its_bits() -> None:
    found = decode_write_request(request((UP, [(NOW_MS, float_from_bits(STALE_BITS))])))
    assert found.values.view(np.uint64).tolist() == [STALE_BITS]


@pytest.mark.parametrize(
    "labels", [[], [("job", "a")], [*UP, ("job", "b")], [*UP, ("", "b")], [("__name__", "")]]
)
def test_a_series_without_proper_labels_is_left_out(labels: list[tuple[str, str]]) -> None:
    found = decode_write_request(request((labels, [(1, 1.0)]), (UP, [(2, 2.0)])))
    assert found.invalid_series == 1
    assert (found.labels, found.times_ms.tolist()) == ([Labels.of(dict(UP))], [2])
    assert found.values.tolist() == [2.0]


def test_metadata_exemplars_and_histograms_are_passed_over() -> None:
    inner = _series((UP, [(1, 1.0)])) + _field(3, b"\x09" + bytes(8)) + _field(4, b"\x08\x01")
    found = decode_write_request(_field(3, b"\x08\x01") + _field(1, inner))
    assert (found.times_ms.tolist(), found.histograms) == ([1], 1)


# --- The store behind it ----------------------------------------------------------------------


def test_samples_are_stored_and_the_refused_ones_are_told() -> None:
    storage = MemoryStorage()
    receiver = WriteReceiver(storage, clock=ManualClock(NOW_MS))
    receiver.store(receiver.decode(request((UP, [(NOW_MS - 1, 1.0), (NOW_MS, 2.0)]))))
    up = Labels.of(dict(UP))
    assert storage.samples[up] == {NOW_MS - 1: 1.0, NOW_MS: 2.0}
    late = request((UP, [(NOW_MS - 5, 1.0), (NOW_MS + 1, 3.0), (NOW_MS + 700_000, 4.0)]))
    with pytest.raises(RefusedSamples) as caught:
        receiver.store(receiver.decode(late))
    assert "out of order sample (1 samples)" in str(caught.value)
    assert "too far in the future (1 samples)" in str(caught.value)
    assert storage.samples[up][NOW_MS + 1] == 3.0
    assert receiver.samples == 3


# --- The HTTP in front ------------------------------------------------------------------------


async def _post(receiver: WriteReceiver | None, body: bytes, **headers: str) -> tuple[int, str]:
    app = web.Application()
    app.add_routes(write_routes(receiver))
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
    body = _packed(request((UP, [(NOW_MS, 1.0)])))
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
            {
                **_HEADERS,
                "Content_Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
            },
            415,
            "io.prometheus.write.v2.Request protobuf message is not accepted",
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
