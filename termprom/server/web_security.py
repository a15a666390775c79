"""What --web.config.file asks of every listener: TLS, passwords, headers, a rate limit.

The file is looked at again for each request and each handshake, and read again once it or a
certificate has changed. While it is broken, requests are answered with 500 and handshakes go on
with the last good certificate.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import logging
import os
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from termprom.backend.wire_views import OWNER_HEADER
from termprom.config.web_file import load_web_file
from termprom.errors import ConfigError
from termprom.server.tls import allowed_san, server_context

log = logging.getLogger("termprom.server")

# Compared with the passwords of unknown users, so that their answers take as long. Of cost 10.
_NOBODY: Final = "$2b$10$NOUv26DNR/ZWxbBtCuOKoOVo7cBj0JWnrRbqnZTVHrDgvD6xSCWQK"
_BCRYPT_BYTES_MAX: Final = 72  # what bcrypt looks at; its library refuses more
_CACHED_MAX: Final = 100

Stamp = tuple[tuple[int, int, int], ...]


class WebSecurity:
    """Belongs to the event loop; one for all listeners of an engine.

    `owner_secret` opens what passwords close: who knows it can read the data folder anyhow.
    """

    def __init__(
        self,
        path: Path,
        *,
        owner_secret: str = "",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Blocking: reads the file and its certificates. Raises ConfigError."""
        self._path = path
        self._owner_secret = owner_secret
        self._monotonic = monotonic
        self._broken = False
        self._known: dict[bytes, bool] = {}
        self._hashing = asyncio.Lock()
        self._file = load_web_file(path)
        self._context = server_context(self._file.tls) if self._file.tls else None
        self._stamp = self._look()
        # Upstream fixes the rate at the start too.
        self._tokens = float(self._file.rate_burst)
        self._counted = monotonic()
        self._interval = self._file.rate_interval_ms / 1000
        self._burst = self._file.rate_burst

    def __repr__(self) -> str:
        tls = "TLS" if self._context is not None else "plain"
        return f"WebSecurity({self._path}, {tls}, {len(self._file.users)} users)"

    def tls(self) -> ssl.SSLContext | None:
        """The context for the next handshake; None where no TLS was asked for at the start."""
        if self._context is not None:
            self._refresh()
        return self._context

    def protect(self, app: web.Application) -> None:
        """Put it around everything that `app` answers."""
        app.middlewares.insert(0, self._middleware())
        app.on_response_prepare.append(self._add_headers)

    async def _add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(self._file.headers)

    def _middleware(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._refresh()
            if self._broken:
                return web.Response(status=500, text="Internal Server Error\n")
            if not self._take_token():
                return web.Response(status=429, text="Too Many Requests\n")
            if not self._certificate_fits(request):
                return web.Response(status=403, text="Forbidden\n")
            if not await self._may_enter(request):
                return web.Response(
                    status=401, text="Unauthorized\n", headers={"WWW-Authenticate": "Basic"}
                )
            return await handler(request)

        return guard

    # --- The file and what it names -----------------------------------------------------------

    def _look(self) -> Stamp:
        """What tells whether a file is still the same."""
        tls = self._file.tls
        paths = [str(self._path)]
        if tls is not None:
            paths += [one for one in (tls.cert_file, tls.key_file, tls.client_ca_file) if one]
        return tuple(_stamp(path) for path in paths)

    def _refresh(self) -> None:
        stamp = self._look()
        if stamp == self._stamp:
            return
        try:
            file = load_web_file(self._path)
            context = server_context(file.tls) if file.tls else None
        except ConfigError as problem:
            if not self._broken:
                log.error("the web configuration is broken now: %s", problem)
            self._broken, self._stamp = True, stamp
            return
        if (context is None) != (self._context is None):
            log.warning("TLS cannot be switched on or off without a restart")
        else:
            self._context = context
        self._file, self._broken = file, False
        # The paths may be others now.
        self._stamp = self._look()

    # --- Who may enter ------------------------------------------------------------------------

    def _take_token(self) -> bool:
        """A bucket of `burst` tokens that gets one each interval."""
        if not self._interval:
            return True
        now = self._monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._counted) / self._interval)
        self._counted = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _certificate_fits(self, request: web.Request) -> bool:
        tls = self._file.tls
        allowed = tls.client_allowed_sans if tls is not None else ()
        if not allowed:
            return True
        if request.transport is None:
            return False
        return allowed_san(request.transport.get_extra_info("peercert") or {}, allowed)

    async def _may_enter(self, request: web.Request) -> bool:
        users = self._file.users
        if not users:
            return True
        secret = request.headers.get(OWNER_HEADER, "").encode("utf-8", "surrogateescape")
        if self._owner_secret and hmac.compare_digest(secret, self._owner_secret.encode()):
            return True
        given = _credentials(request.headers.get("Authorization", ""))
        if given is None:
            return False
        name, password = given
        hashed = users.get(name)
        key = hashlib.sha256(
            b"\0".join((name.encode("utf-8", "replace"), (hashed or _NOBODY).encode(), password))
        ).digest()
        right = self._known.get(key)
        if right is None:
            # One at a time: a flood of guesses must not take all cores from the engine.
            async with self._hashing:
                right = await asyncio.to_thread(_is_password, password, hashed or _NOBODY)
            if len(self._known) >= _CACHED_MAX:
                self._known.pop(next(iter(self._known)))
            self._known[key] = right
        return right and hashed is not None


def _stamp(path: str) -> tuple[int, int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return (0, 0, 0)
    return found.st_mtime_ns, found.st_size, found.st_ino


def _credentials(header: str) -> tuple[str, bytes] | None:
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    name, colon, password = raw.partition(b":")
    return (name.decode("utf-8", "replace"), password) if colon else None


def _is_password(password: bytes, hashed: str) -> bool:
    """Blocking for tens of milliseconds, which is the point of bcrypt."""
    import bcrypt  # a Rust library that only those who ask for passwords pay for

    try:
        return bcrypt.checkpw(password[:_BCRYPT_BYTES_MAX], hashed.encode())
    except ValueError:
        return False
