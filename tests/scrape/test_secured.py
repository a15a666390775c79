"""TLS, credentials, tokens, proxies and headers: everything that stands between us and a page."""

from __future__ import annotations

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
        "- {job_name: a, proxy_url: 'socks5://p:1', enable_http2: true}\n"
        "- {job_name: b, proxy_url: 'socks5://p:1', enable_http2: false}\n"
    )
    warnings = load_config_text(text).warnings
    assert [warning.partition(":")[0] for warning in warnings] == ["proxy_url", "enable_http2"]
