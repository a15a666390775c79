"""Which ways to the operator's clipboard are worth trying here, in order: pure.

Inside tmux with default settings neither a raw nor a wrapped OSC 52 reaches the outer terminal, but
`tmux load-buffer -w -` does. OSC 52 has no answer, so a local tool comes first where there is one
and the session is not remote; a file is the way that always works.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final

# What k9s allows; many terminals drop longer sequences without a word.
OSC52_ENCODED_MAX: Final = 74_994
_SCREEN_PIECE: Final = 768  # GNU screen's limit for one DCS string


class CopyPath(StrEnum):
    """A way; its value is how a confirmation names it."""

    TMUX = "tmux"
    TOOL = "local clipboard"
    OSC52 = "terminal (OSC 52)"
    FILE = "file"


_TOOLS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("", ("pbcopy",)),
)
TMUX_COMMAND: Final = ("tmux", "load-buffer", "-w", "-")


def plan_copy(
    text: str, environment: Mapping[str, str], has_program: Callable[[str], bool]
) -> tuple[CopyPath, ...]:
    """The ways to try until one works; the last is always the file."""
    ways: list[CopyPath] = []
    if environment.get("TMUX") and has_program("tmux"):
        ways.append(CopyPath.TMUX)
    elif tool_command(environment, has_program) and not is_remote(environment):
        ways.append(CopyPath.TOOL)
    if not environment.get("TMUX") and encoded_size(text) <= OSC52_ENCODED_MAX:
        ways.append(CopyPath.OSC52)
    return (*ways, CopyPath.FILE)


def is_remote(environment: Mapping[str, str]) -> bool:
    """Whether the operator sits at another machine, so that local clipboards are not theirs."""
    return any(environment.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"))


def tool_command(
    environment: Mapping[str, str], has_program: Callable[[str], bool]
) -> Sequence[str]:
    """The local tool that fits the session; empty when there is none."""
    for variable, command in _TOOLS:
        if (not variable or environment.get(variable)) and has_program(command[0]):
            return command
    return ()


def encoded_size(text: str) -> int:
    return (len(text.encode()) + 2) // 3 * 4


def osc52(text: str, environment: Mapping[str, str]) -> str:
    """The sequence that asks a terminal to take `text`; in pieces inside GNU screen."""
    sequence = f"\x1b]52;c;{b64encode(text.encode()).decode()}\x07"
    if not environment.get("STY"):
        return sequence
    pieces = (
        sequence[start : start + _SCREEN_PIECE] for start in range(0, len(sequence), _SCREEN_PIECE)
    )
    return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
