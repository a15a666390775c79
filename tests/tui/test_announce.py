"""What is told of alerts: each change once, a storm together, on the ways that are wanted."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termprom.model.labels import EMPTY, Labels
from termprom.tui.announce import (
    Announcement,
    Announcing,
    When,
    announcement,
    announcing,
    notification,
)
from termprom.tui.announcer import QUIET_SECONDS, RESTART_SECONDS, AlertChange, Announcer
from termprom.views import AlertState, AlertView


def firing(name: str, host: str = "") -> AlertView:
    return AlertView(name, Labels.of(host=host), EMPTY, AlertState.FIRING, 1, 1.0)


def silenced(one: AlertView) -> AlertView:
    return replace(one, silenced_by=("id",))


A, B = firing("A"), firing("B")
PENDING = replace(B, state=AlertState.PENDING)


def told(*looks: tuple[float, list[AlertView] | None]) -> list[str]:
    """The sentences of looks at (seconds, alerts); nothing fires at the first."""
    announcer = Announcer()
    announcer.look([], 0.0)
    return [announcer.look(alerts, now).sentence() for now, alerts in looks]


def test_what_fires_already_is_no_news() -> None:
    announcer = Announcer()
    assert not announcer.look([A], 0.0)
    assert not announcer.look([A], 100.0)
    assert announcer.look([], 200.0) == AlertChange(resolved=(A,))


@pytest.mark.parametrize(
    ("looks", "sentences"),
    [
        # Once per change, at once where nothing was told lately.
        ([(1, [A]), (2, [A]), (30, []), (31, [])], ["firing: A", "", "resolved: A", ""]),
        # Pending is no news, and an answer that did not come is none either.
        ([(1, [PENDING]), (2, None), (3, [B])], ["", "", "firing: B"]),
        # A storm: the first at once, the rest together when the quiet time is over.
        (
            [(1, [A]), (2, [A, B]), (9, [A, B, firing("C")]), (16, [A, B, firing("C")])],
            ["firing: A", "", "", "firing: B, C"],
        ),
        # Nothing is forgotten of what came and went meanwhile.
        (
            [(1, [A]), (2, [A, B]), (3, [A]), (16, [A])],
            ["firing: A", "", "", "firing: B  resolved: B"],
        ),
        # A flapping alert rings once in a quiet time.
        (
            [(1, [A]), (2, []), (3, [A]), (4, []), (16, []), (17, [A]), (31, [A])],
            ["firing: A", "", "", "", "firing: A  resolved: A", "", "firing: A"],
        ),
        # Silenced: unheard from the beginning, or from then on.
        ([(1, [silenced(A)]), (20, [])], ["", ""]),
        ([(1, [A]), (20, [silenced(A)]), (40, [])], ["firing: A", "", ""]),
        ([(1, [silenced(A)]), (20, [A]), (40, [])], ["", "firing: A", "resolved: A"]),
        (
            [(1, [A]), (20, [silenced(A)]), (40, [A]), (60, [])],
            ["firing: A", "", "", "resolved: A"],
        ),
    ],
)
def test_what_is_told(
    looks: list[tuple[float, list[AlertView] | None]], sentences: list[str]
) -> None:
    assert told(*looks) == sentences


def test_many_are_one_line() -> None:
    alerts = [firing("Down", str(number)) for number in range(500)]
    alerts += [firing(name) for name in ("B", "C", "D", "E")]
    assert told((1, alerts)) == ["firing: Down (500), B, C and 2 more"]


def test_a_restarted_engine_has_time_to_find_its_alerts_again() -> None:
    announcer = Announcer()
    announcer.look([A, B], 0.0, started_ms=1)
    assert not announcer.look([], 10.0, started_ms=2)
    assert not announcer.look([A], 60.0, started_ms=2)
    change = announcer.look([A], 10.0 + RESTART_SECONDS, started_ms=2)
    assert change == AlertChange(resolved=(B,))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0.1, 20), st.sets(st.sampled_from("ABC"))), max_size=40))
def test_each_change_is_told_exactly_once_and_not_too_often(
    steps: list[tuple[float, set[str]]],
) -> None:
    announcer, now = Announcer(), 0.0
    announcer.look([], now)
    began: Counter[str] = Counter()
    before: set[str] = set()
    heard: Counter[str] = Counter()
    at = []
    for seconds, names in steps:
        now += seconds
        began.update(names - before)
        before = names
        change = announcer.look([firing(name) for name in sorted(names)], now)
        if change:
            at.append(now)
            heard.update(one.name for one in change.fired)
    change = announcer.look([firing(name) for name in sorted(before)], now + QUIET_SECONDS)
    heard.update(one.name for one in change.fired)
    # Changes of one alert within a quiet time are one line of news.
    assert set(heard) == set(began)
    assert all(heard[name] <= began[name] for name in began)
    assert all(late - early >= QUIET_SECONDS - 1e-6 for early, late in itertools.pairwise(at))


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, Announcing(When.ALL, When.OFF, When.OFF, "")),
        ({"TERMPROM_BELL": "1"}, Announcing(When.ALL, When.FIRING, When.OFF, "")),
        ({"TERMPROM_BELL": "all"}, Announcing(When.ALL, When.ALL, When.OFF, "")),
        ({"TERMPROM_BELL": "0", "TERMPROM_BANNER": "OFF"}, Announcing(When.OFF, When.OFF, kind="")),
        ({"TERMPROM_BANNER": "firing"}, Announcing(When.FIRING, kind="")),
        ({"TERMPROM_NOTIFY": "osc9"}, Announcing(notify=When.ALL)),
        ({"TERMPROM_NOTIFY": "osc777:firing"}, Announcing(notify=When.FIRING, kind="osc777")),
        ({"TERMPROM_NOTIFY": "smoke"}, Announcing(kind="smoke")),
        ({"TMUX": "/tmp/x"}, Announcing(kind="", multiplexer="tmux")),
        ({"STY": "1.x"}, Announcing(kind="", multiplexer="screen")),
    ],
)
def test_the_operator_decides(environment: dict[str, str], wanted: Announcing) -> None:
    assert announcing(environment) == wanted


BOTH = AlertChange((A,), (B,))


@pytest.mark.parametrize(
    ("change", "how", "wanted"),
    [
        (BOTH, Announcing(), Announcement("firing: A  resolved: B", alarm=True)),
        (AlertChange(resolved=(B,)), Announcing(), Announcement("resolved: B")),
        (AlertChange(resolved=(B,)), Announcing(When.FIRING, When.FIRING), Announcement()),
        (AlertChange(resolved=(B,)), Announcing(When.OFF, When.ALL), Announcement(bell=True)),
        (BOTH, Announcing(When.OFF, When.FIRING), Announcement(alarm=True, bell=True)),
        (
            BOTH,
            Announcing(When.OFF, notify=When.FIRING),
            Announcement(alarm=True, sequence="\x1b]9;firing: A\x07"),
        ),
        (
            BOTH,
            Announcing(When.OFF, notify=When.ALL, kind="osc777", multiplexer="tmux"),
            Announcement(
                alarm=True,
                sequence="\x1bPtmux;\x1b\x1b]777;notify;termprom;firing: A  resolved: B\x07\x1b\\",
            ),
        ),
    ],
)
def test_each_way_has_its_own_mind(
    change: AlertChange, how: Announcing, wanted: Announcement
) -> None:
    assert announcement(change, how) == wanted


def test_names_from_outside_cannot_end_the_sequence_or_grow_it() -> None:
    found = notification("osc777", "firing: \x1b]0;evil\x07;" + "x" * 1000)
    assert found.count("\x1b") == 1
    assert found.count("\x07") == 1
    assert found.startswith("\x1b]777;notify;termprom;firing: ")
    assert len(found) < 260
