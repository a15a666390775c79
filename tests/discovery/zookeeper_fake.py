"""A ZooKeeper of one tree: speaks the wire protocol as far as discovery uses it."""

from __future__ import annotations

import asyncio
import struct
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_EXISTS, _GET_DATA, _GET_CHILDREN, _PING, _GET_CHILDREN2 = 3, 4, 8, 11, 12
_CLOSE = -11
_CREATED, _DELETED, _CHANGED, _CHILDREN = 1, 2, 3, 4
_NO_NODE = -101
_STAT = bytes(68)


def _buffer(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or "/"


class FakeZooKeeper:
    def __init__(self) -> None:
        self.nodes: dict[str, bytes] = {"/": b""}
        self.address = ""
        self.asked: list[tuple[int, str]] = []
        self.sessions = 0
        self._data_watches: defaultdict[str, set[asyncio.StreamWriter]] = defaultdict(set)
        self._child_watches: defaultdict[str, set[asyncio.StreamWriter]] = defaultdict(set)
        self._links: set[asyncio.StreamWriter] = set()

    def put(self, path: str, content: str | bytes = b"") -> None:
        """Create or change a node, and tell whoever watches."""
        new = path not in self.nodes
        self.nodes[path] = content.encode() if isinstance(content, str) else content
        self._tell(self._data_watches, path, _CREATED if new else _CHANGED)
        if new:
            self._tell(self._child_watches, _parent(path), _CHILDREN)

    def remove(self, path: str) -> None:
        del self.nodes[path]
        self._tell(self._data_watches, path, _DELETED)
        self._tell(self._child_watches, path, _DELETED)
        self._tell(self._child_watches, _parent(path), _CHILDREN)

    def drop_all(self) -> None:
        """Every session ends."""
        for link in self._links:
            link.transport.abort()

    def _tell(
        self, watches: defaultdict[str, set[asyncio.StreamWriter]], path: str, kind: int
    ) -> None:
        for link in watches.pop(path, set()):
            event = struct.pack(">iqiii", -1, -1, 0, kind, 3) + _buffer(path.encode())
            link.write(_buffer(event))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._links.add(writer)
        try:
            hello = await self._frame(reader)
            timeout_ms = struct.unpack_from(">i", hello, 12)[0]
            self.sessions += 1
            welcome = struct.pack(">iiq", 0, timeout_ms, self.sessions) + _buffer(bytes(16))
            writer.write(_buffer(welcome + b"\x00"))
            while True:
                self._answer(await self._frame(reader), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._links.discard(writer)
            writer.close()

    @staticmethod
    async def _frame(reader: asyncio.StreamReader) -> bytes:
        size = struct.unpack(">i", await reader.readexactly(4))[0]
        return await reader.readexactly(size)

    def _answer(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        xid, operation = struct.unpack_from(">ii", request)
        if operation in (_PING, _CLOSE):
            writer.write(_buffer(struct.pack(">iqi", xid, 0, 0)))
            return
        size = struct.unpack_from(">i", request, 8)[0]
        path = request[12 : 12 + size].decode()
        assert request[12 + size] == 1, "every read sets a watch"
        self.asked.append((operation, path))
        there = path in self.nodes
        if there or operation == _EXISTS:
            of_children = operation in (_GET_CHILDREN, _GET_CHILDREN2)
            watches = self._child_watches if of_children else self._data_watches
            watches[path].add(writer)
        result = b""
        if there and operation == _GET_DATA:
            result = _buffer(self.nodes[path]) + _STAT
        elif there and operation == _EXISTS:
            result = _STAT
        elif there:
            names = [
                node.rpartition("/")[2]
                for node in self.nodes
                if node != "/" and _parent(node) == path
            ]
            result = struct.pack(">i", len(names)) + b"".join(_buffer(n.encode()) for n in names)
            result += _STAT if operation == _GET_CHILDREN2 else b""
        writer.write(_buffer(struct.pack(">iqi", xid, 0, 0 if there else _NO_NODE) + result))


@asynccontextmanager
async def zookeeper() -> AsyncIterator[FakeZooKeeper]:
    fake = FakeZooKeeper()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    fake.address = f"{host}:{port}"
    try:
        yield fake
    finally:
        server.close()
        fake.drop_all()
        await asyncio.sleep(0)
