"""HTTP/1.x responses put together from the pieces in which they arrive. Does no I/O.

    response := status-line header* blank-line body
    body     := Content-Length bytes | chunks | everything up to the end of the stream

A scraper reads one short answer per request, hundreds of times a second, and needs four things of
it. Source: RFC 9112; where upstream's client forgives (a bare newline at a line's end), so does
this.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from termprom.errors import BodyTooLarge, ScrapeError

HEAD_BYTES_MAX: Final = 256 << 10  # the reasonable ones are below 1 kB
_CHUNK_LINE_BYTES_MAX: Final = 4096
_PAGE_BYTES_MAX: Final = 64 << 10  # of an error's page that is waited for

_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([0-9]{3})(?: ([^\r\n]*))?\r?(?:\n|$)")
_SIZE: Final = re.compile(rb"[ \t]*([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?")
_BODILESS: Final = frozenset({204, 304})


@dataclass
class BadResponse(ScrapeError):
    """What came is not HTTP, or ended too early; the text is upstream's."""

    reason: str
    in_body: bool = False

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response. `headers` have names in lower case; of repeated ones the first counts.

    `reusable` says whether the connection may be asked again.
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes
    reusable: bool


class ResponseReader:
    """Takes the bytes of one response; `began` says whether any came."""

    __slots__ = (
        "_chunks", "_head", "_limit_bytes", "_parts", "_size", "_wanted", "began",
    )  # fmt: skip

    def __init__(self, limit_bytes: int) -> None:
        """Bodies have to be shorter than `limit_bytes`."""
        self.began = False
        self._limit_bytes = limit_bytes
        self._head: _Head | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._wanted = -1  # the length of the body, where it is known
        self._chunks: _Chunks | None = None

    def __repr__(self) -> str:
        return f"ResponseReader({self._size} of {self._wanted} bytes)"

    def feed(self, data: bytes) -> Response | None:
        """The response, once it is whole. Raises BadResponse, BodyTooLarge."""
        self.began = True
        while self._head is None:
            data = self._take_head(data)
            if self._head is None and not data:
                return None
        head = self._head
        if head.status != 200 and not 0 <= self._wanted <= _PAGE_BYTES_MAX:
            # Why there is no page is told by the status; a new connection is cheaper than a novel.
            return head.response(b"", reusable=False)
        if self._wanted >= 0:
            size = self._size + len(data)
            if size >= self._wanted:
                exact = size == self._wanted
                body = b"".join((*self._parts, data)) if self._parts else data
                # What comes unasked is nobody's answer.
                return head.response(body if exact else body[: self._wanted], reusable=exact)
        elif self._chunks is not None:
            return self._feed_chunks(head, self._chunks, data)
        self._keep(data)
        return None

    def end(self) -> Response:
        """The response that the end of the stream completes. Raises BadResponse."""
        if self._head is None:
            raise BadResponse("unexpected EOF" if self._parts else "EOF")
        if self._wanted >= 0 or self._chunks is not None:
            raise BadResponse("unexpected EOF", in_body=True)
        return self._head.response(b"".join(self._parts), reusable=False)

    def _take_head(self, data: bytes) -> bytes:
        """Read the head if it is whole; what follows it. Nothing where there is more to come."""
        if self._parts:
            data = self._parts.pop() + data
        found = _HEAD_END.search(data)
        if found is None:
            if len(data) > HEAD_BYTES_MAX:
                raise BadResponse("net/http: server response headers exceeded the limit")
            self._parts.append(data)
            return b""
        head = _parse_head(data[: found.start()])
        rest = data[found.end() :]
        if 100 <= head.status < 200:
            return rest  # an interim answer; the real one follows
        self._head = head
        if head.status in _BODILESS:
            self._wanted = 0
        elif head.chunked:
            self._chunks = _Chunks()
        elif head.length is not None:
            self._wanted = head.length
            if head.status == 200 and head.length >= self._limit_bytes:
                raise BodyTooLarge(self._limit_bytes)
        return rest

    def _feed_chunks(self, head: _Head, chunks: _Chunks, data: bytes) -> Response | None:
        for part in chunks.feed(data):
            self._keep(part)
        if not chunks.done:
            return None
        return head.response(b"".join(self._parts), reusable=not chunks.rest)

    def _keep(self, part: bytes) -> None:
        if part:
            self._parts.append(part)
            self._size += len(part)
            if self._size >= self._limit_bytes:
                raise BodyTooLarge(self._limit_bytes)


@dataclass(frozen=True, slots=True)
class _Head:
    status: int
    reason: str
    headers: Mapping[str, str]
    length: int | None
    chunked: bool
    keeps_alive: bool

    def response(self, body: bytes, *, reusable: bool) -> Response:
        return Response(self.status, self.reason, self.headers, body, reusable and self.keeps_alive)


def _parse_head(raw: bytes) -> _Head:
    """Status line and headers, without the blank line. Raises BadResponse."""
    status = _STATUS.match(raw)
    if status is None:
        first = raw.partition(b"\n")[0].rstrip(b"\r")[:120].decode("utf-8", "backslashreplace")
        raise _broken(f'malformed HTTP response "{first}"')
    headers: dict[str, str] = {}
    name = ""
    for line in raw[status.end() :].decode("utf-8", "replace").split("\n"):
        if line[:1] in (" ", "\t") and name:
            headers[name] += " " + line.strip()  # a folded line
            continue
        before, colon, after = line.partition(":")
        if not colon:
            if line.strip():
                raise _broken(f"malformed MIME header line: {line.strip()[:120]}")
            continue
        name = before.strip().lower()
        after = after.strip()
        if headers.setdefault(name, after) != after and name == "content-length":
            raise _broken("http: message cannot contain multiple Content-Length headers")
    length = headers.get("content-length")
    if length is not None and not (length.isascii() and length.isdigit() and len(length) < 19):
        raise _broken(f'bad Content-Length "{length[:40]}"')
    encoding = headers.get("transfer-encoding", "").lower()
    if encoding not in ("", "chunked", "identity"):
        raise _broken(f'unsupported transfer encoding: "{encoding[:40]}"')
    connection = headers.get("connection", "").lower()
    keeps_alive = "close" not in connection and (status[1] == b"1" or "keep-alive" in connection)
    return _Head(
        status=int(status[2]),
        reason=(status[3] or b"").decode("utf-8", "replace").strip(),
        headers=headers,
        length=int(length) if length is not None else None,
        chunked=encoding == "chunked",
        keeps_alive=keeps_alive,
    )


class _Chunks:
    """The chunked coding: sizes in hexadecimal lines, the last one 0, then trailers."""

    __slots__ = ("_left", "_trailers", "done", "rest")

    def __init__(self) -> None:
        self.done = False
        self.rest = b""  # bytes that are not used up
        self._left = 0  # of the current chunk, with the two bytes behind it
        self._trailers = False

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces of the body in `data`. Raises BadResponse."""
        data, self.rest = self.rest + data, b""
        parts: list[bytes] = []
        at = 0
        while not self.done and at < len(data):
            if self._left > 2:
                part = data[at : at + self._left - 2]
                parts.append(part)
                at += len(part)
                self._left -= len(part)
            elif self._left:
                at, behind = at + self._left, data[at : at + self._left]
                self._left -= len(behind)
                if behind.strip(b"\r\n"):
                    raise BadResponse("malformed chunked encoding", in_body=True)
            else:
                end = data.find(b"\n", at)
                if end < 0:
                    break
                self._line(data[at:end].rstrip(b"\r"))
                at = end + 1
        self.rest = data[at:]
        if not self.done and len(self.rest) > _CHUNK_LINE_BYTES_MAX:
            raise BadResponse("header line too long", in_body=True)
        return parts

    def _line(self, line: bytes) -> None:
        if self._trailers:
            self.done = not line
            return
        size = _SIZE.fullmatch(line)
        if size is None:
            raise BadResponse("invalid byte in chunk length", in_body=True)
        length = int(size[1], 16)
        self._trailers = length == 0
        self._left = length + 2 if length else 0


def _broken(reason: str) -> BadResponse:
    return BadResponse(f"net/http: HTTP/1.x transport connection broken: {reason}")
