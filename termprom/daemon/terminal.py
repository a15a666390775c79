"""Leaving the terminal: how a process that has a screen becomes one that has none.

A shell waits for the process that it started. To give the shell its prompt back while the engine
goes on *in the same process*, the process that the shell knows is a small waiter, and the engine
lives in its child: forked first thing, before any thread exists. The two hold a pipe each way:

    child -> waiter   one byte "d": I have left the terminal, let the shell have it; EOF: I ended
    waiter -> child   EOF: the waiter is gone, behave as after a hangup
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Final

_FORWARDED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Leash:
    """The child's ends of the two pipes."""

    waiter_gone: int  # readable (EOF) when the waiter died
    _to_waiter: int

    def detach(self) -> None:
        """Leave the session and the terminal, and let the waiter go."""
        with contextlib.suppress(PermissionError):
            os.setsid()
        silence()
        with contextlib.suppress(OSError):
            os.write(self._to_waiter, b"d")
        os.close(self._to_waiter)


def silence() -> None:
    """Point the standard streams at nothing; writes to a dead terminal would raise."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)


def run_on_leash(work: Callable[[Leash], int]) -> int:
    """Run `work` in a child; returns its status here, or 0 as soon as it has detached.

    In the child this returns what `work` returns. Call it before any thread is started.
    """
    child_reads, waiter_writes = os.pipe()
    waiter_reads, child_writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(waiter_writes)
        os.close(waiter_reads)
        return work(Leash(child_reads, child_writes))
    os.close(child_reads)
    os.close(child_writes)
    try:
        return _wait(child, waiter_reads)
    finally:
        # Closed only now: this end's EOF tells the child that nobody waits any more.
        os.close(waiter_writes)


def _wait(child: int, from_child: int) -> int:
    def forward(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in _FORWARDED:
        signal.signal(number, forward)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    while True:
        ready, _, _ = select.select([from_child, woken], [], [])
        if from_child in ready:
            if os.read(from_child, 1):
                return 0
            return _status(os.waitpid(child, 0)[1])
        with contextlib.suppress(BlockingIOError):
            os.read(woken, 512)
        pid, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
        if pid and os.WIFSTOPPED(status):
            # Ctrl+Z stopped the child only; the shell must see its own job stop.
            os.kill(os.getpid(), signal.SIGSTOP)
            os.kill(child, signal.SIGCONT)
        elif pid:
            return _status(status)


def _status(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code
