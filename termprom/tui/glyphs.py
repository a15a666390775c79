"""The signs of the screen, in Unicode and in ASCII. A sign always stands beside a word."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs; each is one cell wide in UNICODE, at most two in ASCII."""

    firing: str
    pending: str
    inactive: str
    silenced: str
    up: str
    down: str
    slow: str
    unknown: str
    fail: str
    ok: str
    cursor: str
    folded: str
    unfolded: str
    changed: str
    sort_up: str
    sort_down: str
    wait: str
    spark: str  # from nothing to full; the first is a value at the bottom, never a blank
    bar: str  # a full cell of a strip
    gap: str  # a failed cell of a strip
    rule: str


UNICODE = Glyphs(
    firing="●",
    pending="◐",
    inactive="○",
    silenced="⊘",
    up="▲",
    down="▼",
    slow="!",
    unknown="?",
    fail="✗",
    ok="✓",
    cursor=">",
    folded="▸",
    unfolded="▾",
    changed="↕",
    sort_up="↑",
    sort_down="↓",
    wait="⋯",
    spark="▁▂▃▄▅▆▇█",
    bar="█",
    gap="░",
    rule="─",
)

ASCII = Glyphs(
    firing="!!",
    pending="..",
    inactive="--",
    silenced="zz",
    up="ok",
    down="XX",
    slow="!",
    unknown="?",
    fail="x",
    ok="ok",
    cursor=">",
    folded="+",
    unfolded="-",
    changed="*",
    sort_up="^",
    sort_down="v",
    wait="...",
    spark="_.-=+*#",
    bar="#",
    gap=".",
    rule="-",
)


def glyphs(ascii_only: bool) -> Glyphs:
    return ASCII if ascii_only else UNICODE
