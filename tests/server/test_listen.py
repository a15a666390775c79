"""Listeners over real sockets: moving ports, places for connections, clients that dawdle."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from termprom import limits
from termprom.errors import AddressInUse
from termprom.server.door_metrics import DoorMetrics
from termprom.server.gate import Gate
from termprom.server.listen import Listener, listen
from tests.server.api import serving

_REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def _hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


def _app() -> web.Application:
    app = web.Application()
    app.add_routes([web.get("/", _hello)])
    return app


@asynccontextmanager
async def _listening(
    address: str = "127.0.0.1:0", *, movable: bool = False, gate: Gate | None = None
) -> AsyncIterator[Listener]:
    listener = await listen(_app(), address, movable=movable, gate=gate)
    try:
        yield listener
    finally:
        await listener.close()


async def _connect(listener: Listener) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = listener.address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    return await reader.readexactly(len("hello"))


async def test_it_answers_at_its_url_until_it_is_closed() -> None:
    async with _listening() as listener, aiohttp.ClientSession() as session:
        url = listener.url
        assert url == f"http://{listener.address}"
        assert listener.moved_from == ""
        async with session.get(url) as response:
            assert await response.text() == "hello"
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(url)


async def test_a_taken_default_moves_and_says_so() -> None:
    async with _listening() as first, _listening(first.address, movable=True) as second:
        assert second.moved_from == first.address
        assert second.address != first.address


async def test_a_taken_port_that_was_asked_for_is_an_error() -> None:
    async with _listening() as first:
        with pytest.raises(AddressInUse):
            await listen(_app(), first.address, movable=False)


async def test_the_client_beyond_the_last_place_waits_until_one_leaves() -> None:
    gate = Gate(places=1)
    async with _listening(gate=gate) as listener:
        first_reader, first = await _connect(listener)
        first.write(_REQUEST)
        assert await _answer(first_reader) == b"hello"
        second_reader, second = await _connect(listener)  # the kernel's queue takes it
        second.write(_REQUEST)
        answer = asyncio.ensure_future(_answer(second_reader))
        # A third request on the first connection proves that the server is awake meanwhile.
        first.write(_REQUEST)
        assert await _answer(first_reader) == b"hello"
        assert not answer.done()
        assert gate.inside == 1
        first.close()
        await first.wait_closed()
        assert await answer == b"hello"
        second.close()
        await second.wait_closed()


async def test_a_gate_is_shared_between_listeners_and_empty_at_the_end() -> None:
    gate = Gate(places=2)
    async with _listening(gate=gate) as one, _listening(gate=gate) as other:
        for listener in (one, other):
            async with aiohttp.ClientSession() as session, session.get(listener.url) as response:
                assert response.status == 200
    assert gate.inside == 0


async def test_connections_are_counted() -> None:
    registry = CollectorRegistry()
    gate = Gate(metrics=DoorMetrics(registry))

    def count(what: str) -> float | None:
        name = f"net_conntrack_listener_conn_{what}_total"
        return registry.get_sample_value(name, {"listener_name": "http"})

    async with (
        _listening(gate=gate) as listener,
        aiohttp.ClientSession() as session,
        session.get(listener.url) as response,
    ):
        assert response.status == 200
        assert (count("accepted"), count("closed")) == (1, 0)
    assert (count("accepted"), count("closed")) == (1, 1)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
async def test_a_client_that_does_not_finish_its_request_head_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(limits, "REQUEST_HEAD_SECONDS_MAX", 0.05)
    gate = Gate()
    async with _listening(gate=gate) as listener:
        reader, writer = await _connect(listener)
        writer.write(sent)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readuntil(b"\r\n\r\n")
        writer.close()
        # Whoever behaves is not concerned.
        async with aiohttp.ClientSession() as session, session.get(listener.url) as response:
            assert response.status == 200


async def test_a_request_head_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_BYTES_MAX", 4096)
    async with _listening() as listener:
        reader, writer = await _connect(listener)
        writer.write(b"GET / HTTP/1.1\r\n")
        for number in range(100):
            writer.write(b"X-%d: %s\r\n" % (number, b"a" * 100))
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readuntil(b"\r\n\r\n")
        writer.close()


async def test_one_long_header_line_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async with _listening() as listener:
        reader, writer = await _connect(listener)
        writer.write(b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.0 400") or head.startswith(b"HTTP/1.1 400")
        writer.close()


async def test_a_head_in_small_pieces_is_served() -> None:
    async with _listening() as listener:
        reader, writer = await _connect(listener)
        for byte in _REQUEST:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        assert await _answer(reader) == b"hello"
        writer.close()
        await writer.wait_closed()


async def test_a_client_that_does_not_send_its_body_is_cut_off() -> None:
    async with serving(body_seconds=0.05) as api:
        host, _, port = api.url.removeprefix("http://").rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = b"POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
        writer.write(head + b"Content-Type: application/x-www-form-urlencoded\r\n\r\nquery")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readuntil(b"\r\n\r\n")
        writer.close()
        # A query may take longer than its body did: only the body is timed.
        asked = asyncio.ensure_future(api.post("/api/v1/query", query="endless", timeout="1m"))
        await asyncio.to_thread(api.sources.query_engine.began.wait)
        await asyncio.sleep(0.1)
        assert not asked.done()
        asked.cancel()


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the kernel has no such thing")
async def test_a_client_that_takes_nothing_of_its_answer_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "READ_TIMEOUT_SECONDS", 0.2)
    gone = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(1 << 16))
        finally:
            gone.set()

    app = web.Application()
    app.add_routes([web.get("/", endless)])
    gate = Gate()
    listener = await listen(app, "127.0.0.1:0", movable=False, gate=gate)
    try:
        host, _, port = listener.address.rpartition(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(_REQUEST)
            async with asyncio.timeout(30):  # the kernel probes less and less often
                await gone.wait()
    finally:
        await listener.close()
