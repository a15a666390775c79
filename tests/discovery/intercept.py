"""A proxy that plays every server of a fixed name: it ends the TLS of a tunnel and passes on what
was inside to a fake on the loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.discovery.keys import openssl


def certificates(folder: Path, names: Sequence[str]) -> tuple[Path, Path]:
    """A certificate for all of `names` that signs itself, and its key."""
    certificate, key = folder / "intercept.pem", folder / "intercept.key"
    alternatives = ",".join(f"DNS:{name}" for name in names)
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=intercept"),
        *("-addext", f"subjectAltName={alternatives}", "-keyout", key, "-out", certificate),
    )
    return certificate, key


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


@asynccontextmanager
async def intercepting(address: str, certificate: Path, key: Path) -> AsyncIterator[str]:
    """The URL of a proxy whose tunnels all end at `address`."""
    context = server_context(certificate, key)
    host, _, port = address.rpartition(":")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner: asyncio.StreamWriter | None = None
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            await writer.start_tls(context)
            answers, inner = await asyncio.open_connection(host, int(port))
            await asyncio.gather(_pass_on(reader, inner), _pass_on(answers, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            if inner is not None:
                inner.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while part := await reader.read(1 << 16):
            writer.write(part)
            await writer.drain()
    writer.close()
