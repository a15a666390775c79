"""TLS, passwords, headers and the rate limit, over real sockets."""

from __future__ import annotations

import base64
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import bcrypt
import pytest
from aiohttp import web

from termprom.backend.wire_views import OWNER_HEADER
from termprom.errors import ConfigError
from termprom.server import web_security
from termprom.server.listen import Listener, listen
from termprom.server.web_security import WebSecurity

PKI = Path(__file__).parent / "pki"
TLS = f"tls_server_config:\n  cert_file: {PKI / 'server.pem'}\n  key_file: {PKI / 'server.key'}\n"
HASHED = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
USERS = f"basic_auth_users:\n  anna: {HASHED}\n"


def _client_context(*, with_certificate: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=PKI / "ca.pem")
    if with_certificate:
        context.load_cert_chain(PKI / "client.pem", PKI / "client.key")
    return context


async def _hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


@asynccontextmanager
async def _guarded(path: Path, text: str, *, owner_secret: str = "") -> AsyncIterator[Listener]:
    file = path / "web.yml"
    file.write_text(text, encoding="utf-8")
    security = WebSecurity(file, owner_secret=owner_secret, monotonic=lambda: 1000.0)
    app = web.Application()
    app.add_routes([web.get("/", _hello)])
    security.protect(app)
    tls = security.tls if security.tls() is not None else None
    listener = await listen(app, "127.0.0.1:0", movable=False, tls=tls)
    try:
        yield listener
    finally:
        await listener.close()


async def _status(url: str, path: str = "/", **more: object) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.get(url + path, **more) as response,  # type: ignore[arg-type]
    ):
        return response.status


def _basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.mark.parametrize("inline", [False, True])
async def test_tls_with_a_certificate_of_our_own(tmp_path: Path, inline: bool) -> None:
    text = TLS
    if inline:
        pem = {name: (PKI / f"server.{name}").read_text() for name in ("pem", "key")}
        lines = {key: text.replace("\n", "\n    ") for key, text in pem.items()}
        text = f"tls_server_config:\n  cert: |\n    {lines['pem']}\n  key: |\n    {lines['key']}\n"
    async with _guarded(tmp_path, text) as listener:
        assert listener.url.startswith("https://")
        assert await _status(listener.url, ssl=_client_context()) == 200
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await _status(listener.url)
        # Plain HTTP to the TLS port ends the connection, not the listener.
        with pytest.raises(aiohttp.ClientError):
            await _status(listener.url.replace("https", "http"))
        assert await _status(listener.url, ssl=_client_context()) == 200


async def test_client_certificates_are_asked_for_and_their_names_looked_at(tmp_path: Path) -> None:
    asked = TLS + f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca: |\n    {_ca()}\n"
    async with _guarded(tmp_path, asked) as listener:
        with_one = _client_context(with_certificate=True)
        assert await _status(listener.url, ssl=with_one) == 200
        with pytest.raises(aiohttp.ClientError):
            await _status(listener.url, ssl=_client_context())
    async with _guarded(tmp_path, asked + "  client_allowed_sans: [client.test]\n") as listener:
        assert await _status(listener.url, ssl=_client_context(with_certificate=True)) == 200
    async with _guarded(tmp_path, asked + "  client_allowed_sans: [other.test]\n") as listener:
        assert await _status(listener.url, ssl=_client_context(with_certificate=True)) == 403


def _ca() -> str:
    return (PKI / "ca.pem").read_text().replace("\n", "\n    ")


async def test_passwords(tmp_path: Path) -> None:
    async with _guarded(tmp_path, USERS) as listener, aiohttp.ClientSession() as session:
        for headers, status in (
            ({}, 401),
            (_basic("anna", "right"), 200),
            (_basic("anna", "wrong"), 401),
            (_basic("bert", "right"), 401),
            (_basic("anna", "right" + "x" * 100), 401),
        ):
            async with session.get(listener.url, headers=headers) as response:
                assert response.status == status
                if status == 401:
                    assert response.headers["WWW-Authenticate"] == "Basic"
                    assert await response.text() == "Unauthorized\n"
        # Not even which paths there are is told.
        assert await _status(listener.url, "/nowhere") == 401
        for header in ("Basic", "Basic ???", "Bearer x", "Basic YW5uYQ=="):
            assert await _status(listener.url, headers={"Authorization": header}) == 401


async def test_a_password_is_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    is_password = web_security._is_password

    def counted(password: bytes, hashed: str) -> bool:
        asked.append(password)
        return is_password(password, hashed)

    monkeypatch.setattr(web_security, "_is_password", counted)
    async with _guarded(tmp_path, USERS) as listener:
        for _ in range(3):
            assert await _status(listener.url, headers=_basic("anna", "right")) == 200
            assert await _status(listener.url, headers=_basic("anna", "wrong")) == 401
    assert sorted(asked) == [b"right", b"wrong"]


async def test_the_owner_of_the_data_folder_needs_no_password(tmp_path: Path) -> None:
    async with _guarded(tmp_path, USERS, owner_secret="s3cret") as listener:
        assert await _status(listener.url, headers={OWNER_HEADER: "s3cret"}) == 200
        assert await _status(listener.url, headers={OWNER_HEADER: "guess"}) == 401


async def test_a_changed_file_counts_at_once_and_a_broken_one_closes_the_door(
    tmp_path: Path,
) -> None:
    async with _guarded(tmp_path, "") as listener:
        assert await _status(listener.url) == 200
        file = tmp_path / "web.yml"
        file.write_text(USERS, encoding="utf-8")
        assert await _status(listener.url) == 401
        file.write_text(USERS + "oops: 1\n", encoding="utf-8")
        assert await _status(listener.url) == 500
        file.write_text("# none\n", encoding="utf-8")
        assert await _status(listener.url) == 200


async def test_headers_are_on_every_answer(tmp_path: Path) -> None:
    text = "http_server_config:\n  headers:\n    X-Frame-Options: deny\n" + USERS
    async with (
        _guarded(tmp_path, text) as listener,
        aiohttp.ClientSession() as session,
        session.get(listener.url) as response,
    ):
        assert response.status == 401
        assert response.headers["X-Frame-Options"] == "deny"


async def test_the_rate_limit_is_a_bucket(tmp_path: Path) -> None:
    async with _guarded(tmp_path, "rate_limit:\n  interval: 1s\n  burst: 2\n") as listener:
        assert [await _status(listener.url) for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (TLS.replace("server.pem", "nowhere.pem"), "nowhere.pem"),
        (TLS.replace("server.key", "client.key"), "server.pem"),
        (TLS + "  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n", "unknown cipher"),
    ],
)
async def test_what_cannot_be_used_is_said_at_the_start(
    tmp_path: Path, text: str, problem: str
) -> None:
    file = tmp_path / "web.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        WebSecurity(file)
    assert problem in str(caught.value)


def test_bcrypt_is_loaded_by_the_first_password_only() -> None:
    code = "import sys, termprom.daemon.doors; print('bcrypt' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
