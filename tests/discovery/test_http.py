"""HTTP discovery against a server that answers, lies, breaks off and hangs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from termprom import limits
from termprom.config.schema import Authorization, HTTPClientConfig, HTTPSDConfig
from termprom.discovery.http import HTTPDiscovery
from termprom.discovery.interface import Surroundings
from termprom.testing.clock import ManualClock
from tests.discovery.fakes import Answerer, plain, running, site, surroundings, until, value

GROUPS = '[{"targets": ["a:1"], "labels": {"env": "x"}}, {"targets": ["b:1", "c:1"]}]'
_JSON = "application/json"


def discovery(
    clock: ManualClock, url: str, http: HTTPClientConfig | None = None, interval_ms: int = 30_000
) -> tuple[HTTPDiscovery, Surroundings]:
    around = surroundings(clock)
    config = HTTPSDConfig(url, interval_ms, http or HTTPClientConfig())
    return HTTPDiscovery(config, around), around


async def test_targets_carry_the_url_and_vanish_when_the_list_shrinks() -> None:
    clock = ManualClock()
    async with site() as server:
        server.answers["/sd"] = plain(GROUPS, kind=_JSON)
        url = f"{server.url}/sd"
        http, _ = discovery(clock, url)
        async with running(http) as emissions:
            await emissions.next()
            assert emissions.targets == [
                {"__address__": "a:1", "env": "x", "__meta_url": url},
                {"__address__": "b:1", "__meta_url": url},
                {"__address__": "c:1", "__meta_url": url},
            ]
            headers = server.requests[0].headers
            assert headers["Accept"] == "application/json"
            assert headers["X-Prometheus-Refresh-Interval-Seconds"] == "30"
            assert "Accept-Encoding" not in headers
            server.answers["/sd"] = plain('[{"targets": ["a:1"]}]', kind=_JSON)
            await clock.advance(30)
            await emissions.next()
            assert emissions.targets == [{"__address__": "a:1", "__meta_url": url}]
            server.answers["/sd"] = plain("null", kind=_JSON)
            await clock.advance(30)
            await emissions.next()
            assert emissions.targets == []


async def _hang(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


async def _break_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": _JSON, "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"[")
    assert request.transport is not None
    request.transport.close()
    return response


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (plain("x", status=500), "server returned HTTP status 500 Internal Server Error"),
        (plain(GROUPS), 'unsupported content type "text/plain"'),
        (plain(GROUPS[:-1], kind=_JSON), "unexpected"),
        (plain("[null]", kind=_JSON), "nil target group item found"),
        (plain('{"targets": []}', kind=_JSON), "cannot unmarshal object"),
        (_break_off, "Get "),
        (plain(b"[" + b" " * 3000 + b"]", kind=_JSON), "larger than 2000 bytes"),
    ],
)
async def test_whatever_goes_wrong_keeps_the_last_good_list(
    answer: Answerer,
    message: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "DISCOVERY_BODY_BYTES_MAX", 2000)
    clock = ManualClock()
    async with site() as server:
        server.answers["/sd"] = plain(GROUPS, kind=_JSON)
        http, around = discovery(clock, f"{server.url}/sd")
        registry = around.metrics.registry
        async with running(http) as emissions:
            await emissions.next()
            server.answers["/sd"] = answer
            await clock.advance(30)
            await until(lambda: value(registry, "prometheus_sd_http_failures_total") == 1)
            await until(lambda: bool(caplog.records))
            assert len(emissions.targets) == 3
            server.answers["/sd"] = plain("[]", kind=_JSON)
            await clock.advance(30)
            await emissions.next()
            assert emissions.targets == []
    assert any(message in record.fields["error"] for record in caplog.records)  # type: ignore[attr-defined]


async def test_a_server_that_hangs_is_given_up_after_the_interval() -> None:
    clock = ManualClock()
    async with site() as server:
        server.answers["/sd"] = _hang
        http, around = discovery(clock, f"{server.url}/sd", interval_ms=50)
        async with running(http) as emissions:
            registry = around.metrics.registry
            await until(lambda: value(registry, "prometheus_sd_http_failures_total") == 1)
            assert emissions.all == []


async def test_credentials_are_read_again_for_each_request(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one\n")
    auth = HTTPClientConfig(authorization=Authorization(credentials_file=str(token)))
    clock = ManualClock()
    async with site() as server:
        server.answers["/sd"] = plain("[]", kind=_JSON)
        http, _ = discovery(clock, f"{server.url}/sd", auth)
        async with running(http) as emissions:
            await emissions.next()
            token.write_text("two\n")
            await clock.advance(30)
            await emissions.next()
    sent = [request.headers["Authorization"] for request in server.requests]
    assert sent == ["Bearer one", "Bearer two"]
