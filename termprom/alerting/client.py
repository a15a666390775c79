"""The HTTP client of one block of Alertmanagers: one session, credentials read when used."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import aiohttp

from termprom import limits
from termprom.config.schema import HTTPClientConfig, TLSConfig
from termprom.errors import ConfigError, TermpromError

_VERSIONS: Final = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


class SendError(TermpromError):
    """A request to an Alertmanager that failed; the text says why.

    `status` and `body` are those of an answer that is not 2xx; 0 where there was none.
    """

    def __init__(self, text: str, status: int = 0, body: bytes = b"") -> None:
        super().__init__(text)
        self.status = status
        self.body = body

    @property
    def passing(self) -> bool:
        """Whether the same request may well succeed later: it is not the request's own fault."""
        return self.status in (0, 408, 429) or self.status >= 500


def tls_context(tls: TLSConfig) -> ssl.SSLContext:
    """The TLS settings of a client. Blocking: reads files. Raises ConfigError."""
    if tls.cert or tls.key:
        raise ConfigError("inline tls_config cert and key are not implemented, use cert_file")
    try:
        context = ssl.create_default_context(cafile=tls.ca_file or None, cadata=tls.ca or None)
        if tls.cert_file:
            context.load_cert_chain(tls.cert_file, tls.key_file)
    except OSError as problem:
        raise ConfigError(f"unable to use the files of tls_config: {problem}") from problem
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.min_version:
        context.minimum_version = _VERSIONS[tls.min_version]
    if tls.max_version:
        context.maximum_version = _VERSIONS[tls.max_version]
    return context


# Posts a form with headers to a URL; gives the status and the body.
PostForm = Callable[[str, Mapping[str, str], bytes], Awaitable[tuple[int, bytes]]]


class Tokens(Protocol):
    """Access tokens of an oauth2 section, renewed as need be."""

    async def authorization(self) -> str:
        """The value of the Authorization header. Raises TermpromError."""
        ...


# The oauth2 section, and how to ask its server. Raises ConfigError for what is not implemented.
TokenFactory = Callable[[Mapping[str, Any], PostForm], Tokens]


class AlertmanagerClient:
    """Asks and posts; made and closed on the event loop."""

    def __init__(
        self,
        http: HTTPClientConfig,
        context: ssl.SSLContext | None,
        *,
        timeout_ms: int,
        user_agent: str,
        tokens: TokenFactory | None = None,
    ) -> None:
        """Raises ConfigError where there is an oauth2 section that nobody can serve."""
        if http.oauth2 is not None and tokens is None:
            raise ConfigError("oauth2 is not implemented for alertmanagers")
        self._tokens = (
            tokens(http.oauth2, self._post_form) if http.oauth2 is not None and tokens else None
        )
        self._token_context: ssl.SSLContext | None = None
        self._http = http
        self._context = context
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=timeout_ms / 1000),
            headers={"User-Agent": user_agent, "Content-Type": "application/json"},
            trust_env=http.proxy_from_environment,
        )

    async def post(self, url: str, body: bytes) -> None:
        """Raises SendError when there is no answer in time, or one that is not 2xx."""
        await self.request("POST", url, body)

    async def request(self, method: str, url: str, body: bytes | None = None) -> bytes:
        """The answer's body. Raises SendError as `post` does, and for one that is too large."""
        try:
            headers = await asyncio.to_thread(self._headers)
            if self._tokens is not None:
                headers.append(("Authorization", await self._authorization(self._tokens)))
            async with self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                ssl=self._context if self._context is not None else True,
                server_hostname=self._http.tls_config.server_name or None,
                proxy=self._http.proxy_url or None,
                allow_redirects=self._http.follow_redirects,
            ) as response:
                answer = await _bounded(response)
                if response.status // 100 != 2:
                    text = f"bad response status {response.status} {response.reason}"
                    raise SendError(text, response.status, answer)
                return answer
        except TimeoutError as problem:
            raise SendError("no answer in time") from problem
        except aiohttp.ClientConnectorError as problem:
            # Its own words name objects of this process instead of the reason.
            reason = problem.os_error.strerror or str(problem.os_error)
            raise SendError(f"dial tcp {problem.host}:{problem.port}: {reason}") from problem
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as problem:
            # At which byte it broke is chance; the same trouble should have the same name.
            raise SendError("the connection was closed before an answer came") from problem
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            raise SendError(str(problem) or type(problem).__name__) from problem

    async def close(self) -> None:
        await self._session.close()

    async def _authorization(self, tokens: Tokens) -> str:
        try:
            return await tokens.authorization()
        except TermpromError as problem:
            raise SendError(str(problem)) from problem

    async def _post_form(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes]:
        settings = self._http.oauth2 or {}
        tls = settings.get("tls_config")
        if isinstance(tls, TLSConfig) and self._token_context is None:
            self._token_context = await asyncio.to_thread(tls_context, tls)
        async with self._session.post(
            url,
            data=body,
            headers=headers,
            ssl=self._token_context if self._token_context is not None else True,
            proxy=str(settings.get("proxy_url") or "") or None,
        ) as response:
            return response.status, await _bounded(response)

    def _headers(self) -> list[tuple[str, str]]:
        """What the configuration adds to a request; files are read each time. Blocking."""
        http = self._http
        headers: list[tuple[str, str]] = []
        if http.basic_auth is not None:
            auth = http.basic_auth
            user = auth.username or _content(auth.username_file)
            password = auth.password.reveal() or _content(auth.password_file)
            token = b64encode(f"{user}:{password}".encode()).decode()
            headers.append(("Authorization", f"Basic {token}"))
        elif http.authorization is not None:
            credentials = http.authorization.credentials.reveal() or _content(
                http.authorization.credentials_file
            )
            headers.append(("Authorization", f"{http.authorization.type} {credentials}"))
        for name, header in http.http_headers.items():
            values = [*header.values, *(secret.reveal() for secret in header.secrets)]
            values += [_content(path) for path in header.files]
            headers += [(name, value) for value in values]
        return headers


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > limits.ALERTMANAGER_BODY_BYTES_MAX:
            raise SendError(f"an answer of more than {limits.ALERTMANAGER_BODY_BYTES_MAX} bytes")
    return bytes(body)


def _content(path: str) -> str:
    return Path(path).read_text().strip() if path else ""
