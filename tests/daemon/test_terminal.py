"""The waiter and the child: statuses, signals, and letting the shell go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path


def run(body: str, tmp_path: Path) -> subprocess.Popen[bytes]:
    code = textwrap.dedent(
        """
        import os, pathlib, signal, sys, time
        from termprom.daemon.terminal import run_on_leash
        note = pathlib.Path(sys.argv[1])
        def work(leash):
        {body}
        sys.exit(run_on_leash(work))
        """
    ).format(body=textwrap.indent(textwrap.dedent(body), "    "))
    return subprocess.Popen([sys.executable, "-c", code, tmp_path / "note"], stdout=subprocess.PIPE)


def test_the_status_of_the_child_is_the_status_of_the_command(tmp_path: Path) -> None:
    with run("return 7", tmp_path) as process:
        assert process.wait(20) == 7


def test_a_killed_child_looks_like_a_killed_command(tmp_path: Path) -> None:
    with run("os.kill(os.getpid(), signal.SIGKILL)", tmp_path) as process:
        assert process.wait(20) == 128 + 9


def test_after_detach_the_shell_is_free_and_the_child_goes_on(tmp_path: Path) -> None:
    process = run(
        """
        leash.detach()
        while not note.exists():
            time.sleep(0.01)
        note.write_text(str(os.getsid(0) == os.getpid()))
        return 0
        """,
        tmp_path,
    )
    with process:
        assert process.wait(20) == 0
    note = tmp_path / "note"
    note.write_text("")
    for _ in range(1000):
        if note.read_text():
            break
        subprocess.run(["sleep", "0.01"], check=True)
    assert note.read_text() == "True"


def test_a_termination_reaches_the_child(tmp_path: Path) -> None:
    process = run(
        """
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
        print("ready", flush=True)
        while True:
            time.sleep(0.05)
        """,
        tmp_path,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(20) == 5
