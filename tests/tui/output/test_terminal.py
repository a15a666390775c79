"""The screen is drawn where the terminal is."""

from __future__ import annotations

import io
import sys

import pytest

from termprom.tui.output.terminal import draw_on_terminal


class _Stream(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("output", "errors", "drawn_on_output"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_stdout_is_taken_where_it_alone_is_the_terminal(
    monkeypatch: pytest.MonkeyPatch, *, output: bool, errors: bool, drawn_on_output: bool
) -> None:
    stdout, stderr = _Stream(terminal=output), _Stream(terminal=errors)
    monkeypatch.setattr(sys, "__stdout__", stdout)
    monkeypatch.setattr(sys, "__stderr__", stderr)
    draw_on_terminal()
    assert sys.__stderr__ is (stdout if drawn_on_output else stderr)


def test_without_streams_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "__stdout__", None)
    monkeypatch.setattr(sys, "__stderr__", None)
    draw_on_terminal()
    assert sys.__stderr__ is None
