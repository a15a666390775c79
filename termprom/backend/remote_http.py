"""One HTTP conversation with a server that speaks the Prometheus API.

Everything that can go wrong on the way becomes BackendUnavailable, NotOffered or the error that
the server's envelope names; nothing of aiohttp escapes.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import aiohttp
from yarl import URL

from termprom import __version__, limits
from termprom.backend.wire import Envelope, decode_envelope, decode_error
from termprom.errors import BackendUnavailable, NotOffered

T = TypeVar("T")
Form = Sequence[tuple[str, str]]

# Statuses with which servers say that they know no such path.
_ABSENT: Final = frozenset({404, 405, 410, 501})
# VictoriaMetrics puts the status where the kind of error belongs.
_KINDS_BY_STATUS: Final = {400: "bad_data", 422: "execution", 499: "canceled"}


class RemoteClient:
    """Requests under one base URL; user and password in it become basic authentication."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = limits.REMOTE_TIMEOUT_SECONDS,
        verify: bool = True,
    ) -> None:
        """Certificates of others than this machine are looked at even without `verify`."""
        self._base, authorization = _split(url)
        here = self._base.host in ("localhost", "127.0.0.1", "::1")
        self._timeout_seconds = timeout_seconds
        self._session = aiohttp.ClientSession(
            headers={
                "User-Agent": f"termprom/{__version__}",
                **({"Authorization": authorization} if authorization else {}),
                **(headers or {}),
            },
            timeout=aiohttp.ClientTimeout(total=timeout_seconds, connect=10.0),
            auto_decompress=True,
            connector=aiohttp.TCPConnector(ssl=verify or not here),
        )

    def __repr__(self) -> str:
        return f"RemoteClient({self.url})"

    @property
    def url(self) -> str:
        """The base URL without credentials."""
        return str(self._base).rstrip("/")

    async def ask(
        self,
        path: str,
        form: Form,
        shape: Callable[[Envelope], T],
        *,
        post: bool = False,
        expr: str = "",
        timeout_seconds: float | None = None,
    ) -> T:
        """The decoded answer of one API call; large answers are decoded in a thread.

        Raises BackendUnavailable, NotOffered, and what `wire.decode_error` gives.
        """
        seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        status, body = await self._exchange("POST" if post else "GET", path, form, seconds)
        if post and status in (405, 501):
            status, body = await self._exchange("GET", path, form, seconds)

        def decode() -> T:
            return self._decoded(status, body, path, shape, expr)

        if len(body) <= limits.DECODE_INLINE_BYTES_MAX:
            return decode()
        return await asyncio.to_thread(decode)

    def _decoded(
        self, status: int, body: bytes, path: str, shape: Callable[[Envelope], T], expr: str
    ) -> T:
        try:
            # An empty success: query_exemplars has nothing to say of an expression without series.
            envelope = Envelope() if status == 204 else decode_envelope(body)
        except ValueError:
            raise self._refusal(status, body, path) from None
        if envelope.error_type:
            kind = envelope.error_type
            if kind.isdigit():
                kind = _KINDS_BY_STATUS.get(status, "internal")
            if kind == "not_found":
                raise NotOffered(f"{self.url}: {envelope.error}")
            raise decode_error(kind, envelope.error, expr)
        try:
            return shape(envelope)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as problem:
            raise BackendUnavailable(
                f"{self.url}{path}: an answer of another shape: {problem}"
            ) from problem

    def _refusal(self, status: int, body: bytes, path: str) -> BackendUnavailable:
        """What an answer without an envelope means."""
        if status in _ABSENT or (status == 400 and b"unsupported path" in body):
            return NotOffered(f"{self.url} has no {path}")
        if status in (401, 403):
            return BackendUnavailable(f"{self.url} refuses us: HTTP status {status}")
        if status == 503:
            return BackendUnavailable(f"{self.url} is not ready")
        if status >= 400:
            return BackendUnavailable(f"{self.url}{path} answers with HTTP status {status}")
        return BackendUnavailable(f"{self.url}{path} does not speak the Prometheus API")

    async def post(self, path: str) -> tuple[int, str]:
        """The status and text of a management call."""
        status, body = await self._exchange("POST", path, (), self._timeout_seconds)
        return status, body.decode("utf-8", "replace").strip()

    async def send(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """The status and body of a call that sends JSON, or nothing."""
        return await self._exchange(method, path, (), self._timeout_seconds, body=body)

    async def _exchange(
        self, method: str, path: str, form: Form, timeout_seconds: float, *, body: bytes = b""
    ) -> tuple[int, bytes]:
        url = URL(self.url + path, encoded=True)
        posted: aiohttp.FormData | bytes | None = None
        if body:
            posted = body
        elif method == "POST":
            posted = aiohttp.FormData(form)
        try:
            async with self._session.request(
                method,
                url,
                params=form if method == "GET" else None,
                data=posted,
                headers={"Content-Type": "application/json"} if body else None,
                timeout=aiohttp.ClientTimeout(total=timeout_seconds, connect=10.0),
            ) as response:
                return response.status, await self._body(response)
        except TimeoutError as problem:
            raise BackendUnavailable(
                f"{self.url} did not answer within {timeout_seconds:g} s"
            ) from problem
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            raise BackendUnavailable(f"{self.url}: {_reason(problem)}") from problem

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        pieces, size = [], 0
        async for piece in response.content.iter_any():
            size += len(piece)
            if size > limits.ANSWER_BYTES_MAX:
                raise ValueError(f"the answer is larger than {limits.ANSWER_BYTES_MAX} bytes")
            pieces.append(piece)
        return b"".join(pieces)

    @asynccontextmanager
    async def lines(self, path: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of an answer that does not end. Raises BackendUnavailable, NotOffered."""
        endless = aiohttp.ClientTimeout(total=None, connect=10.0, sock_read=60.0)
        try:
            async with self._session.get(self.url + path, timeout=endless) as response:
                if response.status != 200:
                    raise self._refusal(response.status, b"", path)
                yield aiter(response.content)
        except TimeoutError as problem:
            raise BackendUnavailable(f"{self.url} has gone quiet") from problem
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            raise BackendUnavailable(f"{self.url}: {_reason(problem)}") from problem

    async def close(self) -> None:
        await self._session.close()


def _split(url: str) -> tuple[URL, str]:
    """The URL without user and password, and those as a header. Raises BackendUnavailable."""
    try:
        found = URL(url if "://" in url else f"http://{url}")
        known = found.scheme in ("http", "https") and bool(found.host)
        pair = f"{found.user}:{found.password or ''}".encode()
        authorization = "Basic " + b64encode(pair).decode() if found.user else ""
        base = found.with_user(None).with_query(None).with_fragment(None)
    except ValueError as problem:
        raise BackendUnavailable(f"not a URL: {problem}") from problem
    if not known:
        raise BackendUnavailable("not the URL of an HTTP server")
    return base, authorization


def _reason(problem: Exception) -> str:
    if isinstance(problem, aiohttp.ClientConnectorError):
        return problem.os_error.strerror or str(problem.os_error) or "no connection"
    return str(problem) or type(problem).__name__
