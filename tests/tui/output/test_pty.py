"""The stage in a real pseudo-terminal: bytes per key, a terminal that stops reading, a resize."""

from __future__ import annotations

import sys

import pytest

from termprom.testing.pty import PtyProgram

_APP = [sys.executable, "-m", "tests.tui.output.sample_app"]


@pytest.mark.parametrize("term", ["xterm-256color", "screen-256color"])
def test_keys_echo_in_few_bytes_and_stock_output_shows_the_same(term: str) -> None:
    shown, costs = [], []
    for output in ("diff", "stock"):
        environment = {"TERM": term, "TERMPROM_OUTPUT": output}
        with PtyProgram(_APP, size=(100, 24), environment=environment) as program:
            program.wait_for_text("row 18")
            program.wait_until_quiet()
            costs.append(max(program.press(key)[1] for key in "abc"))
            program.wait_for_text("abc")
            shown.append(program.screen.seen())
            assert program.screen.unknown == []
    assert shown[0] == shown[1]
    assert costs[0] <= 150, "the budget of a key stroke in a prompt"
    assert costs[0] < costs[1]


def test_a_terminal_that_stops_reading_does_not_stop_the_app() -> None:
    environment = {"SAMPLE_TICK": "0.02"}
    with PtyProgram(_APP, size=(100, 24), environment=environment) as program:
        program.wait_for_text("row 18")
        program.stop_reading()
        program.wait_until_quiet(2.0)
        program.send("x")
        program.go_on_reading()
        # The loop has turned all the while: the longest pause between its beats is on the screen.
        program.wait_for_text("worst 0")


def test_a_resize_draws_everything_at_the_new_size() -> None:
    with PtyProgram(_APP, size=(100, 24)) as program:
        program.wait_for_text("row 18")
        program.wait_until_quiet()
        program.resize(70, 16)
        program.wait_for_text("row 5")
        program.wait_until_quiet()
        resized = program.screen.seen()
    with PtyProgram(_APP, size=(70, 16)) as program:
        program.wait_for_text("row 5")
        program.wait_until_quiet()
        assert program.screen.seen() == resized
