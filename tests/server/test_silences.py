"""Alertmanager's API v2 over this engine's silences: answers and refusals in its own form."""

from __future__ import annotations

import io
from typing import Any

import pytest

from termprom.errors import BadSilence, UnknownSilence
from termprom.model.labels import Labels
from termprom.server.silences import fingerprint
from tests.server.api import serving

ID = "6c0e0000-0000-4000-8000-000000000001"
POSTED: dict[str, Any] = {
    "matchers": [{"name": "a", "value": "b", "isRegex": False}],
    "startsAt": "2026-01-02T03:04:05.678Z",
    "endsAt": "2026-01-02T04:04:05Z",
    "createdBy": "me",
    "comment": "",
}


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        ({}, "cbf29ce484222325"),
        ({"a": "b"}, "d2b371819297f98a"),
        (
            {
                "alertname": "HighLatency",
                "cluster": "eu1",
                "instance": "web1:9100",
                "severity": "page",
            },
            "6f205b924bc884eb",
        ),
    ],
)
def test_fingerprints(labels: dict[str, str], wanted: str) -> None:
    assert fingerprint(Labels.of(labels)) == wanted


async def test_silences_are_listed_and_filtered() -> None:
    async with serving() as api:
        status, found = await api.get("/api/v2/silences")
        assert status == 200
        assert found == [
            {
                "id": "1",
                "status": {"state": "active"},
                "updatedAt": "0001-01-01T00:00:00.000Z",
                "annotations": {},
                "comment": "known",
                "createdBy": "me",
                "endsAt": "2023-11-14T22:13:20.001Z",
                "matchers": [{"isEqual": True, "isRegex": False, "name": "job", "value": "web"}],
                "startsAt": "2023-11-14T22:13:20.000Z",
            }
        ]
        for filters, count in (('job="web"', 1), ("job=web", 1), ("job=~web", 0), ("x=y", 0)):
            assert len((await api.get("/api/v2/silences", filter=filters))[1]) == count
        assert (await api.get("/api/v2/silences", active="false"))[1] == []
        assert await api.get("/api/v2/silences", filter="foo") == (400, "bad matcher format: foo")


async def test_a_posted_silence_reaches_the_engine() -> None:
    async with serving() as api:
        assert await api.ask("POST", "/api/v2/silences", json=POSTED) == (200, {"silenceID": ID})
        (made,) = api.sources.silences_made
        assert [str(one) for one in made.matchers] == ['a="b"']
        assert (made.starts_ms, made.ends_ms) == (1767323045678, 1767326645000)
        status, _ = await api.ask("DELETE", f"/api/v2/silence/{ID}")
        assert (status, api.sources.silences_ended) == (200, [ID])


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"comment": None}, 422, "comment in body is required"),
        ({"matchers": None}, 422, "matchers in body is required"),
        ({"matchers": []}, 422, "matchers in body should have at least 1 items"),
        ({"matchers": [{"name": "a"}]}, 422, "matchers.0.isRegex in body is required"),
        ({"matchers": [3]}, 400, "matchers.0 is not an object"),
        ({"matchers": "x"}, 400, "matchers is not a list"),
        ({"endsAt": "tomorrow"}, 400, "not an RFC 3339 time"),
        ({"endsAt": 5}, 400, "endsAt is not a string"),
        (
            {"matchers": [{"name": "a", "value": "[", "isRegex": True}]},
            400,
            "invalid regular expression",
        ),
    ],
)
async def test_what_is_refused(change: dict[str, Any], status: int, message: str) -> None:
    async with serving() as api:
        found, answer = await api.ask("POST", "/api/v2/silences", json={**POSTED, **change})
        assert found == status
        assert message in (answer if isinstance(answer, str) else answer["message"])
        assert not api.sources.silences_made


@pytest.mark.parametrize("body", [b"{", b"[1]", b"3", b'"x"', b"\xff", b"", b"null"])
async def test_bodies_that_are_no_silence(body: bytes) -> None:
    async with serving() as api:
        headers = {"Content-Type": "application/json"}
        status, _ = await api.ask("POST", "/api/v2/silences", data=body, headers=headers)
        assert status in (400, 422)


async def test_a_form_is_no_silence_and_neither_is_a_flood() -> None:
    async with serving() as api:
        assert (await api.ask("POST", "/api/v2/silences", data={"a": "b"}))[0] == 415
        headers = {"Content-Type": "application/json"}
        flood = io.BytesIO(b" " * ((1 << 20) + 1))
        assert (await api.ask("POST", "/api/v2/silences", data=flood, headers=headers))[0] == 413


async def test_errors_of_the_engine() -> None:
    async with serving() as api:
        api.sources.silence_error = BadSilence("invalid silence: no")
        found = await api.ask("POST", "/api/v2/silences", json=POSTED)
        assert found == (400, "invalid silence: no")
        api.sources.silence_error = UnknownSilence(ID)
        assert await api.ask("POST", "/api/v2/silences", json=POSTED) == (404, "silence not found")
        assert await api.ask("DELETE", f"/api/v2/silence/{ID}") == (404, "")
        assert (await api.get(f"/api/v2/silence/{ID}"))[0] == 404
        assert (await api.get("/api/v2/silence/x"))[0] == 422
        assert (await api.ask("DELETE", "/api/v2/silence/x"))[0] == 422


async def test_before_the_engine_is_ready_nothing_is_told() -> None:
    async with serving() as api:
        api.hooks.is_ready = False
        assert (await api.get("/api/v2/silences"))[0] == 503
        api.hooks.is_ready = True


async def test_alerts_say_whether_they_are_silenced() -> None:
    async with serving() as api:
        status, found = await api.get("/api/v2/alerts")
        assert status == 200
        assert all(one["status"]["state"] in ("active", "suppressed") for one in found)
        assert (await api.get("/api/v2/alerts", filter="alertname=nope"))[1] == []
