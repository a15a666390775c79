"""Every mechanism that asks a service: exact labels, and what its service may do wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from termprom.discovery.interface import Surroundings
from termprom.testing.clock import ManualClock
from tests.discovery.cases import CASES, TRITON_PORT, Case
from tests.discovery.fakes import Emissions, Site, plain, running, site, until, value
from tests.discovery.mechanisms import mechanism, named

_FAILURES = "prometheus_sd_refresh_failures_total"


@pytest.fixture(params=CASES, ids=[case.name for case in CASES])
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def _made(
    case: Case, server: Site, patch: pytest.MonkeyPatch
) -> tuple[Any, Surroundings, ManualClock]:
    case.hook(patch, server.url)
    server.answers = dict(case.answers(server.url))
    return mechanism(case.kind, **{**_role(case), **case.values(server.url)})


def _role(case: Case) -> dict[str, str]:
    return {"role": case.role} if case.role and case.kind != "ovhcloud" else {}


def _expected(case: Case, server: Site) -> list[dict[str, str]]:
    port = server.address.rpartition(":")[2]
    targets = [
        {name: text.replace(TRITON_PORT, port) for name, text in labels.items()}
        for labels in case.targets
    ]
    return sorted(targets, key=lambda labels: sorted(labels.items()))


def _found(case: Case, emissions: Emissions) -> list[dict[str, str]]:
    targets = [named(case.kind, labels) for labels in emissions.targets]
    return sorted(targets, key=lambda labels: sorted(labels.items()))


async def test_the_labels_are_exactly_these(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    async with site() as server:
        discoverer, _, _ = _made(case, server, monkeypatch)
        async with running(discoverer) as emissions:
            await emissions.next()
            assert _found(case, emissions) == _expected(case, server)
        for name, text in case.headers.items():
            assert text in {request.headers.get(name) for request in server.requests}


async def test_what_is_gone_goes(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    async with site() as server:
        discoverer, around, clock = _made(case, server, monkeypatch)
        async with running(discoverer) as emissions:
            await emissions.next()
            server.answers = dict(case.empty(server.url))
            await clock.advance(300)
            await until(lambda: len(emissions.all) > 1)
            assert emissions.targets == []
        at = {"mechanism": case.kind, "config": "job"}
        assert value(around.metrics.registry, _FAILURES, **at) == -1  # gone with the mechanism


async def _cut_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    response.content_type = "application/json"
    await response.prepare(request)
    await response.write(b'{"half')
    assert request.transport is not None
    request.transport.abort()
    return response


async def _never(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    assert request.transport is not None
    while not request.transport.is_closing():
        await response.write(b" ")
        await asyncio.sleep(0.01)  # real time: the client's patience is measured in it
    return response


@dataclass(frozen=True)
class Wrong:
    """What a service answers instead, and a part of what is said about it."""

    name: str
    answer: Callable[[web.Request], Awaitable[Any]]
    slow: bool = False


_JSON = "application/json"
WRONGS = [
    Wrong("broken", plain("gone mad", status=500)),
    Wrong("too many requests", plain("{}", status=429, kind=_JSON)),
    Wrong("no format at all", plain("<oops", kind=_JSON)),
    Wrong("another shape", plain('"a lie"', kind=_JSON)),
    Wrong("cut off", _cut_off),
    Wrong("slow", _never, slow=True),
]


@pytest.mark.parametrize("wrong", WRONGS, ids=[one.name for one in WRONGS])
async def test_whatever_a_service_does_wrong_keeps_what_was_found(
    case: Case, wrong: Wrong, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with site() as server:
        discoverer, around, clock = _made(case, server, monkeypatch)
        async with running(discoverer) as emissions:
            await emissions.next()
            server.answers = dict.fromkeys(server.answers, wrong.answer)
            client = discoverer._client if case.kind == "kuma" else discoverer.client
            if wrong.slow:
                client._timeout = aiohttp.ClientTimeout(total=0.05)
            caplog.clear()
            at = {"mechanism": case.kind, "config": "job"}
            registry = around.metrics.registry
            for _ in range(2):
                await clock.advance(300)
                await until(lambda: value(registry, _FAILURES, **at) >= 1)
            assert _found(case, emissions) == _expected(case, server)
            assert around.progress.failing
        # One line however often it fails in the same way.
        told = [one for one in caplog.records if one.message == "unable to refresh target groups"]
        assert len({one.fields["error"] for one in told}) == len(told)  # type: ignore[attr-defined]
        assert told
        assert all(one.exc_info is None for one in told)
