"""The HTTP side of one job: requests with everything the configuration asks for."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import aiohttp
from yarl import URL

from termprom import __version__, limits
from termprom.clock import Clock
from termprom.config.schema import HTTPClientConfig, ScrapeConfig, TLSConfig
from termprom.errors import (
    BadStatus,
    BodyTooLarge,
    ConfigError,
    ScrapeError,
    TargetTimeout,
    TargetUnreachable,
)
from termprom.exposition.negotiate import accept_header
from termprom.scrape.answer import Answer
from termprom.scrape.connection import IDLE_SECONDS, Connections, Place
from termprom.scrape.credentials import Headers, reads_files, request_headers
from termprom.scrape.gunzip import gunzip
from termprom.scrape.http_response import BadResponse, Response
from termprom.scrape.oauth2 import TokenSource, token_proxies
from termprom.scrape.proxy import proxy_for
from termprom.scrape.target import Target
from termprom.scrape.tls import files_stamp, tls_context
from termprom.scrape.words import transport_words

_REDIRECTS_MAX: Final = 10
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_READ_BUFFER_BYTES: Final = 1 << 20
_INLINE_BYTES: Final = 256 << 10  # packed; about 1 ms of decompression
_PLAIN_TLS: Final = TLSConfig()


class JobClient:
    """Asks the targets of one job; made and used on the event loop.

    Requests go over connections of our own: a fifth of the CPU of an aiohttp session, which was
    more than a third of what a scrape cost. The session does the rest: HTTP proxies, Unix sockets,
    redirects.
    """

    def __init__(
        self, job: ScrapeConfig, *, clock: Clock, executor: Executor | None = None
    ) -> None:
        """Raises ConfigError for settings that cannot work."""
        http = job.http
        if str((http.oauth2 or {}).get("proxy_url") or "").startswith("socks"):
            raise ConfigError(f"job {job.job_name}: oauth2: SOCKS proxies are not implemented")
        self._job = job
        self._executor = executor
        self._reads_files = reads_files(http)
        self._plain_headers = [] if self._reads_files else request_headers(http)
        self._connections = Connections()
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._tls: ssl.SSLContext | None = None
        self._making_tls = asyncio.Lock()
        self._tls_stamp: tuple[object, ...] | None = None
        self._body_max = job.body_size_limit or limits.SCRAPE_BODY_BYTES_MAX
        # What is packed is never much longer than what it unpacks to.
        self._packed_max = self._body_max + (64 << 10)
        self._fixed: Headers = [
            ("User-Agent", f"Prometheus/{__version__}"),
            ("Accept", accept_header(job.scrape_protocols, job.metric_name_escaping_scheme)),
            ("Accept-Encoding", "gzip" if job.enable_compression else "identity"),
        ]
        # Everything about a request but the target, where no file has to be read for it.
        self._common: bytes | None = None
        if not self._reads_files and http.oauth2 is None:
            try:
                self._common = _header_bytes([*self._fixed, *self._plain_headers])
            except ScrapeError as problem:
                raise ConfigError(f"job {job.job_name}: {problem}") from problem
        self._goes_straight = not (http.proxy_url or http.proxy_from_environment)
        self._tokens: TokenSource | None = None
        if http.oauth2 is not None:
            self._tokens = TokenSource(http.oauth2, self._post_form, clock)
        self._token_tls: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"JobClient({self._job.job_name})"

    async def prepare(self) -> None:
        """Read the TLS files once. Raises ConfigError."""
        await self._context()

    async def close(self) -> None:
        self._connections.close()
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def fetch(self, target: Target) -> Answer:
        try:
            async with asyncio.timeout(target.timeout_ms / 1000):
                packed, encoding, content_type = await self._get(target)
                body = await self._unpack(packed) if encoding == "gzip" else packed
        except TimeoutError as problem:
            raise TargetTimeout(f'Get "{target.url}": context deadline exceeded') from problem
        if len(body) >= self._body_max:
            raise BodyTooLarge(self._body_max)
        return Answer(body, content_type)

    async def _unpack(self, packed: bytes) -> bytes:
        if len(packed) <= _INLINE_BYTES and self._body_max <= limits.SCRAPE_BODY_BYTES_MAX:
            return gunzip(packed, self._body_max)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, gunzip, packed, self._body_max)

    async def _get(self, target: Target) -> tuple[bytes, str, str | None]:
        """Body as it came, Content-Encoding and Content-Type of the final answer."""
        door = _door(target.url) if not target.unix_socket else None
        place = await self._place(door) if door is not None else None
        if door is None or place is None:
            return await self._get_by_session(target, URL(target.url, encoded=True), hops=0)
        response = await self._ask(door, place, target)
        headers = response.headers
        location = headers.get("location")
        if response.status == 200:
            encoding = headers.get("content-encoding", "")
            return response.body, encoding.strip().lower(), headers.get("content-type")
        if location is not None and self._is_followed(response.status):
            moved = URL(target.url, encoded=True).join(URL(location))
            return await self._get_by_session(target, moved, hops=1)
        raise BadStatus(f"{response.status} {response.reason}".rstrip())

    async def _place(self, door: _Door) -> Place | None:
        """Where the request goes; None where an HTTP proxy stands between."""
        http, socks = self._job.http, ""
        if not self._goes_straight:
            scheme = "https" if door.secure else "http"
            socks = proxy_for(http, scheme, door.host, door.port)
            if socks and not socks.startswith("socks"):
                return None
        if not door.secure:
            return Place(door.host, door.port, socks=socks)
        name = http.tls_config.server_name or door.host
        return Place(door.host, door.port, await self._secure_context(), name, socks)

    async def _ask(self, door: _Door, place: Place, target: Target) -> Response:
        common = self._common
        if common is None:
            common = _header_bytes([*self._fixed, *await self._own_headers(trusted=True)])
        request = b"%bX-Prometheus-Scrape-Timeout-Seconds: %g\r\n%b\r\n" % (
            door.begin,
            target.timeout_ms / 1000,
            common,
        )
        try:
            return await self._connections.ask(place, request, self._packed_max)
        except BadResponse as problem:
            if problem.in_body:
                raise
            raise TargetUnreachable(f'Get "{target.url}": {problem}') from problem
        except TargetUnreachable as problem:
            raise TargetUnreachable(f'Get "{target.url}": {problem}') from problem

    def _is_followed(self, status: int) -> bool:
        return status in _REDIRECTS and self._job.http.follow_redirects

    async def _get_by_session(
        self, target: Target, url: URL, *, hops: int
    ) -> tuple[bytes, str, str | None]:
        """As `_get`, from `url` on, where `hops` redirects have led."""
        session = self._session(target.unix_socket)
        origin = URL(target.url, encoded=True)
        trusted, where = True, target.url
        for _ in range(hops, _REDIRECTS_MAX + 1):
            trusted = trusted and _is_within(url.host or "", origin.host or "")
            response = await self._request(session, url, target, trusted=trusted)
            async with response:
                location = response.headers.get("Location")
                if location is not None and self._is_followed(response.status):
                    where, url = location, url.join(URL(location))
                    continue
                if response.status != 200:
                    raise BadStatus(f"{response.status} {response.reason or ''}".rstrip())
                encoding = response.headers.get("Content-Encoding", "").strip().lower()
                body = await self._read(response, plain=encoding != "gzip")
                return body, encoding, response.headers.get("Content-Type")
        raise TargetUnreachable(f'Get "{where}": stopped after {_REDIRECTS_MAX} redirects')

    async def _request(
        self, session: aiohttp.ClientSession, url: URL, target: Target, *, trusted: bool
    ) -> aiohttp.ClientResponse:
        http = self._job.http
        headers = [
            *self._fixed,
            ("X-Prometheus-Scrape-Timeout-Seconds", f"{target.timeout_ms / 1000:g}"),
            *await self._own_headers(trusted=trusted),
        ]
        host, port = url.host or "", url.port or 0
        secure = url.scheme == "https"
        context = await self._context() if secure else None
        proxy = proxy_for(http, url.scheme, host, port)
        extra = _connect_headers(http)
        try:
            return await session.get(
                url,
                headers=headers,
                allow_redirects=False,
                ssl=context if context is not None else True,
                server_hostname=(http.tls_config.server_name or None) if secure else None,
                proxy=proxy or None,
                proxy_headers=extra or None,
            )
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            if isinstance(problem, TimeoutError):
                raise
            words = transport_words(problem, host, port)
            raise TargetUnreachable(f'Get "{target.url}": {words}') from problem

    async def _own_headers(self, *, trusted: bool) -> Headers:
        if self._reads_files or not trusted:
            loop = asyncio.get_running_loop()
            headers = await loop.run_in_executor(
                self._executor, lambda: request_headers(self._job.http, trusted=trusted)
            )
        else:
            headers = self._plain_headers
        if self._tokens is not None and trusted:
            return [*headers, ("Authorization", await self._tokens.authorization())]
        return headers

    async def _read(self, response: aiohttp.ClientResponse, *, plain: bool) -> bytes:
        """The body, packed or `plain`; reading stops at the limit."""
        limit = self._body_max if plain else self._packed_max
        try:
            length = response.content_length
            if length is not None and length < min(limit, _READ_BUFFER_BYTES):
                return await response.read()
            parts: list[bytes] = []
            size = 0
            async for part in response.content.iter_any():
                parts.append(part)
                size += len(part)
                if size >= limit:
                    raise BodyTooLarge(self._body_max)
            return b"".join(parts)
        except TimeoutError as problem:
            raise TargetTimeout("context deadline exceeded") from problem
        except (aiohttp.ClientError, OSError) as problem:
            raise TargetUnreachable(transport_words(problem, "", 0)) from problem

    def _session(self, unix_socket: str = "") -> aiohttp.ClientSession:
        session = self._sessions.get(unix_socket)
        if session is None:
            connector: aiohttp.BaseConnector
            if unix_socket:
                connector = aiohttp.UnixConnector(
                    unix_socket, limit=0, keepalive_timeout=IDLE_SECONDS
                )
            else:
                connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS)
            session = self._sessions[unix_socket] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None),
                read_bufsize=_READ_BUFFER_BYTES,
                skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
            )
        return session

    async def _context(self) -> ssl.SSLContext | None:
        """The job's TLS context; None where the defaults do. Raises ConfigError."""
        return None if self._job.http.tls_config == _PLAIN_TLS else await self._secure_context()

    async def _secure_context(self) -> ssl.SSLContext:
        """The job's TLS context, made again when its files change. Raises ConfigError."""
        tls = self._job.http.tls_config
        stamp = files_stamp(tls)
        async with self._making_tls:
            if self._tls is None or stamp != self._tls_stamp:
                loop = asyncio.get_running_loop()
                # Open connections belong to the context that they were made with: none of the
                # old ones is used again.
                self._tls = await loop.run_in_executor(self._executor, tls_context, tls)
                self._tls_stamp = stamp
            return self._tls

    async def _post_form(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes]:
        settings = self._job.http.oauth2 or {}
        tls = settings.get("tls_config")
        if isinstance(tls, TLSConfig) and tls != _PLAIN_TLS and self._token_tls is None:
            loop = asyncio.get_running_loop()
            self._token_tls = await loop.run_in_executor(self._executor, tls_context, tls)
        place = URL(url)
        host, port = place.host or "", place.port or 0
        proxies = token_proxies(settings)
        try:
            async with self._session().post(
                url,
                proxy=proxy_for(proxies, place.scheme, host, port) or None,
                proxy_headers=_connect_headers(proxies) or None,
                data=body,
                headers={**headers, "User-Agent": f"Prometheus/{__version__}"},
                ssl=self._token_tls if self._token_tls is not None else True,
            ) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, OSError) as problem:
            words = transport_words(problem, host, port)
            raise ScrapeError(f'Post "{url}": {words}') from problem


def _connect_headers(http: HTTPClientConfig) -> dict[str, str]:
    """What a proxy is told beside the place to connect to."""
    return {
        name: ",".join(secret.reveal() for secret in values)
        for name, values in http.proxy_connect_header.items()
    }


def _is_within(host: str, origin: str) -> bool:
    return host == origin or host.endswith("." + origin)


@dataclass(frozen=True, slots=True)
class _Door:
    """Where a request goes, and its first lines."""

    host: str
    port: int
    secure: bool
    begin: bytes


@lru_cache(maxsize=8192)
def _door(text: str) -> _Door | None:
    """The door of that URL; None where it takes more than a request."""
    url = URL(text, encoded=True)
    if url.scheme not in ("http", "https") or url.user is not None:
        return None
    if not url.raw_host or not url.port:
        return None
    begin = f"GET {url.raw_path_qs} HTTP/1.1\r\nHost: {url.host_port_subcomponent}\r\n"
    if not begin.isascii() or any(blank in url.raw_path_qs for blank in " \t\r\n"):
        return None
    return _Door(url.raw_host, url.port, url.scheme == "https", begin.encode("ascii"))


def _header_bytes(headers: Headers) -> bytes:
    """Header lines. Raises ScrapeError for a value that would be more than one."""
    lines: list[str] = []
    for name, value in headers:
        if any(end in name + value for end in "\r\n\0"):
            raise ScrapeError(f"net/http: invalid header field value for {name!r}")
        lines.append(f"{name}: {value}\r\n")
    return "".join(lines).encode()
