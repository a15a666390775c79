"""Telling the terminal itself: bell and notifications, where the operator asked for them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from termprom.tui.cells import inert


@dataclass(frozen=True, slots=True)
class Announcing:
    """`TERMPROM_BELL=1` rings for what fires; `TERMPROM_NOTIFY=osc9|osc777` tells the desktop."""

    bell: bool = False
    notify: str = ""


def announcing(environment: Mapping[str, str] = os.environ) -> Announcing:
    notify = environment.get("TERMPROM_NOTIFY", "")
    return Announcing(
        environment.get("TERMPROM_BELL", "") not in ("", "0"),
        notify if notify in ("osc9", "osc777") else "",
    )


def notification(kind: str, text: str) -> str:
    """The escape sequence of a desktop notification; text from outside cannot end it early."""
    clean = inert(text).replace(";", ",")
    if kind == "osc9":
        return f"\x1b]9;{clean}\x07"
    return f"\x1b]777;notify;termprom;{clean}\x07"
