"""A program in a real pseudo-terminal: keys in, bytes out, a picture of the screen, and times.

The harness answers what a terminal answers (mode 2026, device attributes, the background colour),
reads as fast as the program writes, or not at all while `reading` is off, and keeps every byte with
its time of arrival.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Final

from termprom.testing.terminal import TerminalModel

_READ_BYTES: Final = 65_536
_QUERIES: Final[tuple[tuple[re.Pattern[bytes], bytes], ...]] = (
    (re.compile(rb"\x1b\[\?2026\$p"), b"\x1b[?2026;2$y"),
    (re.compile(rb"\x1b\[\?2048\$p"), b"\x1b[?2048;0$y"),
    (re.compile(rb"\x1b\[0?c"), b"\x1b[?62;22c"),
    (re.compile(rb"\x1b\[6n"), b"\x1b[1;1R"),
    (re.compile(rb"\x1b\]11;\?(?:\x1b\\|\x07)"), b"\x1b]11;rgb:1010/1212/1616\x1b\\"),
)
_LONGEST_QUERY: Final = 16


class PtyProgram:
    """A context manager. `screen` is what a terminal of `size` (columns, rows) would show now."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (120, 40),
        environment: Mapping[str, str] | None = None,
        answers_queries: bool = True,
    ) -> None:
        self.screen = TerminalModel(*size)
        self.exit_code: int | None = None
        self._command, self._size = list(command), size
        self._environment = {
            "TERM": "xterm-256color",
            "PATH": os.environ.get("PATH", ""),
            "HOME": os.environ.get("HOME", "/"),
            "LANG": "C.UTF-8",
            **(environment or {}),
        }
        self._answers = answers_queries
        self._changed = threading.Condition()
        self._chunks: list[tuple[float, bytes]] = []
        self._undecoded = b""
        self._recent = b""
        self._master = -1
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._resume = threading.Event()
        self._resume.set()
        self._ended = False

    def __repr__(self) -> str:
        return f"PtyProgram({self._command[0]}, {self.byte_count} bytes)"

    def __enter__(self) -> PtyProgram:
        self._master, slave = os.openpty()
        self._set_size(*self._size)
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            self._command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=self._environment,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read_all, name="pty", daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process is not None
        assert self._reader is not None
        self._resume.set()
        if self._process.poll() is None:
            self._process.kill()
        self.exit_code = self._process.wait()
        self._reader.join(5)
        os.close(self._master)

    # --- What the program does ----------------------------------------------------------------

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def byte_count(self) -> int:
        """Bytes that have arrived so far."""
        with self._changed:
            return sum(len(data) for _, data in self._chunks)

    def output(self, since: int = 0) -> bytes:
        """Everything that arrived, from byte number `since` on."""
        with self._changed:
            return b"".join(data for _, data in self._chunks)[since:]

    def first_byte_at(self, since: int) -> float | None:
        """When byte number `since` arrived (monotonic), if it has."""
        with self._changed:
            total = 0
            for at, data in self._chunks:
                total += len(data)
                if total > since:
                    return at
        return None

    def wait_for(self, holds: Callable[[PtyProgram], bool], timeout: float = 20.0) -> None:
        """Wait until `holds` of this program. Raises TimeoutError with the screen."""
        end = time.monotonic() + timeout
        with self._changed:
            while not holds(self):
                left = end - time.monotonic()
                if left <= 0 or (self._ended and not holds(self)):
                    shown = "\n".join(self.screen.lines)
                    raise TimeoutError(f"it never came to that; the screen was:\n{shown}")
                self._changed.wait(min(left, 0.5))

    def wait_for_text(self, text: str, timeout: float = 20.0) -> None:
        self.wait_for(lambda program: any(text in line for line in program.screen.lines), timeout)

    def wait_until_quiet(self, quiet_seconds: float = 0.25, timeout: float = 20.0) -> None:
        """Wait until nothing has arrived for a while: there is no event for an absence."""
        end = time.monotonic() + timeout
        with self._changed:
            while time.monotonic() < end:
                before = len(self._chunks)
                if not self._changed.wait(quiet_seconds) and len(self._chunks) == before:
                    return
        raise TimeoutError("it never fell silent")

    def wait_for_end(self, timeout: float = 20.0) -> int:
        """The exit code."""
        assert self._process is not None
        return self._process.wait(timeout)

    # --- What the operator does ---------------------------------------------------------------

    def send(self, keys: str | bytes) -> None:
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    def press(self, keys: str | bytes, timeout: float = 5.0) -> tuple[float, int]:
        """Press, wait for the frame to end: seconds to its first byte, and its size in bytes."""
        since = self.byte_count
        pressed = time.monotonic()
        self.send(keys)
        self.wait_for(lambda program: program.byte_count > since, timeout)
        self.wait_until_quiet(0.06)
        first = self.first_byte_at(since)
        assert first is not None
        return first - pressed, self.byte_count - since

    def resize(self, columns: int, rows: int) -> None:
        with self._changed:
            self._size = (columns, rows)
            self.screen = TerminalModel(columns, rows)
        self._set_size(columns, rows)
        os.killpg(self.pid, signal.SIGWINCH)

    def stop_reading(self) -> None:
        """The terminal stops taking bytes, as on a link that hangs."""
        self._resume.clear()

    def go_on_reading(self) -> None:
        self._resume.set()

    def hang_up(self) -> None:
        """What the kernel does when the link is gone."""
        os.killpg(self.pid, signal.SIGHUP)

    # --- Inside -------------------------------------------------------------------------------

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read_all(self) -> None:
        try:
            while True:
                self._resume.wait()
                ready, _, _ = select.select([self._master], [], [], 0.2)
                if not ready or not self._resume.is_set():
                    continue
                data = os.read(self._master, _READ_BYTES)
                if not data:
                    return
                self._take(data)
        except OSError:
            return  # the program has closed its end
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _take(self, data: bytes) -> None:
        if self._answers:
            self._answer(data)
        with self._changed:
            self._chunks.append((time.monotonic(), data))
            text = self._undecoded + data
            try:
                decoded, self._undecoded = text.decode(), b""
            except UnicodeDecodeError as problem:
                # A character that was cut by the read; anything longer is not UTF-8 at all.
                cut = problem.start if len(text) - problem.start < 4 else len(text)
                decoded, self._undecoded = text[:cut].decode(errors="replace"), text[cut:]
            self.screen.feed(decoded)
            self._changed.notify_all()

    def _answer(self, data: bytes) -> None:
        seen, start = self._recent + data, len(self._recent)
        found = [
            (match.end(), answer)
            for query, answer in _QUERIES
            for match in query.finditer(seen)
            if match.end() > start
        ]
        for _, answer in sorted(found):  # in the order of the questions, as terminals do
            with contextlib.suppress(OSError):
                os.write(self._master, answer)
        self._recent = seen[-_LONGEST_QUERY:]


def _take_terminal() -> None:
    """In the child: the terminal on standard input becomes the session's own."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
