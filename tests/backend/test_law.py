"""The law: a remote backend over the server over a local backend answers as the local one does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from termprom.backend.interface import Backend, Event, Feature, Topic
from termprom.backend.local import LocalBackend
from termprom.backend.remote import RemoteBackend
from termprom.backend.wire_views import OWNER_HEADER
from termprom.clock import SystemClock
from termprom.errors import (
    BadSilence,
    ConfigError,
    CorruptFile,
    EvaluationError,
    NotOffered,
    ParseError,
    QueryTimeout,
    StorageError,
    TermpromError,
    TooManySamples,
    UnknownSilence,
)
from termprom.model.matchers import Matcher, MatchOp
from termprom.model.silences import Silence
from tests.backend import results
from tests.backend.pictures import NOW_MS
from tests.server.api import Api, serving

DAWN, DUSK = 0, 4_000_000_000_000


@dataclass
class Pair:
    api: Api
    local: Backend
    remote: Backend


@pytest_asyncio.fixture
async def pair() -> AsyncIterator[Pair]:
    async with serving(enable_lifecycle=True) as api:
        local = LocalBackend(api.sources)
        remote = await RemoteBackend.connect(api.url, clock=SystemClock())
        try:
            yield Pair(api, local, remote)
        finally:
            await remote.close()


@pytest.mark.parametrize("expr", ["up", "up[5m]", "1", '"a<b"', "nothing"])
async def test_instant_queries(pair: Pair, expr: str) -> None:
    at = int(results.AT.start_ms)
    found = await pair.remote.query(expr, at)
    results.assert_same(found, await pair.local.query(expr, at))


async def test_range_queries(pair: Pair) -> None:
    found = await pair.remote.query_range("rate", results.GRID)
    results.assert_same(found, await pair.local.query_range("rate", results.GRID))


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (ParseError("unexpected x", 0, 1, 1, 1), ParseError),
        (EvaluationError("multiple matches"), EvaluationError),
        (
            TooManySamples("query processing would load too many samples into memory"),
            TooManySamples,
        ),
        (QueryTimeout("query timed out in x"), QueryTimeout),
        (CorruptFile("b", 1, "r"), StorageError),
    ],
)
async def test_errors_keep_class_and_text(
    pair: Pair, problem: TermpromError, kind: type[TermpromError]
) -> None:
    pair.api.sources.query_engine.answers["bad"] = problem
    for backend in (pair.local, pair.remote):
        with pytest.raises(kind) as caught:
            await backend.query("bad", 0)
        assert str(caught.value) == str(problem)


_LOOKUPS: list[Callable[[Backend], Awaitable[object]]] = [
    lambda one: one.series(["up", "odd"], DAWN, DUSK),
    lambda one: one.series(["up"], DAWN, DUSK, limit=1),
    lambda one: one.label_names([], DAWN, DUSK),
    lambda one: one.label_names(["odd"], DAWN, DUSK),
    lambda one: one.label_values("job", [], DAWN, DUSK),
    lambda one: one.label_values("job", ["up"], DAWN, DUSK, limit=1),
    lambda one: one.label_values("http.status", [], DAWN, DUSK),
]


@pytest.mark.parametrize("ask", _LOOKUPS)
async def test_lookups(pair: Pair, ask: Callable[[Backend], Awaitable[object]]) -> None:
    ours, theirs = await ask(pair.local), await ask(pair.remote)
    names = "labels" if hasattr(ours, "labels") else "names"
    assert list(getattr(theirs, names)) == list(getattr(ours, names))
    assert getattr(theirs, "notices") == getattr(ours, "notices")  # noqa: B009 (two result types)


_PICTURES: list[Callable[[Backend], Awaitable[object]]] = [
    lambda one: one.targets(),
    lambda one: one.rules(),
    lambda one: one.alerts(),
    lambda one: one.silences(),
    lambda one: one.push_groups(),
    lambda one: one.status(),
    lambda one: one.cardinality(),
    lambda one: one.metadata(),
    lambda one: one.metadata("x"),
    lambda one: one.targets_metadata(),
    lambda one: one.targets_metadata('{job="node"}', "x"),
]


@pytest.mark.parametrize("ask", _PICTURES)
async def test_pictures(pair: Pair, ask: Callable[[Backend], Awaitable[object]]) -> None:
    ours, theirs = await ask(pair.local), await ask(pair.remote)
    assert (list(theirs) if isinstance(theirs, tuple) else theirs) == (
        list(ours) if isinstance(ours, list | tuple) else ours  # type: ignore[comparison-overlap]
    )


async def test_logs_and_reload(pair: Pair) -> None:
    assert list(await pair.remote.logs(1)) == list(await pair.local.logs(1))
    pair.api.sources.reload_error = ConfigError("no such key", "a.yml", 1, 2)
    for backend in (pair.local, pair.remote):
        with pytest.raises(ConfigError, match=r"a\.yml:1:2: no such key"):
            await backend.reload()
    pair.api.sources.reload_error = None
    await pair.remote.reload()
    assert pair.api.sources.reloads == 3


async def test_events_arrive(pair: Pair) -> None:
    events = pair.remote.events()
    coming: asyncio.Future[Event] = asyncio.ensure_future(anext(events))
    while not coming.done():
        # Again and again: the stream takes a moment to be there.
        pair.api.sources.hub.publish(Topic.ALERTS, "Down fires")
        await asyncio.wait({coming}, timeout=0.02)
    assert (coming.result().topic, coming.result().text) == (Topic.ALERTS, "Down fires")


@pytest.mark.parametrize("feature", [one for one in Feature if one is not Feature.RELOAD])
async def test_what_is_offered(pair: Pair, feature: Feature) -> None:
    assert pair.remote.offers(feature) == pair.local.offers(feature)


async def test_the_owner_of_the_data_folder_may_reload_without_the_flag() -> None:
    async with serving(owner_secret="s3cret") as api:
        for secret, may in (("s3cret", True), ("guess", False), ("", False)):
            remote = await RemoteBackend.connect(api.url, owner_secret=secret)
            try:
                if may:
                    assert remote.offers(Feature.RELOAD)
                    await remote.reload()
                else:
                    with pytest.raises(NotOffered, match="Lifecycle API is not enabled"):
                        await remote.reload()
                    assert not remote.offers(Feature.RELOAD)
            finally:
                await remote.close()
        assert api.sources.reloads == 1


async def test_an_engine_without_a_secret_takes_no_empty_one() -> None:
    async with serving() as api:
        status, _ = await api.ask("POST", "/-/reload", headers={OWNER_HEADER: ""})
        assert (status, api.sources.reloads) == (403, 0)


async def test_silences_are_made_and_ended_alike(pair: Pair) -> None:
    wanted = Silence(
        (Matcher("alertname", MatchOp.EQUAL, 'a "b"\\'), Matcher("x", MatchOp.NOT_REGEX, "y|z")),
        starts_ms=0,
        ends_ms=NOW_MS + 5,
        created_by="me",
        comment="<known>",
    )
    for backend in (pair.local, pair.remote):
        assert await backend.create_silence(wanted) == "6c0e0000-0000-4000-8000-000000000001"
        await backend.expire_silence("6c0e0000-0000-4000-8000-000000000001")
    sources = pair.api.sources
    assert sources.silences_made == [wanted, wanted]
    assert sources.silences_ended == ["6c0e0000-0000-4000-8000-000000000001"] * 2
    for problem in (BadSilence("no"), UnknownSilence("6c0e0000-0000-4000-8000-000000000002")):
        sources.silence_error = problem
        for backend in (pair.local, pair.remote):
            with pytest.raises(type(problem)):
                await backend.expire_silence("6c0e0000-0000-4000-8000-000000000002")
    sources.silence_error = BadSilence("no")
    with pytest.raises(BadSilence, match="no"):
        await pair.remote.create_silence(wanted)


async def test_exemplars(pair: Pair) -> None:
    found = await pair.remote.exemplars("a{b='c'}", DAWN, DUSK)
    assert found == await pair.local.exemplars("a{b='c'}", DAWN, DUSK)
    assert pair.api.sources.exemplars_asked[0] == pair.api.sources.exemplars_asked[1]
    assert await pair.local.exemplars("1", DAWN, DUSK) == []
    assert await pair.remote.exemplars("1", DAWN, DUSK) == []
    for backend in (pair.local, pair.remote):
        with pytest.raises(ParseError):
            await backend.exemplars("a{", DAWN, DUSK)
