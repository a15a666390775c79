"""Tokens for a section's requests, by the client credentials grant."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from termprom.config.schema import HTTPClientConfig, HTTPSDConfig, Secret
from termprom.discovery.http import HTTPDiscovery
from termprom.errors import ConfigError
from termprom.testing.clock import ManualClock
from tests.discovery.cases import form_of
from tests.discovery.fakes import Site, plain, running, site, surroundings, until


def _http(server: Site, clock: ManualClock, **settings: Any) -> tuple[HTTPDiscovery, Any]:
    around = surroundings(clock)
    oauth2 = {"client_id": "me", "token_url": f"{server.url}/token", **settings}
    config = HTTPSDConfig(f"{server.url}/sd", http=HTTPClientConfig(oauth2=oauth2))
    return HTTPDiscovery(config, around), around


def _guarded(server: Site) -> None:
    """A list for whoever shows the newest token."""
    server.answers["/token"] = {"access_token": "T1", "expires_in": 3600}

    async def answer(request: web.Request) -> web.Response:
        shown = request.headers.get("Authorization")
        current = f"Bearer {server.answers['/token']['access_token']}"
        if shown != current:
            return web.json_response({}, status=401)
        return web.json_response([{"targets": ["a:1"]}])

    server.answers["/sd"] = answer


async def test_a_token_is_fetched_once_and_again_when_it_is_refused() -> None:
    clock = ManualClock()
    async with site() as server:
        _guarded(server)
        settings = {
            "client_secret": Secret("hu sh"),
            "scopes": ("a", "b"),
            "endpoint_params": {"resource": "x"},
        }
        http, around = _http(server, clock, **settings)
        async with running(http) as emissions:
            await emissions.next()
            await clock.advance(60)
            await emissions.next()
            assert server.paths.count("/token") == 1
            server.answers["/token"] = {"access_token": "T2"}
            await clock.advance(60)
            await until(lambda: around.progress.failing)  # the old token, once
            await clock.advance(60)
            await emissions.next()
            assert server.paths.count("/token") == 2
        asked = server.requests[server.paths.index("/token")]
        pair = base64.b64decode(asked.headers["Authorization"].removeprefix("Basic "))
        assert pair == b"me:hu+sh"
        assert form_of(server.bodies[0]) == {
            "grant_type": "client_credentials",
            "scope": "a b",
            "resource": "x",
        }


async def test_a_server_that_wants_the_secret_in_the_form_gets_it_there(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    async with site() as server:
        _guarded(server)
        token = server.answers["/token"]

        async def picky(request: web.Request) -> web.Response:
            form = form_of(await request.read())
            if "client_secret" not in form:
                return web.json_response({"error": "invalid_client"}, status=401)
            assert (form["client_id"], form["client_secret"]) == ("me", "hush")
            return web.json_response(token)

        async def answer(request: web.Request) -> web.Response:
            assert request.headers["Authorization"] == "Bearer T1"
            return web.json_response([{"targets": ["a:1"]}])

        server.answers = {"/token": picky, "/sd": answer}
        http, _ = _http(server, ManualClock(), client_secret_file=str(tmp_path / "secret"))
        async with running(http) as emissions:
            await emissions.next()
            assert len(emissions.targets) == 1


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (plain("{}", status=500), "oauth2: no token: HTTP status 500"),
        (plain("{}"), "holds no token"),
        (plain("oops"), "not JSON"),
    ],
)
async def test_without_a_token_nothing_is_asked(answer: Any, message: str) -> None:
    async with site() as server:
        server.answers["/token"] = answer
        http, around = _http(server, ManualClock())
        async with running(http):
            await until(lambda: around.progress.failing)
        assert message in around.progress.error
        assert "/sd" not in server.paths


async def test_the_other_grant_is_refused_at_load() -> None:
    async with site() as server:
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        with pytest.raises(ConfigError, match="is not implemented for discovery"):
            _http(server, ManualClock(), grant_type=grant)
