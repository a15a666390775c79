"""Silences from the screen: what the form covers, makes and undoes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC

import pytest

from termprom.backend.interface import Feature, Topic
from termprom.errors import BadSilence
from termprom.model.labels import Labels
from termprom.model.matchers import all_match
from termprom.model.silences import Silence
from termprom.testing.clock import ManualClock
from termprom.testing.fake_backend import FakeBackend
from termprom.tui.panes.silence_draft import cover_of, draft_for, draft_of, warning_text
from termprom.tui.screens.silence_form import SilenceForm
from termprom.tui.widgets.banner import Banner
from termprom.views import AlertState, AlertView, SilenceView
from tests.tui.panes.screen import NOW_MS, Screen, showing
from tests.tui.world import busy

MINUTE = 60_000


def _alert(name: str, state: AlertState = AlertState.FIRING, **labels: str) -> AlertView:
    named = Labels.of(alertname=name, severity="critical", **labels)
    return AlertView(name, named, Labels(), state, NOW_MS - MINUTE, 1.0)


class Engine(FakeBackend):
    """Silences work, as an engine's do: what is silenced is marked in the next answer."""

    refused = ""

    async def create_silence(self, wanted: Silence) -> str:
        if self.refused:
            raise BadSilence(self.refused)
        made = await super().create_silence(wanted)
        view = SilenceView(made, tuple(map(str, wanted.matchers)), NOW_MS, wanted.ends_ms,
                           wanted.created_by, wanted.comment, "active")  # fmt: skip
        self.silence_views = (view, *self.silence_views)
        self.alert_views = [
            replace(one, silenced_by=(made,)) if all_match(wanted.matchers, one.labels) else one
            for one in self.alert_views
        ]
        return made

    async def expire_silence(self, silence_id: str) -> None:
        await super().expire_silence(silence_id)
        self.alert_views = [
            replace(one, silenced_by=tuple(set(one.silenced_by) - {silence_id}))
            for one in self.alert_views
        ]


def _engine(alerts: Sequence[AlertView]) -> Engine:
    return Engine(ManualClock(NOW_MS), alert_views=alerts)


THREE = (
    _alert("TargetDown", job="node", instance="a:1"),
    _alert("TargetDown", job="node", instance="b:1"),
    _alert("Slow", AlertState.PENDING, job="node", instance="a:1"),
)


# --- What a draft covers ----------------------------------------------------------------------


def test_one_alert_is_covered_and_no_other() -> None:
    draft = draft_for([THREE[0].labels], by="ana")
    cover = cover_of(draft, THREE, [THREE[0].labels])
    assert [one.labels for one in cover.covered] == [THREE[0].labels]
    assert warning_text(cover) == ""


def test_leaving_a_matcher_out_covers_more_and_says_so() -> None:
    draft = draft_for([THREE[0].labels], by="ana")
    names = [one.matcher.name for one in draft.choices]
    assert names == ["alertname", "instance", "job", "severity"]
    wider = draft.toggled(names.index("instance"))
    cover = cover_of(wider, THREE, [THREE[0].labels])
    assert (cover.firing, cover.pending, cover.others) == (2, 0, 1)
    assert "1 of them beside what you chose" in warning_text(cover)


def test_several_alerts_share_what_they_share() -> None:
    draft = draft_for([one.labels for one in THREE[:2]], by="ana")
    assert [str(one) for one in draft.matchers] == ['alertname="TargetDown"', 'job="node"']
    assert cover_of(draft, THREE, [one.labels for one in THREE[:2]]).others == 0


def test_a_typed_matcher_takes_the_place_of_the_same_label() -> None:
    draft = draft_for([THREE[0].labels], by="ana").with_matcher('instance=~"a.*|b.*"')
    assert [str(one) for one in draft.matchers] == [
        'alertname="TargetDown"', 'job="node"', 'instance=~"a.*|b.*"',
    ]  # fmt: skip
    with pytest.raises(ValueError, match="bad matcher format"):
        draft.with_matcher("nothing")
    with pytest.raises(ValueError, match="error parsing regexp"):
        draft.with_matcher("a=~(")


def test_a_label_that_no_alert_has_is_told() -> None:
    draft = draft_for([THREE[0].labels], by="ana").with_matcher("jbo=node")
    assert "no alert has jbo" in warning_text(cover_of(draft, THREE, [THREE[0].labels]))


def test_what_a_draft_cannot_be() -> None:
    draft = draft_for([], by="")
    with pytest.raises(ValueError, match="at least one matcher"):
        draft.silence(NOW_MS, UTC)
    with pytest.raises(ValueError, match="cover every alert"):
        draft.with_matcher('job=~".*"').silence(NOW_MS, UTC)
    with pytest.raises(ValueError, match="not a valid duration"):
        replace(draft.with_matcher("a=b"), length="soon").silence(NOW_MS, UTC)


def test_length_and_end() -> None:
    draft = replace(draft_for([THREE[0].labels], by="ana"), length="until 18:00")
    assert draft.ends_ms(NOW_MS, UTC) == 1_777_744_800_000  # 2026-05-02 18:00Z
    assert replace(draft, length="90m").ends_ms(NOW_MS, UTC) == NOW_MS + 90 * MINUTE
    later = replace(draft, length="1h", starts_ms=NOW_MS + MINUTE)
    assert later.ends_ms(NOW_MS, UTC) == NOW_MS + 61 * MINUTE


def test_the_command_says_the_same() -> None:
    draft = replace(draft_for([THREE[0].labels], by="ana"), comment="it's known", length="1h")
    assert draft.command(NOW_MS, UTC) == (
        """amtool silence add 'alertname="TargetDown"' 'instance="a:1"' 'job="node"' """
        """--duration 1h --author ana --comment 'it'"'"'s known'"""
    )


def test_a_silence_in_force_is_changed_and_one_that_is_over_made_again() -> None:
    view = SilenceView("s", ('a="b"',), 5, 9, "bo", "why", "active")
    assert (draft_of(view, by="ana").id, draft_of(view, by="ana").starts_ms) == ("s", 5)
    over = draft_of(replace(view, state="expired"), by="ana")
    assert (over.id, over.starts_ms, over.by, over.comment) == ("", 0, "ana", "why")


# --- Keys -------------------------------------------------------------------------------------


def _form(screen: Screen) -> SilenceForm:
    shown = screen.app.screen
    assert isinstance(shown, SilenceForm)
    return shown


def _line(screen: Screen) -> str:
    lines = (one for one in screen.lines if "TargetDown" in one and "instance=a:1" in one)
    return next(lines)


async def test_two_keys_silence_the_alert_under_the_cursor_and_u_undoes_it() -> None:
    engine = _engine(THREE)
    async with showing(engine, "alerts") as screen:
        await screen.press("S")
        text = screen.text
        assert '[x] alertname="TargetDown"' in text
        assert '[ ] severity="critical"' in text
        assert "hides 1 firing, 0 pending" in text
        assert "amtool silence add" in text
        await screen.press("enter")
        await screen.pilot.pause(0.05)
        (made,) = engine.silences_made
        assert made.ends_ms == NOW_MS + 120 * MINUTE
        assert {str(one) for one in made.matchers} == {
            'alertname="TargetDown"', 'instance="a:1"', 'job="node"',
        }  # fmt: skip
        assert "silenced for 2h, u undoes" in screen.app.query_one(Banner).text
        assert "silenced" in _line(screen)
        await screen.press("u")
        await screen.pilot.pause(0.05)
        assert "expire_silence silence-1" in engine.asked
        assert "firing" in _line(screen)
        await screen.press("u")
        assert engine.asked.count("expire_silence silence-1") == 1, "undone once"


async def test_the_preview_follows_the_form_and_the_alerts() -> None:
    engine = _engine(THREE)
    async with showing(engine, "alerts", (80, 24)) as screen:
        await screen.press("S", "down", "space")
        assert "hides 2 firing, 0 pending" in screen.text
        assert "1 of them beside what you chose" in screen.text
        engine.alert_views = (*THREE, _alert("TargetDown", job="node", instance="c:1"))
        await _form(screen)._take_alerts()
        await screen.settle()
        assert "hides 3 firing" in screen.text
        await screen.press("escape")
        assert not engine.silences_made


async def test_length_comment_and_matchers_are_typed() -> None:
    engine = _engine(THREE)
    async with showing(engine, "alerts") as screen:
        await screen.press("S", "down", "down", "down", "down")
        await screen.press(*"instance=~.*", "enter")
        assert not engine.silences_made, "enter on a matcher adds it"
        await screen.press("down", "right", "down", *"broken disk", "enter")
        await screen.pilot.pause(0.05)
        (made,) = engine.silences_made
        assert made.comment == "broken disk"
        assert made.ends_ms == NOW_MS + 240 * MINUTE
        assert 'instance=~".*"' in {str(one) for one in made.matchers}


async def test_mistakes_stay_in_the_form_and_nothing_typed_is_lost() -> None:
    engine = _engine(THREE)
    engine.refused = "the engine says no"
    async with showing(engine, "alerts") as screen:
        await screen.press("S", "up", *"why", "up", "ctrl+u", *"soon", "enter")
        assert "not a valid duration" in screen.text
        assert _form(screen).form.comment.text == "why"
        await screen.press("ctrl+u", *"1h", "enter")
        await screen.pilot.pause(0.05)
        assert "not silenced: the engine says no" in screen.app.query_one(Banner).text


async def test_a_heading_silences_its_group() -> None:
    engine = _engine(THREE)
    async with showing(engine, "alerts") as screen:
        await screen.press("b", "g", "S")
        assert "hides 2 firing, 0 pending" in screen.text
        await screen.press("enter")
        await screen.pilot.pause(0.05)
        (made,) = engine.silences_made
        assert [str(one) for one in made.matchers] == ['alertname="TargetDown"', 'job="node"']


async def test_a_silence_is_ended_after_one_question() -> None:
    engine = _engine(THREE)
    engine.silence_views = (
        SilenceView("s-1", ('a="b"',), NOW_MS, NOW_MS + MINUTE, "ana", "why", "active", 2),
    )
    async with showing(engine, "alerts") as screen:
        await screen.press("m", "X")
        assert "end it now: 2 alerts are loud again" in screen.text
        await screen.press("escape")
        assert "expire_silence s-1" not in engine.asked
        await screen.press("X", "2")
        await screen.pilot.pause(0.05)
        assert "expire_silence s-1" in engine.asked


async def test_a_silence_is_changed_from_its_own_row() -> None:
    engine = _engine(THREE)
    engine.silence_views = (
        SilenceView("s-1", ('job="node"',), NOW_MS, NOW_MS + MINUTE, "bo", "why", "active", 2),
    )
    async with showing(engine, "alerts") as screen:
        await screen.press("m", "S")
        assert "Change the silence" in screen.text
        await screen.press("enter")
        await screen.pilot.pause(0.05)
        (made,) = engine.silences_made
        assert (made.id, made.starts_ms, made.created_by) == ("s-1", NOW_MS, "bo")
        assert made.ends_ms == NOW_MS + 120 * MINUTE


async def test_home_silences_the_worst_in_two_keys() -> None:
    engine = _engine(THREE)
    async with showing(engine, "home") as screen:
        await screen.press("S", "enter")
        await screen.pilot.pause(0.05)
        assert len(engine.silences_made) == 1
        engine.publish(Topic.ALERTS)
        await screen.show("home")
        assert "silenced" not in screen.pane.query_one("#home-problems").border_title  # type: ignore[operator]
        assert "●1 firing" in screen.lines[0], "a silenced one is not counted"


async def test_a_server_without_silences_says_so() -> None:
    engine = _engine(THREE)
    engine.features = frozenset(Feature) - {Feature.SILENCES}
    async with showing(engine, "alerts") as screen:
        await screen.press("S")
        assert "keeps no silences: unavailable" in screen.app.query_one(Banner).text


async def test_hostile_labels_in_the_form() -> None:
    async with showing(busy(), "alerts", (80, 24)) as screen:
        await screen.press("S")
        assert "\x1b" not in screen.text
        assert "\u202e" not in screen.text
        for _ in range(8):
            await screen.press("down")
        assert "\x1b" not in screen.text


def test_nothing_is_covered_where_there_are_no_alerts() -> None:
    assert cover_of(draft_for([THREE[0].labels], by=""), (), ()).covered == ()
