"""One question at a time: the newest is the one that counts, and equal ones are asked once."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from textual.worker import Worker

from termprom.tui.panes.pane import Pane
from termprom.tui.work import begin

Key = tuple[object, ...]


class Asking:
    """One per pane. `key` tells what an answer would depend on now: expression, tab and range
    first, then what time and size make of them. `answer` is given the question's number.
    """

    def __init__(
        self,
        pane: Pane,
        key: Callable[[], Key],
        answer: Callable[[int], Coroutine[Any, Any, None]],
    ) -> None:
        self._pane = pane
        self._key = key
        self._answer = answer
        self._number = 0
        self._worker: Worker[None] | None = None
        self._asked: Key = ()
        self._started = 0.0

    def __repr__(self) -> str:
        return f"Asking(number {self._number}, {'running' if self.running else 'at rest'})"

    @property
    def running(self) -> bool:
        return self._worker is not None and self._worker.is_running

    @property
    def took_ms(self) -> int:
        """Since the question was asked."""
        return round((self._pane.session.clock.monotonic() - self._started) * 1000)

    @property
    def outdated(self) -> bool:
        """Whether the same question would be another one by now; false before the first."""
        return bool(self._asked) and self._key() != self._asked

    def is_newest(self, number: int) -> bool:
        return number == self._number

    def begin(self) -> None:
        """Ask, whatever was being asked before."""
        self._number += 1
        self._asked = self._key()
        self._started = self._pane.session.clock.monotonic()
        self._worker = begin(
            self._pane,
            partial(self._answer, self._number),
            group="query",
            exclusive=True,
            exit_on_error=False,
        )

    def is_due(self) -> bool:
        """Whether to ask again: not for the same, and not while that is being answered."""
        if not self.running:
            return self._key() != self._asked
        return self._asked[:3] != self._key()[:3]  # what runs is for another range or tab

    def go_on(self) -> None:
        """What is asked has turned out to be for what the key says now."""
        self._asked = self._key()

    def forget(self) -> None:
        """Ask even for the same the next time."""
        self._asked = ()

    def cancel(self) -> bool:
        """Whether there was something to cancel."""
        if self._worker is None or not self._worker.is_running:
            return False
        self._number += 1
        self._worker.cancel()
        return True
