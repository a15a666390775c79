"""Whether the terminal's background is dark: asked by OSC 11, once, before the screen begins.

The question goes together with one that every terminal answers (device attributes), so that a
terminal that does not know OSC 11 costs no waiting beyond the way there and back. The wait is long:
an answer that came after the screen has begun would be read as keys (`:` is one of them). Whatever
does not answer is taken as dark, as most are. Keys that arrive meanwhile belong to nobody yet.
A multiplexer is not asked: it answers the one question itself and may pass on the other.
"""

from __future__ import annotations

import os
import re
import select
import sys
from collections.abc import Mapping
from time import monotonic
from typing import Final

LIMIT_SECONDS: Final = 1.0

_ASK: Final = b"\x1b]11;?\x1b\\\x1b[c"
_COLOUR: Final = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F]+)/([0-9a-fA-F]+)/([0-9a-fA-F]+)")
_ATTRIBUTES: Final = re.compile(rb"\x1b\[\?[\d;]*c")
# These have no colour to tell, or do not pass the question on.
_SILENT: Final = ("dumb", "linux", "screen", "tmux", "vt")
_GRACE_SECONDS: Final = 0.02


def is_light(answer: bytes) -> bool | None:
    """What a terminal's answer says; None where it holds no colour."""
    found = _COLOUR.search(answer)
    if found is None:
        return None
    red, green, blue = (int(part, 16) / float(16 ** len(part) - 1) for part in found.groups())
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return luminance > 0.5


def from_environment(environment: Mapping[str, str]) -> bool | None:
    """What COLORFGBG says (`15;0`: white on black), where a terminal sets it."""
    last = environment.get("COLORFGBG", "").rpartition(";")[2]
    if not last.isdigit():
        return None
    return int(last) in (7, *range(9, 16))


def terminal_is_light(environment: Mapping[str, str] = os.environ) -> bool:
    """Ask the terminal that this process has; False where there is none, or no answer."""
    told = from_environment(environment)
    if told is not None or environment.get("TERM", "dumb").startswith(_SILENT):
        return bool(told)
    if environment.get("TMUX") or environment.get("STY"):
        return False
    source, sink = sys.__stdin__, sys.__stderr__
    try:
        if source is None or sink is None or not (source.isatty() and sink.isatty()):
            return False
        return bool(is_light(_asked(source.fileno(), sink.fileno())))
    except (OSError, ValueError):
        return False


def _asked(source: int, sink: int) -> bytes:
    """What comes back until both answers are there or the time is over, in either order."""
    import termios
    import tty

    before = termios.tcgetattr(source)
    try:
        tty.setcbreak(source, termios.TCSANOW)
        os.write(sink, _ASK)
        answer, end = b"", monotonic() + LIMIT_SECONDS
        while (left := end - monotonic()) > 0:
            if _ATTRIBUTES.search(answer):
                if _COLOUR.search(answer):
                    return answer
                left = min(left, _GRACE_SECONDS)  # perhaps they come the other way round
            if not select.select([source], [], [], left)[0]:
                break
            answer += os.read(source, 1024)
        termios.tcflush(source, termios.TCIFLUSH)  # half an answer must not become keys
        return answer
    finally:
        termios.tcsetattr(source, termios.TCSANOW, before)
