"""Connections to targets that stay open between scrapes.

They carry HTTP, with or without TLS, one request at a time: for that a whole HTTP client would cost
more CPU than the rest of a scrape. What needs more (an HTTP proxy, a redirect) is the job client's
business.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Final, NamedTuple

from termprom.errors import ScrapeError, TargetUnreachable
from termprom.scrape.http_response import BadResponse, Response, ResponseReader
from termprom.scrape.socks import socks_socket
from termprom.scrape.words import dial_words, read_words, transport_words

IDLE_SECONDS: Final = 300.0
_EYEBALLS_SECONDS: Final = 0.3  # before the next address of a host is tried as well
_ROOM: Final = memoryview(bytearray(256 << 10))  # the kernel's side copies into it; see get_buffer


class Place(NamedTuple):
    """Where a connection leads, and how: those that agree in all of it serve each other's requests.

    `name` is whom the certificate has to name; `socks` the URL of a proxy.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    name: str = ""
    socks: str = ""


class Connection(asyncio.BufferedProtocol):
    """One connection; `ask` it again when the answer was whole and `reusable`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader: ResponseReader | None = None
        self._answer: asyncio.Future[Response] | None = None
        self.idle_since = 0.0

    def __repr__(self) -> str:
        return f"Connection({'open' if self.is_open else 'closed'})"

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    @property
    def answered(self) -> bool:
        """Whether a byte of the latest answer came."""
        return self._reader is not None and self._reader.began

    async def ask(self, request: bytes, limit_bytes: int) -> Response:
        """The answer to `request`. Raises OSError, BadResponse, BodyTooLarge."""
        assert self._transport is not None
        self._reader = ResponseReader(limit_bytes)
        self._answer = self._loop.create_future()
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            if self._answer is not None:
                # Given up: whatever still comes belongs to nobody.
                self._answer = None
                self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # --- Called by the event loop -------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        # Shared by all: the loop fills it and calls `buffer_updated` without a pause between.
        return _ROOM

    def buffer_updated(self, nbytes: int) -> None:
        if self._answer is None or self._reader is None:
            self.close()  # nobody asked
            return
        try:
            response = self._reader.feed(bytes(_ROOM[:nbytes]))
        except ScrapeError as problem:
            self._fail(problem)
            self.close()
            return
        if response is not None:
            self._give(response)

    def eof_received(self) -> None:
        # The transport closes itself; `connection_lost` sees to the rest.
        return

    def connection_lost(self, problem: Exception | None) -> None:
        if self._answer is None or self._reader is None:
            return
        if problem is not None:
            self._fail(problem)
            return
        try:
            self._give(self._reader.end())
        except BadResponse as cut_off:
            self._fail(cut_off)

    def _give(self, response: Response) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result(response)

    def _fail(self, problem: Exception) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(problem)


class Connections:
    """Those of one job that wait for their next request."""

    def __init__(self) -> None:
        self._idle: dict[Place, list[Connection]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"Connections({sum(map(len, self._idle.values()))} idle)"

    async def ask(self, place: Place, request: bytes, limit_bytes: int) -> Response:
        """The answer of `place`. Raises TargetUnreachable, BadResponse, BodyTooLarge."""
        connection = self._take(place)
        if connection is not None:
            try:
                return await self._ask(connection, place, request, limit_bytes)
            except BadResponse:
                # Targets close what idles for too long; then the request was never looked at.
                if connection.answered:
                    raise
        return await self._ask(await self._open(place), place, request, limit_bytes)

    async def _ask(
        self, connection: Connection, place: Place, request: bytes, limit_bytes: int
    ) -> Response:
        try:
            response = await connection.ask(request, limit_bytes)
        except ssl.SSLError as problem:
            words = transport_words(problem, place.host, place.port)
            raise BadResponse(words, in_body=connection.answered) from problem
        except OSError as problem:
            words = read_words(problem, place.host, place.port)
            raise BadResponse(words, in_body=connection.answered) from problem
        if response.reusable and connection.is_open:
            self._keep(connection, place)
        else:
            connection.close()
        return response

    async def _open(self, place: Place) -> Connection:
        loop = asyncio.get_running_loop()
        host, port = place.host, place.port
        name = place.name or None if place.tls is not None else None
        try:
            if place.socks:
                link = await socks_socket(place.socks, host, port)
                _, connection = await loop.create_connection(
                    Connection, sock=link, ssl=place.tls, server_hostname=name
                )
            else:
                _, connection = await loop.create_connection(
                    Connection,
                    host,
                    port,
                    ssl=place.tls,
                    server_hostname=name,
                    happy_eyeballs_delay=_EYEBALLS_SECONDS,
                )
        except ssl.SSLError as problem:
            raise TargetUnreachable(transport_words(problem, host, port)) from problem
        except ConnectionResetError as problem:
            # The other side heard us and hung up: only a handshake can have been going on.
            raise TargetUnreachable(read_words(problem, host, port)) from problem
        except OSError as problem:
            raise TargetUnreachable(dial_words(problem, host, port)) from problem
        return connection

    def _take(self, place: Place) -> Connection | None:
        waiting = self._idle.get(place)
        while waiting:
            connection = waiting.pop()
            if connection.is_open:
                return connection
        return None

    def _keep(self, connection: Connection, place: Place) -> None:
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.setdefault(place, []).append(connection)
        if self._sweep is None:
            self._sweep = loop.call_later(IDLE_SECONDS / 2, self._close_idle)

    def _close_idle(self) -> None:
        """Close what nobody has asked for long: its target may be gone."""
        loop = asyncio.get_running_loop()
        before = loop.time() - IDLE_SECONDS
        for place, waiting in list(self._idle.items()):
            fresh = [one for one in waiting if one.is_open and one.idle_since > before]
            for connection in waiting:
                if connection not in fresh:
                    connection.close()
            if fresh:
                self._idle[place] = fresh
            else:
                del self._idle[place]
        again = loop.call_later(IDLE_SECONDS / 2, self._close_idle) if self._idle else None
        self._sweep = again

    def close(self) -> None:
        """Close everything that waits."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for waiting in self._idle.values():
            for connection in waiting:
                connection.close()
        self._idle.clear()
