"""The job's client against servers that behave, and servers that do not."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from termprom.clock import SystemClock
from termprom.config.schema import BasicAuth, HTTPClientConfig, ScrapeConfig, Secret, TargetGroup
from termprom.errors import BadStatus, BodyTooLarge, ScrapeError, TargetTimeout, TargetUnreachable
from termprom.scrape.client import JobClient
from termprom.scrape.target import Target, find_targets

PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nup 1\n"
Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


class Peer:
    """A server that counts connections and keeps the requests it saw."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.connections = 0
        self.requests: list[bytes] = []
        self.address = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                request = await reader.readuntil(b"\r\n\r\n")
                self.requests.append(request)
                await self.answer(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def peer(answer: Answer | bytes) -> AsyncIterator[Peer]:
    async def say(request: bytes, writer: asyncio.StreamWriter) -> None:
        assert isinstance(answer, bytes)
        writer.write(answer)

    one = Peer(say if isinstance(answer, bytes) else answer)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield one


def job_of(**settings: object) -> ScrapeConfig:
    return ScrapeConfig(
        job_name="j", scrape_interval=10_000, scrape_timeout=5_000, **settings  # type: ignore[arg-type]
    )  # fmt: skip


def target_of(job: ScrapeConfig, address: str) -> Target:
    (target,) = find_targets(job, [TargetGroup((address,))]).active
    return target


@asynccontextmanager
async def client_of(job: ScrapeConfig) -> AsyncIterator[JobClient]:
    client = JobClient(job, clock=SystemClock())
    await client.prepare()
    try:
        yield client
    finally:
        await client.close()


async def ask(address: str, times: int = 1, **settings: object) -> bytes:
    job = job_of(**settings)
    async with client_of(job) as client:
        for _ in range(times):
            answer = await client.fetch(target_of(job, address))
    return answer.body


async def test_scrapes_share_a_connection_and_say_who_they_are() -> None:
    http = HTTPClientConfig(basic_auth=BasicAuth(username="u", password=Secret("p")))
    async with peer(PAGE) as one:
        assert await ask(one.address, times=3, http=http, params={"a": ["b c"]}) == b"up 1\n"
    assert one.connections == 1
    lines = one.requests[2].split(b"\r\n")
    assert lines[0] == b"GET /metrics?a=b+c HTTP/1.1"
    assert b"Host: " + one.address.encode() in lines
    assert b"Authorization: Basic dTpw" in lines
    assert b"X-Prometheus-Scrape-Timeout-Seconds: 5" in lines
    assert b"Accept-Encoding: gzip" in lines


async def test_many_at_once_need_many_connections() -> None:
    job = job_of()
    meeting = asyncio.Barrier(3)

    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        await meeting.wait()
        writer.write(PAGE)

    async with peer(answer) as one, client_of(job) as client:
        target = target_of(job, one.address)
        await asyncio.gather(*(client.fetch(target) for _ in range(3)))
        await asyncio.gather(*(client.fetch(target) for _ in range(3)))
    assert one.connections == 3


async def test_a_connection_that_the_target_closed_is_replaced() -> None:
    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(PAGE)
        if one.connections == 1:
            await writer.drain()
            writer.close()

    async with peer(answer) as one:
        assert await ask(one.address, times=3) == b"up 1\n"
    assert one.connections == 2


async def test_a_request_on_a_connection_that_just_closed_is_asked_again() -> None:
    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        if len(one.requests) == 2:
            writer.close()  # instead of an answer
        else:
            writer.write(PAGE)

    async with peer(answer) as one:
        assert await ask(one.address, times=2) == b"up 1\n"
    assert (one.connections, len(one.requests)) == (2, 3)


async def test_packed_pages_are_unpacked() -> None:
    packed = gzip.compress(b"up 1\n" * 50_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    async with peer(head + packed) as one:
        assert await ask(one.address) == b"up 1\n" * 50_000


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", BadStatus, "HTTP status 503 Busy"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", BadStatus, "302 Found"),
        (b"hello\r\n\r\n", TargetUnreachable, 'malformed HTTP response "hello"'),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000, BodyTooLarge, "body size limit exceeded"),
    ],
)
async def test_bad_answers(answer: bytes, kind: type[ScrapeError], words: str) -> None:
    async with peer(answer) as one:
        with pytest.raises(kind, match=words):
            await ask(one.address, body_size_limit=1000)


async def test_a_redirect_is_followed() -> None:
    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        if request.startswith(b"GET /metrics "):
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: /m2\r\nContent-Length: 0\r\n\r\n")
        else:
            writer.write(PAGE)

    async with peer(answer) as one:
        assert await ask(one.address) == b"up 1\n"
        with pytest.raises(BadStatus):
            await ask(one.address, http=HTTPClientConfig(follow_redirects=False))
    assert one.requests[1].startswith(b"GET /m2 ")


async def test_a_timeout_gives_the_connection_up() -> None:
    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        if len(one.requests) == 2:
            await gone.wait()
        writer.write(PAGE)

    gone = asyncio.Event()
    job = job_of()
    async with peer(answer) as one, client_of(job) as client:
        target = target_of(job, one.address)
        await client.fetch(target)
        with pytest.raises(TargetTimeout, match=r'^Get "http.*": context deadline exceeded$'):
            await client.fetch(replace(target, timeout_ms=20))
        gone.set()
        assert (await client.fetch(target)).body == b"up 1\n"
    assert one.connections == 2


async def test_nobody_listens() -> None:
    async with peer(PAGE) as one:
        address = one.address
    with pytest.raises(TargetUnreachable, match=f"dial tcp {address}: connect: connection refused"):
        await ask(address)
