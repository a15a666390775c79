"""A small client of ZooKeeper: reads nodes, lists children, and hears of changes.

Every message is a frame: its size as <i32 big-endian>, then its content. A session begins with

    request  := version <i32> | last_zxid <i64> | timeout_ms <i32> | session <i64> | password
    answer   := version <i32> | timeout_ms <i32> | session <i64> | password

and goes on with

    request  := xid <i32> | operation <i32> | path <buffer> | watch <u8>
    answer   := xid <i32> | zxid <i64> | error <i32> | result
    event    := -1 <i32> | zxid <i64> | error <i32> | type <i32> | state <i32> | path <buffer>

where the password and a buffer are a size as <i32> and that many bytes. A watch is told of once,
so whoever still wants to know asks again. The session ends with the connection: it creates nothing
that would outlive it.

Source: ZooKeeper, "ZooKeeper Programmer's Guide" and zookeeper.jute.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from types import TracebackType
from typing import Final

from termprom.errors import DiscoveryError

_EXISTS, _GET_DATA, _GET_CHILDREN, _PING = 3, 4, 8, 11
_EVENT_XID, _PING_XID = -1, -2
_NO_NODE: Final = -101
_FRAME_BYTES_MAX: Final = 16 << 20
_DEFAULT_PORT: Final = 2181
_HEADER: Final = struct.Struct(">iqi")
_INT: Final = struct.Struct(">i")


class ZooKeeper:
    """One session with one server: an async context manager. `changes` holds the paths of watched
    nodes that changed; an empty path says that the session is over.
    """

    def __init__(self, server: str, *, timeout_seconds: float) -> None:
        host, _, port = server.rpartition(":") if ":" in server else (server, "", "")
        self._host, self._port = host.strip("[]"), int(port or _DEFAULT_PORT)
        self._timeout_seconds = timeout_seconds
        self.changes: asyncio.Queue[str] = asyncio.Queue()
        self._waiting: dict[int, asyncio.Future[bytes | None]] = {}
        self._xid = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._writer: asyncio.StreamWriter | None = None

    def __repr__(self) -> str:
        return f"ZooKeeper({self._host}:{self._port}, {len(self._waiting)} waiting)"

    async def __aenter__(self) -> ZooKeeper:
        """Raises DiscoveryError."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                reader, self._writer = await asyncio.open_connection(self._host, self._port)
                timeout_ms = round(self._timeout_seconds * 1000)
                hello = struct.pack(">iqiq", 0, 0, timeout_ms, 0) + _buffer(bytes(16))
                self._writer.write(_INT.pack(len(hello)) + hello)
                agreed_ms = _INT.unpack_from(await _frame(reader), 4)[0]
            if agreed_ms <= 0:
                raise DiscoveryError("the session was refused")
        except (OSError, TimeoutError, struct.error, EOFError, DiscoveryError) as problem:
            self._close()
            raise DiscoveryError(f"{self._host}:{self._port}: {_reason(problem)}") from problem
        self._tasks = [
            asyncio.create_task(self._read(reader, agreed_ms / 1000), name=f"{self!r} reads"),
            asyncio.create_task(self._ping(agreed_ms / 3000), name=f"{self!r} pings"),
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._close()

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    async def data(self, path: str) -> bytes | None:
        """The content of a node, which is watched from here on; None where there is no node.

        Raises DiscoveryError.
        """
        answer = await self._ask(_GET_DATA, path)
        try:
            return None if answer is None else _read_buffer(answer, 0)[0]
        except struct.error as problem:
            raise DiscoveryError(f"{path}: an answer that is none") from problem

    async def children(self, path: str) -> list[str]:
        """The names of a node's children, watched; none where there is no node.

        Raises DiscoveryError.
        """
        answer = await self._ask(_GET_CHILDREN, path)
        if answer is None:
            return []
        try:
            count, place = _INT.unpack_from(answer)[0], 4
            names: list[str] = []
            for _ in range(count):
                name, place = _read_buffer(answer, place)
                names.append(name.decode())
        except (struct.error, UnicodeDecodeError) as problem:
            raise DiscoveryError(f"{path}: a list that is none") from problem
        return names

    async def watch_for(self, path: str) -> None:
        """Hear of it when a node comes to be. Raises DiscoveryError."""
        await self._ask(_EXISTS, path)

    async def _ask(self, operation: int, path: str) -> bytes | None:
        """The result; None where there is no such node. Raises DiscoveryError."""
        assert self._writer is not None, "the session is used inside of its context"
        if self._tasks and self._tasks[0].done():
            raise DiscoveryError("the session is over")
        xid = self._xid = self._xid + 1
        answer: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._waiting[xid] = answer
        content = struct.pack(">ii", xid, operation) + _buffer(path.encode()) + b"\x01"
        self._writer.write(_INT.pack(len(content)) + content)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await answer
        except TimeoutError as problem:
            raise DiscoveryError(f"{path}: no answer in time") from problem
        finally:
            self._waiting.pop(xid, None)

    async def _read(self, reader: asyncio.StreamReader, silence_seconds: float) -> None:
        reason = "the server ended the session"
        try:
            while True:
                async with asyncio.timeout(silence_seconds):
                    frame = await _frame(reader)
                self._take(frame)
        except (OSError, TimeoutError, struct.error, ValueError, EOFError) as problem:
            reason = f"the session is over: {_reason(problem)}"
        except DiscoveryError as problem:
            reason = str(problem)
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(DiscoveryError(reason))
            self.changes.put_nowait("")

    def _take(self, frame: bytes) -> None:
        xid, _, error = _HEADER.unpack_from(frame)
        if xid == _EVENT_XID:
            path = _read_buffer(frame, _HEADER.size + 8)[0].decode()
            if path:
                self.changes.put_nowait(path)
            return
        answer = self._waiting.get(xid)
        if answer is None or answer.done():
            return
        if error == 0:
            answer.set_result(frame[_HEADER.size :])
        elif error == _NO_NODE:
            answer.set_result(None)
        else:
            answer.set_exception(DiscoveryError(f"the server answers with error {error}"))

    async def _ping(self, pause_seconds: float) -> None:
        assert self._writer is not None
        content = struct.pack(">ii", _PING_XID, _PING)
        with contextlib.suppress(OSError):
            while True:
                await asyncio.sleep(pause_seconds)
                self._writer.write(_INT.pack(len(content)) + content)
                await self._writer.drain()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """Raises DiscoveryError, OSError, asyncio.IncompleteReadError."""
    size = _INT.unpack(await reader.readexactly(4))[0]
    if not 0 <= size <= _FRAME_BYTES_MAX:
        raise DiscoveryError(f"a message of {size} bytes")
    return await reader.readexactly(size)


def _buffer(content: bytes) -> bytes:
    return _INT.pack(len(content)) + content


def _read_buffer(content: bytes, place: int) -> tuple[bytes, int]:
    """A buffer, where -1 stands for none, and the place behind it. Raises struct.error."""
    size = _INT.unpack_from(content, place)[0]
    start = place + 4
    if size > len(content) - start:
        raise struct.error("cut off")
    return (b"", start) if size < 0 else (content[start : start + size], start + size)


def _reason(problem: BaseException) -> str:
    return str(problem) or type(problem).__name__
