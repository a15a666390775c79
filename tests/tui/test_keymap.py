"""Keys: one table, no two meanings in a chain, and the operator's own file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from textual.app import App
from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widget import Widget

import termprom.tui
from termprom.cli import main as cli
from termprom.errors import ConfigError
from termprom.tui.keymap import (
    CHAINS,
    COMMANDS,
    PRESETS,
    UNUSABLE,
    find_clashes,
    key_names,
    split_keys,
)
from termprom.tui.keymap_file import check_keymap, load_keymap
from termprom.tui.screens.rows_dialog import RowsDialog
from termprom.tui.widgets.banner import Banner
from tests.tui.panes.screen import fake, showing


def _classes() -> Iterator[type[Widget] | type[App[object]]]:
    for one in pkgutil.walk_packages(termprom.tui.__path__, "termprom.tui."):
        module = importlib.import_module(one.name)
        for found in vars(module).values():
            own = isinstance(found, type) and found.__module__ == one.name
            if own and issubclass(found, Widget | App) and "BINDINGS" in vars(found):
                yield found


def test_every_key_of_the_screen_is_in_the_table() -> None:
    for found in _classes():
        if issubclass(found, ModalScreen):
            continue  # a dialog tells its few keys itself
        for binding in found.BINDINGS:
            assert isinstance(binding, Binding)
            if binding.action.startswith("digit("):
                continue
            command = COMMANDS[binding.id or ""]
            assert binding.key == command.keys, f"{found.__name__}: {binding.id}"


def test_every_command_of_the_table_is_bound_somewhere() -> None:
    bound = {one.id for found in _classes() for one in found.BINDINGS if isinstance(one, Binding)}
    assert set(COMMANDS) - bound == set()


def test_no_key_is_one_that_terminals_do_not_deliver() -> None:
    for command in COMMANDS.values():
        assert not set(split_keys(command.keys)) & set(UNUSABLE), command.id


def test_every_command_lives_in_a_chain() -> None:
    parts = {part for chain in CHAINS for part in chain}
    assert {one.partition(".")[0] for one in COMMANDS} <= parts


@pytest.mark.parametrize("preset", PRESETS)
def test_no_preset_gives_one_key_to_two_commands(preset: str) -> None:
    assert find_clashes(PRESETS[preset]) == []
    assert set(PRESETS[preset]) <= set(COMMANDS)


def test_a_clash_names_the_key_and_both_commands() -> None:
    with pytest.raises(ConfigError, match=r"p means both app\.pause and app\.quit|p means both"):
        check_keymap({"keys": {"app.quit": "p"}}, "keys.yml")
    # Given away by its owner, the key is free.
    moved = check_keymap({"keys": {"app.quit": "p", "app.pause": "ctrl+t"}}, "keys.yml")
    assert moved == {"app.quit": "p", "app.pause": "ctrl+t"}


def test_the_same_key_in_two_chains_is_no_clash() -> None:
    assert check_keymap({"keys": {"graph.marks": "d"}}, "keys.yml") == {"graph.marks": "d"}


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"keys": {"app.quitt": "Q"}}, "did you mean app.quit"),
        ({"keys": {"app.quit": "ctrl+m"}}, "arrives as enter"),
        ({"keys": {"app.quit": "two words"}}, "is no key"),
        ({"keys": {"app.quit": []}}, "a key or a list"),
        ({"keys": {"prompt.run": "f5"}}, "part of editing"),
        ({"preset": "nano"}, "there are: vim, emacs, k9s"),
        ({"kees": {}}, "a keymap has"),
        ([], "a keymap has"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tree: object, message: str) -> None:
    with pytest.raises(ConfigError, match=r"keys\.yml") as problem:
        check_keymap(tree, "keys.yml")
    assert message in str(problem.value)


def test_keys_are_written_as_people_write_them() -> None:
    found = check_keymap({"keys": {"app.help": ["f1", "\\"], "app.redraw": "ctrl+t"}}, "keys.yml")
    assert found == {"app.help": "f1,backslash", "app.redraw": "ctrl+t"}
    assert key_names(found["app.help"]) == "f1 \\"


def test_no_file_is_no_override(tmp_path) -> None:
    assert load_keymap(tmp_path / "keys.yml") == {}


def test_the_command_line_prints_the_table_in_force(tmp_path, capsys) -> None:
    file = tmp_path / "keys.yml"
    file.write_text("preset: k9s\nkeys: {pane.silence: ctrl+s}\n")
    assert cli.main(["keys", f"--file={file}"]) == 0
    out = capsys.readouterr().out
    assert " * pane.silence" in out
    assert "ctrl+s" in out
    assert all(name in out for name in COMMANDS)
    file.write_text("keys: {app.quit: p}\n")
    assert cli.main(["keys", f"--file={file}"]) == 1
    assert "p means both" in capsys.readouterr().err


async def test_own_keys_work_and_are_what_help_and_footer_say(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "termprom").mkdir()
    (tmp_path / "termprom" / "keys.yml").write_text("keys: {app.pause: ctrl+t}\n")
    async with showing(fake(), "logs") as screen:
        await screen.press("p")
        assert "LIVE" in screen.lines[0]
        await screen.press("ctrl+t")
        assert "PAUSED" in screen.lines[0]
        assert "ctrl+t pause" in screen.lines[-1]
        await screen.press("question_mark")
        dialog = screen.app.screen
        assert isinstance(dialog, RowsDialog)
        assert next(one.key for one in dialog._entries if one.id == "app.pause") == "ctrl+t"


async def test_a_bad_file_costs_the_keys_in_it_and_nothing_else(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "termprom").mkdir()
    (tmp_path / "termprom" / "keys.yml").write_text("keys: {app.pause: q}\n")
    async with showing(fake(), "logs") as screen:
        assert "the keys stay as shipped" in screen.app.query_one(Banner).text
        await screen.press("p")
        assert "PAUSED" in screen.lines[0]


async def test_the_palette_runs_any_command_that_works_here() -> None:
    async with showing(fake(), "logs") as screen:
        await screen.press("colon")
        await screen.press(*"pause", "enter")
        assert "PAUSED" in screen.lines[0]
        await screen.press("colon", *"rules", "enter")
        assert screen.pane.PANE_ID == "rules"
