"""Light or dark: what terminals answer, and what an answer costs that comes late or never."""

from __future__ import annotations

import os
import pty
import threading

import pytest

from termprom.tui import background
from termprom.tui.background import from_environment, is_light


@pytest.mark.parametrize(
    ("answer", "light"),
    [
        (b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62;22c", True),
        (b"\x1b]11;rgb:1010/1212/1616\x07", False),
        (b"\x1b]11;rgba:fd/f6/e3/ff\x1b\\", True),
        (b"\x1b]11;rgb:000/2b2/363\x07", False),
        (b"\x1b[?1;2c", None),
        (b"", None),
        (b"\x1b]11;rgb:zz/00/00\x07", None),
    ],
)
def test_colours_as_terminals_write_them(answer: bytes, light: bool | None) -> None:
    assert is_light(answer) is light


def test_the_environment_may_tell() -> None:
    assert from_environment({"COLORFGBG": "0;15"}) is True
    assert from_environment({"COLORFGBG": "15;default;0"}) is False
    assert from_environment({"COLORFGBG": "15;default"}) is None
    assert from_environment({}) is None


def test_a_multiplexer_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_asked", lambda *_: pytest.fail("asked"))
    assert background.terminal_is_light({"TERM": "xterm-256color", "TMUX": "/tmp/x"}) is False
    assert background.terminal_is_light({"TERM": "tmux-256color"}) is False


def test_without_a_terminal_nothing_is_asked() -> None:
    assert background.terminal_is_light({"TERM": "xterm"}) is False


COLOUR, ATTRIBUTES = b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\", b"\x1b[?62c"


@pytest.mark.parametrize("answer", [COLOUR + ATTRIBUTES, ATTRIBUTES + COLOUR])
def test_the_answers_are_read_whole_and_leave_no_keys_behind(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_GRACE_SECONDS", 5.0)
    monkeypatch.setattr(background, "LIMIT_SECONDS", 10.0)
    master, slave = os.openpty()
    try:

        def terminal() -> None:
            seen = b""
            while b"\x1b[c" not in seen:
                seen += os.read(master, 100)
            os.write(master, answer[:7])
            os.write(master, answer[7:])

        threading.Thread(target=terminal, daemon=True).start()
        assert background._asked(slave, slave) == answer
        os.set_blocking(slave, False)
        with pytest.raises(BlockingIOError):
            os.read(slave, 10)
    finally:
        os.close(master)
        os.close(slave)


def test_a_terminal_that_never_answers_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "LIMIT_SECONDS", 0.01)
    master, slave = pty.openpty()
    try:
        assert background._asked(slave, slave) == b""
    finally:
        os.close(master)
        os.close(slave)
