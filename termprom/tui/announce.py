"""How the terminal is told: banner, bell, desktop notification, each as the operator wants it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from termprom.tui.announcer import AlertChange
from termprom.tui.cells import inert


class When(StrEnum):
    """Which changes are told on one way."""

    OFF = "off"
    FIRING = "firing"
    ALL = "all"


_WORDS: Final = {"": None, "0": When.OFF, "1": When.FIRING} | {one.value: one for one in When}
_TEXT_CHARS_MAX: Final = 200  # notification services show no more, some refuse more


@dataclass(frozen=True, slots=True)
class Announcing:
    """`TERMPROM_BANNER` and `TERMPROM_BELL` are off, firing (or 1) or all; `TERMPROM_NOTIFY` is
    osc9 or osc777, both of which pass through SSH, and may add `:firing`.
    """

    banner: When = When.ALL
    bell: When = When.OFF
    notify: When = When.OFF
    kind: str = "osc9"
    multiplexer: str = ""  # tmux or screen: sequences for the terminal need an envelope


def announcing(environment: Mapping[str, str] = os.environ) -> Announcing:
    def when(name: str, usual: When) -> When:
        return _WORDS.get(environment.get(name, "").lower()) or usual

    kind, _, which = environment.get("TERMPROM_NOTIFY", "").partition(":")
    multiplexer = "tmux" if environment.get("TMUX") else ""
    if not multiplexer and environment.get("STY"):
        multiplexer = "screen"
    return Announcing(
        when("TERMPROM_BANNER", When.ALL),
        when("TERMPROM_BELL", When.OFF),
        (_WORDS.get(which) or When.ALL) if kind in ("osc9", "osc777") else When.OFF,
        kind,
        multiplexer,
    )


@dataclass(frozen=True, slots=True)
class Announcement:
    """What to do about a change; empty texts and False stand for nothing."""

    banner: str = ""
    alarm: bool = False  # the banner is about something that fires
    bell: bool = False
    sequence: str = ""  # to be written to the terminal


def announcement(change: AlertChange, how: Announcing) -> Announcement:
    """A change on each way, as far as that way wants it."""
    notified = _part(change, how.notify).sentence()
    return Announcement(
        banner=_part(change, how.banner).sentence(),
        alarm=bool(change.fired),
        bell=bool(_part(change, how.bell)),
        sequence=_enveloped(notification(how.kind, notified), how.multiplexer) if notified else "",
    )


def notification(kind: str, text: str) -> str:
    """The escape sequence of a desktop notification; text from outside cannot end it early."""
    clean = inert(text).replace(";", ",")
    if len(clean) > _TEXT_CHARS_MAX:
        clean = clean[: _TEXT_CHARS_MAX - 1] + "…"
    if kind == "osc9":
        return f"\x1b]9;{clean}\x07"
    return f"\x1b]777;notify;termprom;{clean}\x07"


def _part(change: AlertChange, when: When) -> AlertChange:
    match when:
        case When.OFF:
            return AlertChange()
        case When.FIRING:
            return AlertChange(change.fired)
        case When.ALL:
            return change


def _enveloped(sequence: str, multiplexer: str) -> str:
    """For the terminal around a multiplexer, which would swallow what it does not know."""
    if multiplexer == "tmux":
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}\x1b\\"
    return f"\x1bP{sequence}\x1b\\" if multiplexer == "screen" else sequence
