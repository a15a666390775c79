"""Listening: an address to a running server, with bounds on what clients may do to it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from termprom import limits
from termprom.server.addresses import BadAddress, bind, join_address, split_address
from termprom.server.gate import Doorman, Gate

__all__ = ["BadAddress", "Gate", "Listener", "listen"]

log = logging.getLogger("termprom.server")

_KEEPALIVE_SECONDS: Final = 75.0
_STOP_SECONDS: Final = 5.0
_FIELD_BYTES_MAX: Final = 64 << 10
_HANDSHAKE_SECONDS: Final = 10.0
# After an accept that failed (no file descriptors left): nothing gets better within less.
_PAUSE_SECONDS: Final = 0.5


TLSSource = Callable[[], ssl.SSLContext | None]


class Listener:
    """One server on one address, from `listen` to `close`."""

    def __init__(
        self,
        runner: web.AppRunner,
        bound: socket.socket,
        host: str,
        *,
        gate: Gate,
        tls: TLSSource | None,
        moved_from: str,
    ) -> None:
        self._runner = runner
        self._socket = bound
        self._host = host
        self._port = int(bound.getsockname()[1])
        self._gate = gate
        self._tls = tls
        self.moved_from = moved_from
        self._greetings: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.create_task(self._accept(), name=f"listen {self.address}")

    def __repr__(self) -> str:
        return f"Listener({self.address}, {self._gate!r})"

    @property
    def address(self) -> str:
        """`host:port` as bound; an IPv6 host is in brackets, no host means every interface."""
        return join_address(self._host, self._port)

    @property
    def url(self) -> str:
        """Where a client on this machine finds it."""
        host = "localhost" if self._host in ("", "0.0.0.0", "::") else self._host
        scheme = "https" if self._tls is not None else "http"
        return f"{scheme}://{join_address(host, self._port)}"

    async def close(self) -> None:
        """Stop listening; requests under way get a few seconds to end."""
        self._accepting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._accepting
        self._socket.close()
        for task in self._greetings:
            task.cancel()
        await self._runner.cleanup()

    async def _accept(self) -> None:
        """Let clients in one by one, as far as there is room."""
        loop = asyncio.get_running_loop()
        while True:
            await self._gate.enter()
            try:
                accepted, _ = await loop.sock_accept(self._socket)
            except OSError as problem:
                self._gate.leave()
                log.error("cannot accept a connection: %s", problem.strerror or problem)
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            except BaseException:
                self._gate.leave()
                raise
            self._gate.accepted()
            task = loop.create_task(self._greet(accepted))
            self._greetings.add(task)
            task.add_done_callback(self._greetings.discard)

    async def _greet(self, accepted: socket.socket) -> None:
        """Hand the connection to the server. With TLS this takes as long as the handshake."""
        assert self._runner.server is not None
        left = False

        def leave() -> None:
            nonlocal left
            if not left:
                left = True
                self._gate.closed()

        doorman = Doorman(
            self._runner.server(), leave, head_seconds=limits.REQUEST_HEAD_SECONDS_MAX
        )
        try:
            _cut_off_when_stuck(accepted)
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: doorman,
                accepted,
                # Asked for anew each time: a renewed certificate is in force at once.
                ssl=self._tls() if self._tls is not None else None,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS if self._tls is not None else None,
            )
        except OSError as problem:
            # Plain HTTP to a TLS port, a missing client certificate, or a client already gone.
            log.debug("a connection failed before its first request: %s", problem)
            accepted.close()
            leave()
        except BaseException:
            accepted.close()
            leave()
            raise


async def listen(
    app: web.Application,
    address: str,
    *,
    movable: bool,
    gate: Gate | None = None,
    tls: TLSSource | None = None,
) -> Listener:
    """Serve `app` on `host:port`, `:port` or `[host]:port`.

    A taken port moves to the next free one if it is `movable`. Raises AddressInUse where it is
    not, or where no port near is free, and BadAddress.
    """
    host, port = split_address(address)
    bound = bind(host, port, limits.PORT_MOVES_MAX if movable and port else 0)
    runner = web.AppRunner(
        app,
        handler_cancellation=True,  # a client that goes away takes its query along
        keepalive_timeout=_KEEPALIVE_SECONDS,
        shutdown_timeout=_STOP_SECONDS,
        access_log=None,
        logger=_ProtocolLog(log, {}),
        # Handlers unpack what they take, within their own bounds; aiohttp answers encodings that
        # it does not know before any handler could, and with a traceback in the log.
        auto_decompress=False,
        max_line_size=_FIELD_BYTES_MAX,
        max_field_size=_FIELD_BYTES_MAX,
    )
    try:
        await runner.setup()
    except BaseException:
        bound.close()
        await runner.cleanup()
        raise
    actual = int(bound.getsockname()[1])
    moved_from = address if port and actual != port else ""
    return Listener(runner, bound, host, gate=gate or Gate(), tls=tls, moved_from=moved_from)


class _ProtocolLog(logging.LoggerAdapter[logging.Logger]):
    """What aiohttp's protocol has to say. Bytes that are no HTTP are the sender's mistake, and any
    port scanner's: they are no failure of ours and worth no traceback.
    """

    def exception(self, msg: object, *args: object, **more: Any) -> None:
        problem = more.get("exc_info")
        if isinstance(problem, HttpProcessingError):
            reason = " ".join(str(problem.message).split())
            self.debug("a request that is no HTTP", extra={"fields": {"err": reason}})
        else:
            super().exception(msg, *args, **more)


def _cut_off_when_stuck(accepted: socket.socket) -> None:
    """A client that takes nothing of its answer for this long is cut off by the kernel."""
    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    option = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux has it
    if option is not None:
        milliseconds = int(limits.READ_TIMEOUT_SECONDS * 1000)
        accepted.setsockopt(socket.IPPROTO_TCP, option, milliseconds)
