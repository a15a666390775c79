"""Answers: JSON in its envelope, compressed where the client likes, streamed where large."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol, TypeVar

from aiohttp import web
from isal import isal_zlib

from termprom.backend.wire import failure, success, success_pieces
from termprom.backend.wire_text import Json, dumps
from termprom.errors import TermpromError
from termprom.model.notices import Notice
from termprom.server.failures import answer_for

JSON: Final = "application/json"

# Below this, the headers cost more than compression saves.
_COMPRESS_BYTES_MIN: Final = 1024
# Above this, compressing takes longer than the loop may be kept waiting.
_INLINE_BYTES_MAX: Final = 32 << 10
_WINDOW_BITS: Final = {"gzip": 31, "deflate": 15}


# Some 200 kB of text, a few milliseconds of work.
_PIECE_ITEMS: Final = 2_000

T = TypeVar("T")


class Compressor(Protocol):
    def compress(self, data: bytes) -> bytes: ...
    def flush(self) -> bytes: ...


def chosen_encoding(accept: str) -> str:
    """The first of gzip and deflate in an Accept-Encoding header; q-values are not looked at."""
    return next((one for part in accept.split(",") if (one := part.strip()) in _WINDOW_BITS), "")


def _compressor(encoding: str) -> Compressor:
    found: Compressor = isal_zlib.compressobj(1, isal_zlib.DEFLATED, _WINDOW_BITS[encoding])
    return found


async def reply(
    request: web.Request, body: bytes, *, status: int = 200, content_type: str = JSON
) -> web.Response:
    """A finished body."""
    headers = {"Vary": "Accept-Encoding", "Content-Type": content_type}
    encoding = chosen_encoding(request.headers.get("Accept-Encoding", ""))
    if encoding and len(body) >= _COMPRESS_BYTES_MIN:
        headers["Content-Encoding"] = encoding
        if len(body) > _INLINE_BYTES_MAX:
            body = await asyncio.to_thread(_compressed, body, encoding)
        else:
            body = _compressed(body, encoding)
    return web.Response(body=body, status=status, headers=headers)


def _compressed(body: bytes, encoding: str) -> bytes:
    compressor = _compressor(encoding)
    return compressor.compress(body) + compressor.flush()


async def succeed(request: web.Request, data: Json, notices: Sequence[Notice] = ()) -> web.Response:
    """A small document, encoded here."""
    return await reply(request, success(data, notices))


async def succeed_built(
    request: web.Request, build: Callable[[], Json], notices: Sequence[Notice] = ()
) -> web.Response:
    """A document that may be large: built and encoded in a thread."""
    body = await asyncio.to_thread(lambda: success(build(), notices))
    return await reply(request, body)


async def succeed_list(
    request: web.Request,
    items: Sequence[T],
    encode: Callable[[T], Json],
    notices: Sequence[Notice] = (),
) -> web.StreamResponse:
    """A list, which leaves in pieces where it is long."""

    def pieces() -> Iterator[bytes]:
        opening = b"["
        for first in range(0, len(items), _PIECE_ITEMS):
            batch = [encode(one) for one in items[first : first + _PIECE_ITEMS]]
            yield opening + dumps(batch)[1:-1]
            opening = b","
        yield b"]" if items else b"[]"

    large = len(items) > _PIECE_ITEMS
    return await succeed_pieces(request, pieces(), notices, "", large=large)


async def succeed_pieces(
    request: web.Request,
    pieces: Iterator[bytes],
    notices: Sequence[Notice],
    expr: str,
    *,
    large: bool,
) -> web.StreamResponse:
    """A document in pieces; a large one leaves piece by piece, each made in a thread."""
    whole = success_pieces(pieces, notices, expr)
    if not large:
        return await reply(request, b"".join(whole))
    headers = {"Vary": "Accept-Encoding", "Content-Type": JSON}
    encoding = chosen_encoding(request.headers.get("Accept-Encoding", ""))
    if encoding:
        headers["Content-Encoding"] = encoding
        whole = _compressed_pieces(whole, encoding)
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    while (piece := await asyncio.to_thread(next, whole, None)) is not None:
        await response.write(piece)
    await response.write_eof()
    return response


def _compressed_pieces(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    compressor = _compressor(encoding)
    compressed = map(compressor.compress, pieces)
    # The compressor keeps small pieces back; an empty write would end a chunked answer.
    yield from (piece for piece in compressed if piece)
    yield compressor.flush()


async def refuse(request: web.Request, problem: TermpromError) -> web.Response:
    """The error envelope."""
    answer = answer_for(problem)
    return await reply(request, failure(answer.error_type, str(problem)), status=answer.status)
