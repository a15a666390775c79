"""A silence as it is being put together, and exactly what it would cover: pure, no widgets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Final

from termprom.model.durations import format_duration, parse_duration
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.matchers import Matcher, MatchOp, all_match
from termprom.model.silences import Silence, parse_matcher
from termprom.tui.panes.query_range_text import moment_after
from termprom.views import AlertState, AlertView, SilenceView

DURATIONS: Final = ("30m", "1h", "2h", "4h", "8h", "1d", "3d", "7d")
DEFAULT_DURATION: Final = "2h"
_BROAD: Final = frozenset({"severity"})  # says how loud an alert is, not which one
_UNTIL: Final = re.compile(r"until\s+(\S+)")


@dataclass(frozen=True, slots=True)
class Choice:
    """One matcher that may be part of the silence."""

    matcher: Matcher
    taken: bool = True


@dataclass(frozen=True, slots=True)
class Draft:
    """A silence before it is made. `length` is a duration, or `until HH:MM`.

    `id` is that of a silence that is to be changed; `starts_ms` is its start, 0 means now.
    """

    choices: tuple[Choice, ...] = ()
    length: str = DEFAULT_DURATION
    comment: str = ""
    by: str = ""
    id: str = ""
    starts_ms: int = 0

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        return tuple(one.matcher for one in self.choices if one.taken)

    def toggled(self, place: int) -> Draft:
        """The matcher at this place taken, or left out."""
        choices = list(self.choices)
        choices[place] = replace(choices[place], taken=not choices[place].taken)
        return replace(self, choices=tuple(choices))

    def with_matcher(self, text: str) -> Draft:
        """A typed matcher, in place of an equality of the same label. Raises ValueError."""
        wanted = Choice(parse_matcher(text))
        kept = [
            one
            for one in self.choices
            if one.matcher != wanted.matcher
            and not (one.matcher.name == wanted.matcher.name and one.matcher.op is MatchOp.EQUAL)
        ]
        return replace(self, choices=(*kept, wanted))

    def ends_ms(self, now_ms: int, zone: tzinfo) -> int:
        """Raises ValueError."""
        text = self.length.strip()
        if found := _UNTIL.fullmatch(text):
            return moment_after(found[1], now_ms, zone)
        length = parse_duration(text)
        if length <= 0:
            raise ValueError("a silence needs a length")
        return max(self.starts_ms, now_ms) + length

    def silence(self, now_ms: int, zone: tzinfo) -> Silence:
        """What is to be made. Raises ValueError that says what is missing."""
        if not self.matchers:
            raise ValueError("take at least one matcher")
        if all(one.matches_empty() for one in self.matchers):
            raise ValueError("these matchers cover every alert: one must not match the empty text")
        return Silence(
            self.matchers,
            self.starts_ms,
            self.ends_ms(now_ms, zone),
            self.by,
            self.comment.strip() or "silenced from the screen",
            id=self.id,
        )

    def command(self, now_ms: int, zone: tzinfo) -> str:
        """The same on a command line, for any Alertmanager. Raises ValueError."""
        seconds = max(self.ends_ms(now_ms, zone) - now_ms, 1000) // 1000 * 1000
        words = ["amtool", "silence", "add", *map(str, self.matchers)]
        words += ["--duration", format_duration(seconds), "--author", self.by]
        words += ["--comment", self.comment.strip() or "silenced from the screen"]
        return shlex.join(words)


def draft_for(alerts: Sequence[Labels], *, by: str) -> Draft:
    """For one alert: its labels, all but the severity taken. For several: what they share."""
    shared = set(alerts[0]) if alerts else set()
    for labels in alerts[1:]:
        shared &= set(labels)
    pairs = sorted(shared, key=lambda pair: (pair[0] != "alertname", pair))
    choices = tuple(
        Choice(Matcher(name, MatchOp.EQUAL, value), name not in _BROAD)
        for name, value in pairs
        if name != METRIC_NAME
    )
    if choices and not any(one.taken for one in choices):
        choices = tuple(replace(one, taken=True) for one in choices)
    return Draft(choices, by=by)


def draft_of(view: SilenceView, *, by: str) -> Draft:
    """For a change of a silence that is in force, or for one like a silence that is over."""
    choices = tuple(Choice(parse_matcher(text)) for text in view.matchers)
    over = view.state == "expired"
    return Draft(
        choices,
        comment=view.comment,
        by=view.created_by if not over and view.created_by else by,
        id="" if over else view.id,
        starts_ms=0 if over else view.starts_ms,
    )


@dataclass(frozen=True, slots=True)
class Cover:
    """What a silence covers among the alerts of now, in the order that they came in."""

    covered: Sequence[AlertView] = ()
    outside: int = 0  # of the alerts that the draft was made for, how many it leaves loud
    others: int = 0  # covered ones that it was not made for
    nowhere: Sequence[str] = ()  # labels that no alert of now has

    @property
    def firing(self) -> int:
        return sum(one.state is AlertState.FIRING for one in self.covered)

    @property
    def pending(self) -> int:
        return sum(one.state is AlertState.PENDING for one in self.covered)

    @property
    def silent_already(self) -> int:
        return sum(bool(one.silenced_by) for one in self.covered)


def cover_of(draft: Draft, alerts: Iterable[AlertView], meant: Sequence[Labels]) -> Cover:
    """`meant` are the labels of the alerts that the operator had in view."""
    everything = tuple(alerts)
    matchers = draft.matchers
    if not matchers:
        return Cover(outside=len(meant))
    wanted = set(meant)
    covered = tuple(one for one in everything if all_match(matchers, one.labels))
    names = {name for one in everything for name in one.labels.names()}
    return Cover(
        covered,
        sum(not all_match(matchers, labels) for labels in meant),
        sum(one.labels not in wanted for one in covered),
        tuple(dict.fromkeys(one.name for one in matchers if one.name not in names)),
    )


def cover_text(cover: Cover) -> str:
    """`hides 2 firing, 1 pending` and what is surprising about it."""
    parts = [f"hides {cover.firing} firing, {cover.pending} pending"]
    if cover.silent_already:
        parts.append(f"{cover.silent_already} silenced already")
    return " · ".join(parts)


def warning_text(cover: Cover) -> str:
    """Why to look twice; empty where the silence does exactly what it was opened for."""
    parts = []
    if cover.others:
        parts.append(f"{cover.others} of them beside what you chose")
    if cover.outside:
        parts.append(f"{cover.outside} of what you chose stay loud")
    if cover.nowhere:
        parts.append(f"no alert has {', '.join(cover.nowhere)}")
    return "; ".join(parts)
