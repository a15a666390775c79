"""Notifications: the list, and the stream of its changes."""

from __future__ import annotations

from dataclasses import replace

import aiohttp
import orjson

from termprom.backend.interface import Topic
from termprom.testing.clock import ManualClock
from tests.backend import pictures
from tests.server.api import Api, serving

FAILED = "Configuration reload has failed."
FINE = replace(pictures.STATUS, config_ok=True)


async def test_the_list() -> None:
    async with serving() as api:
        api.sources.status_view = FINE
        assert await api.data("/api/v1/notifications") == []
        api.sources.status_view = replace(FINE, config_ok=False)
        (note,) = await api.data("/api/v1/notifications")
        assert (note["text"], note["active"]) == (FAILED, True)


async def _next(response: aiohttp.ClientResponse) -> tuple[str, bool]:
    """The next event: `data: ` and a blank line, nothing else."""
    line = await response.content.readline()
    assert await response.content.readline() == b"\n"
    assert line.startswith(b"data: ")
    found = orjson.loads(line.removeprefix(b"data: "))
    return found["text"], found["active"]


def _reload(api: Api, *, ok: bool) -> None:
    clock = api.sources.clock
    assert isinstance(clock, ManualClock)
    clock.set(clock.now_ms() + 1000)  # events come at most a few times a second
    api.sources.status_view = replace(FINE, config_ok=ok)
    api.sources.hub.publish(Topic.TARGETS)  # of no interest here
    api.sources.hub.publish(Topic.CONFIG, "reload")


async def test_the_stream_begins_with_what_is_and_goes_on_with_what_changes() -> None:
    async with serving() as api:
        _reload(api, ok=False)
        async with api.session.get(api.url + "/api/v1/notifications/live") as response:
            assert response.headers["Content-Type"] == "text/event-stream"
            assert await _next(response) == (FAILED, True)
            _reload(api, ok=True)
            assert await _next(response) == (FAILED, False)
            _reload(api, ok=False)
            assert await _next(response) == (FAILED, True)


async def test_one_subscriber_too_many_is_sent_away_for_good() -> None:
    async with serving(notification_streams_max=1) as api:
        api.sources.status_view = replace(FINE, config_ok=False)
        url = api.url + "/api/v1/notifications/live"
        async with api.session.get(url) as first:
            await _next(first)
            async with api.session.get(url) as second:
                assert second.status == 204


async def test_it_answers_before_the_store_is_open() -> None:
    async with serving() as api:
        api.hooks.is_ready = False
        api.sources.status_view = FINE
        assert await api.data("/api/v1/notifications") == []
