"""The HTTP client of discovery mechanisms: one session, credentials read when they are used."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import TracebackType
from typing import Any, Final

import aiohttp
import orjson
from yarl import URL

from termprom import __version__, limits
from termprom.clock import Clock, SystemClock
from termprom.config.schema import HTTPClientConfig, TLSConfig
from termprom.discovery.oauth2 import ClientCredentials
from termprom.errors import DiscoveryError
from termprom.model.urls import without_passwords

_VERSIONS: Final = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


_CLOCK: Final = SystemClock()


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; `status_line` as upstream prints it: `404 Not Found`."""

    status: int
    status_line: str
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """Raises DiscoveryError for any status but 200, or when the body is no JSON."""
        if self.status != 200:
            raise DiscoveryError(f"server returned HTTP status {self.status_line}")
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as problem:
            raise DiscoveryError(f"the answer is not JSON: {problem}") from problem


class DiscoveryClient:
    """An async context manager; made anywhere, entered and used on the event loop."""

    def __init__(
        self,
        http: HTTPClientConfig,
        *,
        timeout_seconds: float,
        socket_path: str = "",
        clock: Clock = _CLOCK,
    ) -> None:
        """`socket_path` is that of a Unix socket, which stands in for the host of every URL.

        Raises ConfigError for settings that are not implemented here.
        """
        self._oauth2: ClientCredentials | None = None
        if http.oauth2 is not None:
            self._oauth2 = ClientCredentials(http.oauth2, _token_client, clock)
        self._http = http
        self._socket_path = socket_path
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None
        self._left_bytes: int | None = None  # None: every answer has its own limit only

    def begin_refresh(self) -> None:
        """What is read from here on has the bytes of one refresh."""
        self._left_bytes = limits.DISCOVERY_REFRESH_BYTES_MAX

    async def __aenter__(self) -> DiscoveryClient:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(self._socket_path) if self._socket_path else None,
            timeout=self._timeout,
            headers={"User-Agent": f"termprom/{__version__}"},
            skip_auto_headers=("Accept-Encoding",),
            trust_env=self._http.proxy_from_environment,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Raises DiscoveryError when there is no whole answer in time."""
        return await self.request("GET", url, headers)

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Raises DiscoveryError when there is no whole answer in time."""
        async with self._asked(method, url, headers, body) as response:
            return Answer(
                response.status,
                f"{response.status} {response.reason or ''}".rstrip(),
                response.headers.get("Content-Type", ""),
                await self._bounded(response),
                response.headers,
            )

    async def json(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """The document at `url`. Raises DiscoveryError for any status but 200, or no JSON."""
        answer = await self.get(url, headers or {"Accept": "application/json"})
        return answer.json()

    async def lines(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
        """The lines of an answer while it grows; without a limit on how long it takes.

        Raises DiscoveryError, for any status but 200 too.
        """
        async with self._asked("GET", url, headers, None, aiohttp.ClientTimeout()) as response:
            if response.status != 200:
                raise DiscoveryError(f"server returned HTTP status {response.status}")
            held = b""
            async for part in response.content.iter_any():
                *whole, held = (held + part).split(b"\n")
                for line in whole:
                    yield line
                if len(held) > limits.DISCOVERY_BODY_BYTES_MAX:
                    raise DiscoveryError("a line of the answer is too long")

    async def _bounded(self, response: aiohttp.ClientResponse) -> bytes:
        parts: list[bytes] = []
        limit = limits.DISCOVERY_BODY_BYTES_MAX
        if self._left_bytes is not None:
            limit = min(limit, self._left_bytes)
        if (response.content_length or 0) > limit:
            raise DiscoveryError(f"the answer is larger than {limit} bytes")
        size_bytes = 0
        async for part in response.content.iter_any():
            size_bytes += len(part)
            if size_bytes > limit:
                raise DiscoveryError(f"the answer is larger than {limit} bytes")
            parts.append(part)
        if self._left_bytes is not None:
            self._left_bytes -= size_bytes
        return b"".join(parts)

    @asynccontextmanager
    async def _asked(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        assert self._session is not None, "the client is used inside of its context"
        http = self._http
        try:
            own = await asyncio.to_thread(_headers, http)
            if self._oauth2 is not None:
                own.append(("Authorization", await self._oauth2.authorization()))
            context = await asyncio.to_thread(_tls_context, http.tls_config)
            async with self._session.request(
                method,
                _as_written(url),
                data=body,
                headers=[*headers.items(), *own],
                ssl=context if context is not None else True,
                server_hostname=http.tls_config.server_name or None,
                proxy=http.proxy_url or None,
                allow_redirects=http.follow_redirects,
                timeout=timeout or self._timeout,
            ) as response:
                if response.status == 401 and self._oauth2 is not None:
                    self._oauth2.forget()
                yield response
        except TimeoutError as problem:
            asked = f'{method.title()} "{without_passwords(url)}"'
            raise DiscoveryError(f"{asked}: no answer in time") from problem
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            reason = str(problem) or type(problem).__name__
            text = f'{method.title()} "{url}": {reason}'
            raise DiscoveryError(without_passwords(text)) from problem


def _token_client(http: HTTPClientConfig, timeout_seconds: float) -> DiscoveryClient:
    return DiscoveryClient(http, timeout_seconds=timeout_seconds)


def _as_written(url: str) -> URL:
    """The URL byte for byte, where it can be sent like that: a signature covers what was written,
    and unquoting a harmless character would break it.
    """
    return URL(url, encoded=url.isascii() and url.isprintable() and " " not in url)


def _tls_context(tls: TLSConfig) -> ssl.SSLContext | None:
    """None where the defaults do. Blocking: certificates are read again, as they get renewed."""
    if tls == TLSConfig():
        return None
    context = ssl.create_default_context(cafile=tls.ca_file or None, cadata=tls.ca or None)
    if tls.cert or tls.cert_file:
        _load_certificate(context, tls)
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.min_version:
        context.minimum_version = _VERSIONS[tls.min_version]
    if tls.max_version:
        context.maximum_version = _VERSIONS[tls.max_version]
    return context


def _load_certificate(context: ssl.SSLContext, tls: TLSConfig) -> None:
    """The client's certificate and key; inline ones go through files, as ssl takes nothing else."""
    with ExitStack() as files:

        def path(text: str, name: str) -> str:
            if not text:
                return name
            held = files.enter_context(NamedTemporaryFile("w", suffix=".pem"))
            held.write(text)
            held.flush()
            return held.name

        context.load_cert_chain(path(tls.cert, tls.cert_file), path(tls.key.reveal(), tls.key_file))


def _headers(http: HTTPClientConfig) -> list[tuple[str, str]]:
    """What the configuration adds to a request. Blocking: reads files."""
    headers: list[tuple[str, str]] = []
    if http.basic_auth is not None:
        auth = http.basic_auth
        user = auth.username or _content(auth.username_file)
        password = auth.password.reveal() or _content(auth.password_file)
        token = b64encode(f"{user}:{password}".encode()).decode()
        headers.append(("Authorization", f"Basic {token}"))
    elif http.authorization is not None:
        auth_type, credentials = http.authorization.type, http.authorization.credentials.reveal()
        credentials = credentials or _content(http.authorization.credentials_file)
        headers.append(("Authorization", f"{auth_type} {credentials}"))
    for name, header in http.http_headers.items():
        headers += [(name, value) for value in header.values]
        headers += [(name, secret.reveal()) for secret in header.secrets]
        headers += [(name, _content(path)) for path in header.files]
    return headers


def _content(path: str) -> str:
    return Path(path).read_text().strip() if path else ""
