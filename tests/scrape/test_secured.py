"""TLS, credentials, tokens, proxies and headers: everything that stands between us and a page."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from termprom.clock import SystemClock
from termprom.config.load import load_config_text
from termprom.config.schema import (
    Authorization,
    BasicAuth,
    HTTPClientConfig,
    HTTPHeader,
    ScrapeConfig,
    Secret,
    TargetGroup,
    TLSConfig,
)
from termprom.errors import ConfigError, ScrapeError, TargetUnreachable
from termprom.scrape.client import JobClient
from termprom.scrape.proxy import proxy_for
from termprom.scrape.target import find_targets

PKI = Path(__file__).parent.parent / "server" / "pki"
CA = str(PKI / "ca.pem")
AUTHORITY = (PKI / "ca.pem").read_bytes()


class Server:
    """Answers every path with a page, and keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.forms: list[dict[str, str]] = []
        self.address = ""
        self.answer: Callable[[web.Request], web.Response] = lambda request: web.Response(
            body=b"a 1\n", headers={"Content-Type": "text/plain"}
        )

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        if request.method == "POST":
            form = await request.post()
            self.forms.append({name: str(value) for name, value in form.items()})
        return self.answer(request)

    def headers(self, name: str) -> list[str]:
        return [value for request in self.requests for value in request.headers.getall(name, ())]


@asynccontextmanager
async def serving(
    tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    server.address = f"{host}:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def server_tls(*, demand: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(PKI / "server.pem", PKI / "server.key")
    if demand:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(CA)
    return context


async def fetch(address: str, http: HTTPClientConfig, times: int = 1, **job: object) -> bytes:
    config = ScrapeConfig("j", http=http, **job)  # type: ignore[arg-type]
    (target,) = find_targets(config, [TargetGroup((address,))]).active
    client = JobClient(config, clock=SystemClock())
    try:
        await client.prepare()
        for _ in range(times):
            answer = await client.fetch(target)
    finally:
        await client.close()
    return answer.body


# --- TLS --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tls",
    [
        TLSConfig(ca_file=CA),
        TLSConfig(ca=AUTHORITY.decode()),
        TLSConfig(insecure_skip_verify=True),
        TLSConfig(ca_file=CA, server_name="localhost", min_version="TLS13"),
    ],
    ids=["file", "inline", "unchecked", "named"],
)
async def test_a_target_with_a_certificate(tls: TLSConfig) -> None:
    async with serving(server_tls()) as server:
        body = await fetch(server.address, HTTPClientConfig(tls_config=tls), scheme="https")
    assert body == b"a 1\n"


@pytest.mark.parametrize(
    ("tls", "words"),
    [
        (TLSConfig(), "x509: certificate signed by unknown authority"),
        (TLSConfig(ca_file=CA, server_name="other"), "x509: "),
    ],
    ids=["unknown", "other name"],
)
async def test_a_certificate_that_is_not_trusted(tls: TLSConfig, words: str) -> None:
    async with serving(server_tls()) as server:
        with pytest.raises(TargetUnreachable, match=words) as caught:
            await fetch(server.address, HTTPClientConfig(tls_config=tls), scheme="https")
    assert str(caught.value).startswith(f'Get "https://{server.address}/metrics": tls: ')


async def test_https_where_only_http_is_spoken() -> None:
    async with serving() as server:
        with pytest.raises(TargetUnreachable, match="server gave HTTP response to HTTPS client"):
            await fetch(server.address, HTTPClientConfig(), scheme="https")


async def test_a_target_that_wants_to_know_who_asks() -> None:
    known = TLSConfig(
        ca_file=CA, cert_file=str(PKI / "client.pem"), key_file=str(PKI / "client.key")
    )
    async with serving(server_tls(demand=True)) as server:
        assert await fetch(server.address, HTTPClientConfig(tls_config=known), scheme="https")
        stranger = HTTPClientConfig(tls_config=TLSConfig(ca_file=CA))
        with pytest.raises(ScrapeError):
            await fetch(server.address, stranger, scheme="https")


async def test_new_certificates_are_taken_up(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    # A sound certificate, but not one that signed the server's.
    authority.write_bytes((PKI / "server.pem").read_bytes())
    http = HTTPClientConfig(tls_config=TLSConfig(ca_file=str(authority)))
    config = ScrapeConfig("j", scheme="https", http=http)
    async with serving(server_tls()) as server:
        (target,) = find_targets(config, [TargetGroup((server.address,))]).active
        client = JobClient(config, clock=SystemClock())
        await client.prepare()
        with pytest.raises(TargetUnreachable):
            await client.fetch(target)
        authority.write_bytes(AUTHORITY)
        assert (await client.fetch(target)).body == b"a 1\n"
        await client.close()


@pytest.mark.parametrize(
    ("tls", "words"),
    [
        (TLSConfig(ca_file="/nowhere"), "unable to read CA cert: unable to read file /nowhere"),
        (TLSConfig(ca="no certificate"), "unable to use specified CA cert"),
        (TLSConfig(cert_file="/no", key_file="/no"), "unable to read specified client cert"),
        (TLSConfig(min_version="TLS13", max_version="TLS12"), "must be greater than or equal to"),
    ],
)
async def test_settings_that_cannot_work_are_said_at_once(tls: TLSConfig, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        await fetch("x", HTTPClientConfig(tls_config=tls))


# --- Credentials ------------------------------------------------------------------------------


async def test_files_of_credentials_are_read_each_time(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    config = ScrapeConfig("j", http=HTTPClientConfig(
        authorization=Authorization(credentials_file=str(path)),
        http_headers={"X-Team": HTTPHeader(("a",), (Secret("b"),), (str(path),))},
    ))  # fmt: skip
    async with serving() as server:
        (target,) = find_targets(config, [TargetGroup((server.address,))]).active
        client = JobClient(config, clock=SystemClock())
        for secret in ("first", "second"):
            path.write_text(f"  {secret}\n", encoding="utf-8")
            await client.fetch(target)
        path.unlink()
        with pytest.raises(ScrapeError, match=f"unable to read headers file: .*{path}"):
            await client.fetch(target)
        await client.close()
    assert server.headers("Authorization") == ["Bearer first", "Bearer second"]
    assert server.headers("X-Team") == ["a", "b", "first", "a", "b", "second"]


async def test_a_password_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("p:w\n", encoding="utf-8")
    async with serving() as server:
        basic = BasicAuth("user", "", Secret(""), str(path))
        await fetch(server.address, HTTPClientConfig(basic_auth=basic))
        await fetch(server.address, HTTPClientConfig(basic_auth=replace(basic, password_file="")))
    pairs = [b64decode(header.split()[1]) for header in server.headers("Authorization")]
    assert pairs == [b"user:p:w", b"user:"]


async def test_a_redirect_to_somebody_else_gets_no_credentials() -> None:
    http = HTTPClientConfig(
        basic_auth=BasicAuth("u", "", Secret("p")),
        http_headers={
            "Cookie": HTTPHeader(("c",)),
            "X-Plain": HTTPHeader(("x",)),
        },
    )
    async with serving() as other, serving(host="localhost") as server:
        server.answer = lambda request: web.Response(
            status=302, headers={"Location": f"http://{other.address}/elsewhere"}
        )
        assert await fetch(server.address, http) == b"a 1\n"
    assert server.headers("Authorization")
    assert server.headers("Cookie") == ["c"]
    assert other.headers("Authorization") == []
    assert other.headers("Cookie") == []
    assert other.headers("X-Plain") == ["x"]


async def test_accept_may_be_added_to_but_not_replaced() -> None:
    http = HTTPClientConfig(http_headers={"Accept": HTTPHeader(("x/y",))})
    async with serving() as server:
        await fetch(server.address, http, scrape_protocols=("PrometheusText0.0.4",))
    assert server.headers("Accept") == ["text/plain;version=0.0.4;q=0.6,*/*;q=0.5", "x/y"]


@pytest.mark.parametrize(
    ("scheme", "wanted"),
    [("allow-utf-8", "allow-utf-8"), ("underscores", "underscores"), ("dots", "dots"),
     ("values", "values")],
)  # fmt: skip
async def test_how_names_are_to_be_escaped_is_asked_for(scheme: str, wanted: str) -> None:
    async with serving() as server:
        await fetch(server.address, HTTPClientConfig(), metric_name_escaping_scheme=scheme)
        await fetch(server.address, HTTPClientConfig(), enable_compression=False)
    (accept, _) = server.headers("Accept")
    assert accept == (
        f"application/openmetrics-text;version=1.0.0;escaping={wanted};q=0.6,"
        "application/openmetrics-text;version=0.0.1;q=0.5,"
        f"text/plain;version=1.0.0;escaping={wanted};q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
    )
    assert server.headers("Accept-Encoding") == ["gzip", "identity"]


# --- OAuth2 -----------------------------------------------------------------------------------


def token(server: Server, *, in_body: bool = False, lasts: int = 3600) -> None:
    """Make the server one that gives tokens."""

    def answer(request: web.Request) -> web.Response:
        if in_body and "Authorization" in request.headers:
            return web.json_response({"error": "invalid_client"}, status=401)
        number = len(server.forms)
        return web.json_response(
            {"access_token": f"t{number}", "token_type": "bearer", "expires_in": lasts}
        )

    server.answer = answer


def oauth2(server: Server, **settings: object) -> HTTPClientConfig:
    return HTTPClientConfig(
        oauth2={
            "client_id": "me&you",
            "client_secret": Secret("s e"),
            "token_url": f"http://{server.address}/token",
            "scopes": ("a", "b"),
            "endpoint_params": {"audience": "x"},
            **settings,
        }
    )


async def test_a_token_is_asked_for_once() -> None:
    async with serving() as tokens, serving() as server:
        token(tokens)
        await fetch(server.address, oauth2(tokens), times=3)
    assert server.headers("Authorization") == ["Bearer t1"] * 3
    assert tokens.forms == [{"grant_type": "client_credentials", "scope": "a b", "audience": "x"}]
    (basic,) = tokens.headers("Authorization")
    assert b64decode(basic.split()[1]) == b"me%26you:s+e"


async def test_some_servers_want_the_credentials_in_the_form() -> None:
    async with serving() as tokens, serving() as server:
        token(tokens, in_body=True, lasts=1)
        await fetch(server.address, oauth2(tokens), times=2)
    assert server.headers("Authorization") == ["Bearer t2", "Bearer t3"]
    assert tokens.forms[1]["client_secret"] == "s e"


async def test_a_new_secret_asks_for_a_new_token(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("one", encoding="utf-8")
    async with serving() as tokens, serving() as server:
        token(tokens)
        http = oauth2(tokens, client_secret=Secret(""), client_secret_file=str(path))
        config = ScrapeConfig("j", http=http)
        (target,) = find_targets(config, [TargetGroup((server.address,))]).active
        client = JobClient(config, clock=SystemClock())
        await client.fetch(target)
        path.write_text("two", encoding="utf-8")
        await client.fetch(target)
        await client.close()
    assert server.headers("Authorization") == ["Bearer t1", "Bearer t2"]


async def test_a_token_server_that_refuses() -> None:
    async with serving() as tokens, serving() as server:
        tokens.answer = lambda request: web.Response(status=500, text="no")
        with pytest.raises(ScrapeError, match="oauth2: cannot fetch token: 500"):
            await fetch(server.address, oauth2(tokens))
    assert server.requests == []


# --- Proxies ----------------------------------------------------------------------------------


async def test_a_proxy_is_asked_in_place_of_the_target() -> None:
    async with serving() as proxy:
        http = HTTPClientConfig(proxy_url=f"http://{proxy.address}")
        assert await fetch("far.example:80", http) == b"a 1\n"
    (request,) = proxy.requests
    assert request.headers["Host"] == "far.example"
    assert request.raw_path == "http://far.example/metrics"


async def test_a_token_has_a_proxy_of_its_own() -> None:
    async with serving() as proxy, serving() as server:
        token(proxy)
        http = oauth2(
            server, token_url="http://tokens.example/t", proxy_url=f"http://{proxy.address}"
        )
        await fetch(server.address, http)
    assert [request.raw_path for request in proxy.requests] == ["http://tokens.example/t"]
    assert server.headers("Authorization") == ["Bearer t1"]


@pytest.mark.parametrize(
    ("no_proxy", "host", "port", "straight"),
    [
        ("", "a.example", 80, False),
        ("*", "a.example", 80, True),
        ("example", "a.example", 80, True),
        (".example", "a.example", 80, True),
        ("*.example", "a.example", 80, True),
        (".example", "example", 80, False),
        ("a.example:81", "a.example", 80, False),
        ("a.example:80", "a.example", 80, True),
        ("10.0.0.0/8", "10.1.2.3", 80, True),
        ("10.0.0.0/8", "11.1.2.3", 80, False),
        ("b, 10.1.2.3", "10.1.2.3", 80, True),
    ],
)
def test_who_is_asked_straight(no_proxy: str, host: str, port: int, straight: bool) -> None:
    http = HTTPClientConfig(proxy_url="http://p:1", no_proxy=no_proxy)
    assert (proxy_for(http, "http", host, port) == "") is straight


def test_proxies_of_the_environment() -> None:
    http = HTTPClientConfig(proxy_from_environment=True)
    environment = {"HTTP_PROXY": "p:1", "https_proxy": "http://q:2", "NO_PROXY": "b"}
    assert proxy_for(http, "http", "a", 80, environment) == "http://p:1"
    assert proxy_for(http, "https", "a", 443, environment) == "http://q:2"
    assert proxy_for(http, "http", "b", 80, environment) == ""
    assert proxy_for(http, "http", "localhost", 80, environment) == ""


def test_what_is_not_done_is_named_when_the_file_is_read() -> None:
    text = (
        "scrape_configs:\n"
        "- {job_name: a, enable_http2: true, oauth2: {client_id: a, token_url: 'http://t',\n"
        "    proxy_url: 'socks5://p:1'}}\n"
        "- {job_name: b, proxy_url: 'socks5://p:1', enable_http2: false}\n"
    )
    warnings = load_config_text(text).warnings
    assert [warning.partition(":")[0] for warning in warnings] == [
        "oauth2 proxy_url",
        "enable_http2",
    ]


class SocksProxy:
    """Speaks SOCKS5, and leads every name to one place."""

    def __init__(self, target: str, *, password: bytes = b"", reply: int = 0) -> None:
        self.asked: list[tuple[str, int]] = []
        self.address = ""
        self._target = target.split(":")
        self._password = password
        self._reply = reply

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._speak(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        ways = await reader.readexactly(count)
        writer.write(bytes([5, 2 if self._password and 2 in ways else 0]))
        if self._password and 2 in ways:
            _, size = await reader.readexactly(2)
            await reader.readexactly(size)
            (size,) = await reader.readexactly(1)
            given = await reader.readexactly(size)
            writer.write(bytes([1, given != self._password]))
        *_, size = await reader.readexactly(5)
        name, port = await reader.readexactly(size), await reader.readexactly(2)
        self.asked.append((name.decode(), int.from_bytes(port, "big")))
        writer.write(bytes([5, self._reply, 0, 1, 0, 0, 0, 0, 0, 0]))
        if self._reply:
            return
        there, back = await asyncio.open_connection(self._target[0], int(self._target[1]))
        await asyncio.gather(_carry(reader, back), _carry(there, writer))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while part := await reader.read(65_536):
            writer.write(part)
    finally:
        writer.close()


@asynccontextmanager
async def socks(proxy: SocksProxy) -> AsyncIterator[SocksProxy]:
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield proxy


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_a_socks_proxy_resolves_the_target_s_name(scheme: str) -> None:
    async with serving() as server, socks(SocksProxy(server.address)) as proxy:
        http = HTTPClientConfig(proxy_url=f"{scheme}://{proxy.address}", no_proxy="near.example")
        assert await fetch("far.example:8080", http, times=2) == b"a 1\n"
    assert proxy.asked == [("far.example", 8080)], "the connection is kept"
    assert server.headers("Host") == ["far.example:8080"] * 2


async def test_tls_and_a_password_through_a_socks_proxy() -> None:
    async with (
        serving(server_tls()) as server,
        socks(SocksProxy(server.address, password=b"p:w")) as proxy,
    ):
        tls = TLSConfig(ca_file=CA, server_name="localhost")
        good = HTTPClientConfig(proxy_url=f"socks5://u:p%3Aw@{proxy.address}", tls_config=tls)
        assert await fetch("far.example", good, scheme="https") == b"a 1\n"
        bad = replace(good, proxy_url=f"socks5://u:x@{proxy.address}")
        with pytest.raises(TargetUnreachable, match="username/password authentication failed"):
            await fetch("far.example", bad, scheme="https")
    assert proxy.asked == [("far.example", 443)]


async def test_a_socks_proxy_that_says_no() -> None:
    async with socks(SocksProxy("127.0.0.1:1", reply=5)) as proxy:
        http = HTTPClientConfig(proxy_url=f"socks5://{proxy.address}")
        with pytest.raises(TargetUnreachable, match=r"->far\.example:80: connection refused"):
            await fetch("far.example", http)
    nobody = HTTPClientConfig(proxy_url="socks5://127.0.0.1:1")
    with pytest.raises(TargetUnreachable, match=r"socks connect: dial tcp 127\.0\.0\.1:1"):
        await fetch("far.example", nobody)
