"""Silences: what a request leads to, what is silenced, and what a restart finds."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termprom import limits
from termprom.alerting.payload import outside
from termprom.alerting.silence_cover import Cover
from termprom.alerting.silence_file import read_silences, write_silences
from termprom.alerting.silence_mirror import SilenceMirror
from termprom.alerting.silence_plan import plan_expire, plan_set
from termprom.alerting.silences import SilenceStore
from termprom.alerting.silencing import Silencing
from termprom.errors import BadSilence, StorageError, UnknownSilence
from termprom.model.labels import EMPTY, Labels
from termprom.model.matchers import Matcher, MatchOp
from termprom.model.silences import Silence, SilenceState
from termprom.testing.clock import ManualClock
from termprom.views import AlertState, AlertView

NOW = 1_700_000_000_000
HOUR = 3_600_000
HOT = Matcher("alertname", MatchOp.EQUAL, "Hot")
WANTED = Silence((HOT,), NOW, NOW + HOUR, "me", "known")


def alert(**labels: str) -> AlertView:
    whole = Labels.of(alertname="Hot", **labels)
    return AlertView("Hot", whole, Labels(), AlertState.FIRING, NOW, 1.0, fired_ms=NOW)


# --- Plans ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (replace(WANTED, matchers=()), "at least one matcher"),
        (
            replace(WANTED, matchers=(Matcher("a", MatchOp.REGEX, ".*"),)),
            "at least one matcher must not match the empty string",
        ),
        (replace(WANTED, matchers=(replace(HOT, name=""),)), "invalid label matcher 0"),
        (replace(WANTED, ends_ms=0), "invalid zero end timestamp"),
        (replace(WANTED, ends_ms=NOW), "start time must be before end time"),
        (
            replace(WANTED, starts_ms=NOW - HOUR, ends_ms=NOW - 1),
            "end time can't be in the past",
        ),
        (replace(WANTED, comment="x" * limits.SILENCE_CHARS_MAX), "exceeded maximum size"),
    ],
)
def test_what_is_refused(wanted: Silence, message: str) -> None:
    with pytest.raises(BadSilence, match=message):
        plan_set({}, wanted, NOW, "new")


def test_a_new_one_begins_now_at_the_earliest() -> None:
    for starts_ms in (0, NOW - HOUR):
        plan = plan_set({}, replace(WANTED, starts_ms=starts_ms), NOW, "new")
        (made,) = plan.changed
        assert (made.id, made.starts_ms, made.updated_ms) == ("new", NOW, NOW)


KNOWN = replace(WANTED, id="old")


@pytest.mark.parametrize(
    ("now", "change", "same"),
    [
        (NOW + 1, {"ends_ms": NOW + 2 * HOUR}, True),  # active: its end may move
        (NOW + 1, {"comment": "other"}, True),
        (NOW + 1, {"starts_ms": NOW - 5000}, False),  # but not its start
        (NOW + 1, {"matchers": (Matcher("a", MatchOp.EQUAL, "b"),)}, False),
        (NOW - HOUR, {"starts_ms": NOW - HOUR + 1}, True),  # pending: any start that is to come
        (NOW + 2 * HOUR, {"ends_ms": NOW + 3 * HOUR}, False),  # expired: never
    ],
)
def test_a_change_keeps_the_silence_or_makes_another(
    now: int, change: dict[str, object], same: bool
) -> None:
    plan = plan_set({"old": KNOWN}, replace(KNOWN, **change), now, "new")  # type: ignore[arg-type]
    assert plan.id == ("old" if same else "new")
    ended = [one for one in plan.changed if one.id == "old" and not same]
    expired_before = KNOWN.state(now) is SilenceState.EXPIRED
    assert len(ended) == (0 if same or expired_before else 1)
    assert all(one.state(now) is SilenceState.EXPIRED for one in ended)


def test_an_unknown_id_and_too_many() -> None:
    with pytest.raises(UnknownSilence, match="silence not found"):
        plan_set({}, KNOWN, NOW, "new")
    many = {str(number): KNOWN for number in range(limits.SILENCES_MAX)}
    with pytest.raises(BadSilence, match="exceeded maximum number of silences"):
        plan_set(many, WANTED, NOW, "new")


@pytest.mark.parametrize("now", [NOW - HOUR, NOW, NOW + HOUR])
def test_what_is_expired_is_over_at_once(now: int) -> None:
    ended = plan_expire(KNOWN, now)
    assert ended is not None
    assert ended.state(now) is SilenceState.EXPIRED
    assert plan_expire(ended, now) is None


# --- The store --------------------------------------------------------------------------------


def desk(store: SilenceStore, clock: ManualClock, external: Labels = EMPTY) -> Silencing:
    """All silences, where no Alertmanager is configured."""
    mirror = SilenceMirror(lambda: (), clock=clock)
    whole = partial(outside, external, ())
    return Silencing(store, mirror, clock=clock, outside=lambda: whole)


async def test_alerts_are_marked_while_a_silence_is_active(tmp_path: Path) -> None:
    clock, told = ManualClock(NOW), list[str]()
    store = SilenceStore(tmp_path / "s.json", clock=clock, on_change=told.append)
    all_silences = desk(store, clock)
    other = replace(alert(), labels=Labels.of(alertname="Cold"))
    assert all_silences.marked([alert(), other]) == [alert(), other]
    silence_id = await all_silences.set(WANTED)
    marked = all_silences.marked([alert(), other])
    assert [one.silenced_by for one in marked] == [(silence_id,), ()]
    (view,) = all_silences.view([alert(), other])
    assert (view.state, view.alerts_now, view.matchers) == ("active", 1, ('alertname="Hot"',))
    await all_silences.expire(silence_id)
    assert all_silences.marked([alert()]) == (alert(),)
    assert all_silences.view([])[0].state == "expired"
    assert told == ['silence set: alertname="Hot"', 'silence expired: alertname="Hot"']


async def test_it_begins_and_ends_by_itself_and_is_forgotten_later(tmp_path: Path) -> None:
    clock, path = ManualClock(NOW), tmp_path / "s.json"
    store = SilenceStore(path, clock=clock)
    all_silences = desk(store, clock)
    await store.set(replace(WANTED, starts_ms=NOW + 10))

    def silenced(now_ms: int) -> bool:
        clock.set(now_ms)
        return bool(all_silences.marked([alert()])[0].silenced_by)

    edges = [NOW, NOW + 9, NOW + 10, NOW + HOUR, NOW + HOUR + 1]
    assert [silenced(one) for one in edges] == [False, False, True, True, False]
    # A clock that is set back is believed.
    assert [silenced(NOW + 10), silenced(NOW)] == [True, False]
    clock.set(NOW + HOUR + 1)
    assert [one.state(NOW + HOUR + 1) for one in SilenceStore(path, clock=clock).silences] == [
        SilenceState.EXPIRED
    ]
    clock.set(NOW + HOUR + limits.SILENCE_RETENTION_MS + 1)
    assert not SilenceStore(path, clock=clock).silences


async def test_external_labels_count_where_an_alert_has_none_of_its_own(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    all_silences = desk(
        SilenceStore(tmp_path / "s.json", clock=clock), clock, Labels.of(region="eu")
    )
    await all_silences.set(replace(WANTED, matchers=(Matcher("region", MatchOp.EQUAL, "eu"),)))
    marked = all_silences.marked([alert(), alert(region="us")])
    assert [bool(one.silenced_by) for one in marked] == [True, False]


@settings(max_examples=30)
@given(
    spans=st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 20), st.sampled_from("ab")), max_size=6
    ),
    asked=st.lists(st.tuples(st.integers(-1, 45), st.sampled_from("ab")), max_size=20),
)
def test_the_cover_answers_as_each_silence_would(
    spans: list[tuple[int, int, str]], asked: list[tuple[int, str]]
) -> None:
    silences = [
        Silence((Matcher("x", MatchOp.EQUAL, value),), start, start + length, id=str(number))
        for number, (start, length, value) in enumerate(spans)
    ]
    cover = Cover(silences, lambda labels: labels)
    for now_ms, value in asked:
        labels = Labels.of(x=value)
        wanted = tuple(one.id for one in silences if one.mutes(labels, now_ms))
        assert cover.of(labels, now_ms) == wanted


async def test_what_was_set_is_there_after_a_restart(tmp_path: Path) -> None:
    path, clock = tmp_path / "s.json", ManualClock(NOW)
    store = SilenceStore(path, clock=clock)
    matchers = (Matcher("a", MatchOp.NOT_REGEX, 'x"y\\z|é'), HOT)
    await store.set(replace(WANTED, matchers=matchers, annotations=Labels.of(ticket="7")))
    before = list(store.silences)
    assert list(SilenceStore(path, clock=clock).silences) == before
    assert [one.matchers for one in read_silences(path)] == [matchers]


async def test_a_disk_that_refuses_leaves_everything_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    store = SilenceStore(folder / "s.json", clock=ManualClock(NOW))
    folder.rmdir()
    with pytest.raises(StorageError):
        await store.set(WANTED)
    assert not store.silences


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"version": 2, "silences": []}', b"\xff"])
def test_a_file_of_another_kind_is_named(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(text)
    with pytest.raises(StorageError, match=r"s\.json: not a file of silences"):
        read_silences(path)


def test_a_write_that_fails_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    write_silences(path, [KNOWN])
    (tmp_path / "s.json.tmp").mkdir()
    with pytest.raises(StorageError):
        write_silences(path, [])
    assert read_silences(path) == [KNOWN]
