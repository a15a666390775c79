"""Silences that Alertmanagers keep: who is asked, what is believed, what a refusal says."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from termprom.alerting.client import SendError
from termprom.alerting.silence_json import listed_silences, silence_object
from termprom.alerting.silence_mirror import Door, SilenceMirror
from termprom.alerting.silences import SilenceStore
from termprom.alerting.silencing import Silencing
from termprom.errors import BadSilence, NoAlertmanager, UnknownSilence
from termprom.model.labels import Labels
from termprom.model.matchers import Matcher, MatchOp
from termprom.model.silences import Silence
from termprom.testing.clock import ManualClock
from termprom.views import AlertState, AlertView

NOW = 1_767_323_045_678
HOUR = 3_600_000
WANTED = Silence(
    (
        Matcher("alertname", MatchOp.EQUAL, "Hot"),
        Matcher("a", MatchOp.NOT_EQUAL, "x"),
        Matcher("b", MatchOp.REGEX, "y|z"),
        Matcher("odd name", MatchOp.NOT_REGEX, '"'),
    ),
    NOW,
    NOW + HOUR,
    "me",
    "known",
    Labels.of(ticket="7"),
)
HOT = AlertView("Hot", Labels.of(alertname="Hot", b="y"), Labels(), AlertState.FIRING, NOW, 1.0)


def listed(*silences: Silence) -> bytes:
    return orjson.dumps(
        [
            {
                **silence_object(one),
                "status": {"state": "active"},
                "updatedAt": "2026-01-02T03:04:05.678Z",
            }
            for one in silences
        ]
    )


class Cluster:
    """Endpoints by URL base: what they keep, or what they fail with."""

    def __init__(self, *bases: str) -> None:
        self.silences: dict[str, Silence] = {}
        self.problems: dict[str, SendError] = {}
        self.asked: list[str] = []
        self.door = Door(self.request, bases)

    async def request(self, method: str, url: str, body: bytes | None = None) -> bytes:
        self.asked.append(f"{method} {url}")
        base, _, path = url.partition("/v2/")
        if base in self.problems:
            raise self.problems[base]
        if method == "GET":
            return listed(*self.silences.values())
        if method == "DELETE":
            silence_id = path.removeprefix("silence/")
            ended = replace(self.silences[silence_id], ends_ms=NOW - 1)
            self.silences[silence_id] = ended
            return b""
        assert body is not None
        number = str(len(self.silences))
        (made,) = listed_silences(
            orjson.dumps(
                [{"id": number, **orjson.loads(body), "updatedAt": "2026-01-02T03:04:05Z"}]
            )
        )
        self.silences[number] = made
        return orjson.dumps({"silenceID": number})


def mirror_of(*clusters: Cluster) -> tuple[SilenceMirror, list[str]]:
    told: list[str] = []
    doors = [cluster.door for cluster in clusters]
    return SilenceMirror(lambda: doors, clock=ManualClock(NOW), on_change=told.append), told


def test_a_list_says_what_was_posted() -> None:
    known = replace(WANTED, id="1", updated_ms=NOW)
    assert listed_silences(listed(known)) == [known]


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'[{"id": "1"}]', b'"x"', b"<html>"])
def test_an_answer_of_another_shape(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        listed_silences(body)


def test_an_expression_that_nobody_here_reads_costs_only_its_silence() -> None:
    good = replace(WANTED, id="1", updated_ms=NOW)
    (bad,) = orjson.loads(listed(replace(WANTED, id="2")))
    bad["matchers"] = [{"name": "a", "value": "(", "isRegex": True, "isEqual": True}]
    body = orjson.dumps([bad, *orjson.loads(listed(good))])
    assert listed_silences(body) == [good]


async def test_a_silence_is_made_kept_and_ended_at_the_alertmanager(tmp_path: Path) -> None:
    cluster = Cluster("http://am/v2")
    mirror, told = mirror_of(cluster)
    own = SilenceStore(tmp_path / "s.json", clock=ManualClock(NOW))
    desk = Silencing(own, mirror, clock=ManualClock(NOW), outside=lambda: _same)
    silence_id = await desk.set(WANTED)
    assert not own.silences
    (view,) = desk.view([HOT])
    assert (view.id, view.state, view.alerts_now, view.comment) == (
        silence_id,
        "active",
        1,
        "known",
    )
    assert desk.marked([HOT])[0].silenced_by == (silence_id,)
    await desk.expire(silence_id)
    assert desk.view([])[0].state == "expired"
    assert told[1] == 'silence set: alertname="Hot", a!="x", b=~"y|z", "odd name"!~"\\""'
    with pytest.raises(UnknownSilence):
        await desk.expire("nobody's")


async def test_own_silences_from_before_stay_in_force_and_can_be_ended(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    own = SilenceStore(tmp_path / "s.json", clock=clock)
    old = await own.set(WANTED)
    mirror, _ = mirror_of(Cluster("http://am/v2"))
    desk = Silencing(own, mirror, clock=clock, outside=lambda: _same)
    assert desk.marked([HOT])[0].silenced_by == (old,)
    assert await desk.set(replace(WANTED, id=old, comment="longer")) == old
    await desk.expire(old)
    assert [one.state for one in desk.view([])] == ["expired"]


async def test_the_first_that_answers_speaks_for_its_block() -> None:
    one, two = Cluster("http://a/v2", "http://b/v2"), Cluster("http://c/v2")
    one.problems["http://a"] = SendError("dial tcp a: refused")
    two.silences["9"] = replace(WANTED, id="9", updated_ms=NOW)
    mirror, _ = mirror_of(one, two)
    await mirror.set(WANTED)
    assert one.asked[:2] == ["POST http://a/v2/silences", "POST http://b/v2/silences"]
    assert [silence.id for silence in mirror.silences] == ["0", "9"]
    await mirror.expire("9")
    assert "DELETE http://c/v2/silence/9" in two.asked


async def test_an_alertmanager_that_is_away_keeps_what_it_had(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "termprom.alerting")
    cluster = Cluster("http://am/v2")
    cluster.silences["0"] = replace(WANTED, id="0", updated_ms=NOW)
    mirror, told = mirror_of(cluster)
    await mirror.refresh()
    cluster.problems["http://am"] = SendError("bad response status 500 x", 500)
    for _ in range(3):
        await mirror.refresh()
    assert [one.id for one in mirror.silences] == ["0"]
    assert told == [""]
    with pytest.raises(NoAlertmanager, match="no Alertmanager answers: bad response status 500"):
        await mirror.set(WANTED)
    cluster.problems.clear()
    await mirror.refresh()
    assert [record.getMessage() for record in caplog.records] == [
        "silences cannot be read from alertmanagers",
        "silences are read from alertmanagers again",
    ]


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, b'"invalid silence: x"', BadSilence, "invalid silence: x"),
        (422, b'{"code":602,"message":"comment in body is required"}', BadSilence, "comment in"),
        # What is no Alertmanager, or has another path.
        (404, b"", NoAlertmanager, "bad response status 404"),
        (401, b"", NoAlertmanager, "bad response status 401"),
        (400, b"", BadSilence, "bad response status 400"),
    ],
)
async def test_what_a_refusal_means(
    status: int, body: bytes, kind: type[Exception], words: str
) -> None:
    cluster = Cluster("http://am/v2", "http://never-asked/v2")
    cluster.problems["http://am"] = SendError(f"bad response status {status} x", status, body)
    mirror, _ = mirror_of(cluster)
    with pytest.raises(kind, match=words):
        await mirror.set(WANTED)
    assert len(cluster.asked) == 1


async def test_one_that_is_gone_there_is_unknown_here() -> None:
    cluster = Cluster("http://am/v2")
    cluster.problems["http://am"] = SendError("bad response status 404 x", 404, b"")
    mirror, _ = mirror_of(cluster)
    with pytest.raises(UnknownSilence):
        await mirror.set(replace(WANTED, id="gone"))


async def test_it_looks_again_every_ten_seconds() -> None:
    cluster, clock = Cluster("http://am/v2"), ManualClock(NOW)
    mirror = SilenceMirror(lambda: [cluster.door], clock=clock)
    mirror.start()
    await clock.advance(25)
    assert len(cluster.asked) == 3
    await mirror.stop()


async def test_one_that_is_discovered_is_asked_soon() -> None:
    cluster, clock = Cluster("http://am/v2"), ManualClock(NOW)
    doors: list[Door] = []
    mirror = SilenceMirror(lambda: doors, clock=clock)
    mirror.start()
    await clock.advance(5.5)
    doors.append(cluster.door)
    await clock.advance(1)
    assert len(cluster.asked) == 1
    await mirror.stop()


def _same(labels: Labels) -> Labels:
    return labels
