"""The parts of the stage by themselves: cells, pens, moves, frames, the governor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from termprom.testing.terminal import TerminalModel
from termprom.tui.output.cells import TAIL, split_cells
from termprom.tui.output.governor import PERIODS, SLOWEST, LinkGovernor
from termprom.tui.output.moves import move
from termprom.tui.output.pen import DEFAULT, change, pen_of
from termprom.tui.output.shadow import ShadowScreen

PENS = ("", "1", "2", "1;2", "4", "7;31", "31", "38;5;178", "38;5;178;48;5;16", "1;9;48;2;1;2;3")


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("ab", ("a", "b")),
        ("字a", ("字", TAIL, "a")),
        ("e\u0301x", ("e\u0301", "x")),
        ("\u0301x", ("x",)),
        ("a\x1b[31m", ("a", "[", "3", "1", "m")),
        ("a\u202eb\x07\x9b", ("a", "b")),
        ("👩\u200d🚒.", ("👩\u200d🚒", TAIL, ".")),
    ],
)
def test_text_falls_into_cells_without_anything_that_steers_a_terminal(
    text: str, cells: tuple[str, ...]
) -> None:
    assert split_cells(text) == cells


@given(st.text(st.sampled_from("ab 字京é\u0301\u0308🙂─⣿"), max_size=12).filter(
    lambda text: not text or cell_len(text[0]) > 0
))  # fmt: skip
def test_there_are_as_many_cells_as_the_layout_measures(text: str) -> None:
    assert len(split_cells(text)) == cell_len(text)


@pytest.mark.parametrize("old", PENS)
@pytest.mark.parametrize("new", PENS)
def test_a_change_of_pen_ends_where_setting_it_afresh_ends(old: str, new: str) -> None:
    stepwise, afresh = TerminalModel(2, 1), TerminalModel(2, 1)
    stepwise.feed(change(DEFAULT, pen_of(old)) + change(pen_of(old), pen_of(new)) + "x")
    afresh.feed(f"\x1b[0;{new}mx" if new else "x")
    assert stepwise.cell(0, 0) == afresh.cell(0, 0)
    assert len(change(pen_of(old), pen_of(new))) <= len(f"\x1b[0;{new}m")


@given(*[st.tuples(st.integers(0, 19), st.integers(0, 79))] * 2)
def test_every_move_arrives_and_none_is_longer_than_an_absolute_one(
    origin: tuple[int, int], goal: tuple[int, int]
) -> None:
    terminal = TerminalModel(80, 20)
    terminal.feed(move(None, origin))
    terminal.feed(move(origin, goal))
    assert (terminal.row, terminal.column) == goal
    assert len(move(origin, goal)) <= len(move(None, goal))


def test_a_key_stroke_costs_a_few_bytes_and_an_equal_frame_none() -> None:
    screen = ShadowScreen(80, 24)
    screen.put(3, 0, [("rate(x", DEFAULT)], 80)
    screen.frame((3, 6))
    screen.put(3, 0, [("rate(x[", DEFAULT)], 80)
    assert screen.frame((3, 7)) == "["
    screen.put(3, 0, [("rate(x[", DEFAULT)], 80)
    assert screen.frame((3, 7)) == ""


def test_blanks_to_the_end_of_a_line_are_erased_only_where_colour_allows() -> None:
    ground = pen_of("48;5;16")
    for erases in (True, False):
        screen = ShadowScreen(60, 1, erases_colour=erases)
        screen.put(0, 0, [("x" * 60, DEFAULT)], 60)
        screen.frame((0, 0))
        screen.put(0, 0, [(" " * 60, ground)], 60)
        frame = screen.frame((0, 0))
        assert ("\x1b[K" in frame) is erases
        terminal = TerminalModel(60, 1)
        terminal.feed(frame)
        assert terminal.cell(0, 59).look.background == "48;5;16"


def test_a_glyph_that_terminals_measure_differently_has_its_neighbours_sent_again() -> None:
    screen = ShadowScreen(20, 1)
    screen.put(0, 0, [("abcdefgh", DEFAULT)], 20)
    screen.frame((0, 0))
    screen.put(0, 0, [("👩\u200d🚒cdefgh", DEFAULT)], 20)
    frame = screen.frame((0, 0))
    # A terminal that draws both people side by side takes four cells.
    assert "cd" in frame
    assert "ef" not in frame


def test_the_governor_slows_down_holds_and_recovers() -> None:
    link = LinkGovernor()
    assert link.wait_seconds(0.0, 0) == 0.0
    for skip in range(3):
        assert link.wait_seconds(1.0 + skip, 3) > 0
    assert link.level == 1
    for skip in range(60):
        assert link.wait_seconds(10.0 + skip, 30) > 0
    assert link.level == SLOWEST
    now = 1000.0
    for level in reversed(range(SLOWEST)):
        assert link.wait_seconds(now, 0) == 0.0
        assert link.level == level
        now += PERIODS[-1]
    assert link.wait_seconds(now, 0) == 0.0


def test_the_echo_of_a_key_is_never_held_unless_the_queue_would_block() -> None:
    link = LinkGovernor(SLOWEST)
    link.wait_seconds(0.0, 3)
    link.key_pressed(1.0)
    assert link.wait_seconds(1.1, 5) == 0.0
    assert link.wait_seconds(1.1, 29) > 0
    assert link.wait_seconds(1.5, 0) > 0, "no longer an echo"


def test_the_pictures_survive_more_pens_than_are_kept() -> None:
    screen, terminal = ShadowScreen(4, 1), TerminalModel(4, 1)
    for number in range(9_000):
        pen = pen_of(f"38;2;{number % 256};{number // 256};1")
        screen.put(0, 0, [("abcd", pen)], 4)
    terminal.feed(screen.frame((0, 0)))
    assert terminal.cell(0, 3).look.foreground == f"38;2;{8_999 % 256};{8_999 // 256};1"
