"""The ways to a clipboard: which is taken where, and that each carries the text."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from termprom.tui.clipboard.copy import copy_text
from termprom.tui.clipboard.plan import OSC52_ENCODED_MAX, CopyPath, osc52, plan_copy

TMUX, TOOL, OSC, FILE = CopyPath.TMUX, CopyPath.TOOL, CopyPath.OSC52, CopyPath.FILE
_TEXT = 'node_load1{job="ä"}'


@pytest.mark.parametrize(
    ("environment", "programs", "ways"),
    [
        ({}, "", [OSC, FILE]),
        ({"TMUX": "/tmp/x,1,0"}, "tmux", [TMUX, FILE]),
        ({"TMUX": "/tmp/x,1,0"}, "", [FILE]),
        ({"TMUX": "/tmp/x,1,0", "SSH_TTY": "/dev/pts/1"}, "tmux xclip", [TMUX, FILE]),
        ({"DISPLAY": ":0"}, "xclip", [TOOL, OSC, FILE]),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "1"}, "xclip", [OSC, FILE]),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "wl-copy xclip", [TOOL, OSC, FILE]),
        ({}, "pbcopy", [TOOL, OSC, FILE]),
        ({"DISPLAY": ":0"}, "", [OSC, FILE]),
    ],
)
def test_the_ways_depend_on_where_the_operator_sits(
    environment: dict[str, str], programs: str, ways: Sequence[CopyPath]
) -> None:
    assert plan_copy("x", environment, programs.split().__contains__) == tuple(ways)


def test_what_a_terminal_would_drop_goes_to_a_file() -> None:
    fits = "x" * (OSC52_ENCODED_MAX // 4 * 3)
    assert plan_copy(fits, {}, lambda _: False) == (OSC, FILE)
    assert plan_copy(fits + "xxx", {}, lambda _: False) == (FILE,)


def test_gnu_screen_gets_the_sequence_in_pieces() -> None:
    text = "y" * 3_000
    wrapped = osc52(text, {"STY": "1.pts"})
    pieces = wrapped.removeprefix("\x1bP").removesuffix("\x1b\\").split("\x1b\\\x1bP")
    assert max(map(len, pieces)) <= 768
    assert "".join(pieces) == osc52(text, {})


async def test_a_terminal_gets_the_text_encoded_and_no_promise_is_made() -> None:
    written: list[str] = []
    copied = await copy_text(_TEXT, written.append, environment={}, has_program=lambda _: False)
    assert base64.b64decode(written[0].split(";")[2].rstrip("\x07")).decode() == _TEXT
    assert str(copied) == "sent by terminal (OSC 52)"


def _tool(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


async def test_a_local_tool_is_given_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tool(tmp_path, "wl-copy", f"exec cat > {tmp_path}/got")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    environment = {"WAYLAND_DISPLAY": "w", "PATH": path}
    copied = await copy_text(_TEXT, [].append, environment=environment)
    assert (tmp_path / "got").read_text() == _TEXT
    assert str(copied) == "copied by local clipboard"


async def test_a_tool_that_fails_is_not_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tool(tmp_path, "wl-copy", "exit 1")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    written: list[str] = []
    environment = {"WAYLAND_DISPLAY": "w", "PATH": path}
    copied = await copy_text(_TEXT, written.append, environment=environment)
    assert copied.path is OSC
    assert written


async def test_a_file_is_private_and_does_not_follow_a_link(tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir(mode=0o700)
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (folder / "termprom-copy.txt").symlink_to(victim)
    text = "z" * 80_000
    copied = await copy_text(
        text, [].append, environment={}, has_program=lambda _: False, folder=folder
    )
    assert copied.path is FILE
    _check_file(Path(copied.detail), text)
    assert victim.read_text() == "untouched"


def _check_file(written: Path, text: str) -> None:
    assert written.read_text() == text
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


@pytest.mark.peer
def test_a_real_tmux_takes_the_text_into_its_buffer(tmp_path: Path) -> None:
    if shutil.which("tmux") is None:
        pytest.skip("no tmux on this machine")
    socket = tmp_path / "tmux.sock"
    tmux = ["tmux", "-S", str(socket), "-f", "/dev/null"]
    subprocess.run([*tmux, "new-session", "-d", "sleep 60"], check=True)
    try:
        environment = {"TMUX": f"{socket},1,0", "PATH": os.environ["PATH"]}
        copied = asyncio.run(copy_text(_TEXT, [].append, environment=environment))
        shown = subprocess.run([*tmux, "show-buffer"], capture_output=True, check=True)
        assert copied.path is TMUX
        assert shown.stdout.decode() == _TEXT
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)
