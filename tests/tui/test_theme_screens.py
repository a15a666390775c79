"""Every shipped theme draws every pane and every dialog; without colours nothing is lost."""

from __future__ import annotations

import pytest
from rich.color import ColorType

from termprom.tui.app import AppOptions, TermpromApp
from termprom.tui.themes import theme_files
from tests.tui.test_screens import PANES, Look
from tests.tui.world import busy


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def _inks(app: TermpromApp) -> set[ColorType]:
    strips = app.screen._compositor.render_strips()
    colours = {one for strip in strips for part in strip for one in
               (part.style and part.style.color, part.style and part.style.bgcolor)}  # fmt: skip
    return {one.type for one in colours if one is not None}


@pytest.mark.parametrize("name", sorted(theme_files()))
async def test_every_theme_draws_everything(name: str) -> None:
    look = Look(busy(), (80, 24))
    look.app._options = AppOptions(theme=name)
    async with look:
        look.app.show_theme(name)
        for pane_id in PANES:
            await look.show(pane_id, "up" if pane_id == "query" else None)
            assert "srv1" in look.text
        for keys in (("t", "escape"), ("y", "escape"), ("question_mark", "escape"),
                     ("colon", "escape"), ("2", "S", "escape"), ("s", "escape")):  # fmt: skip
            await look.press(*keys)


async def test_no_color_has_only_the_terminals_own_colours(monkeypatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    backend = busy()

    async def connect():
        return backend

    app = TermpromApp(connect, AppOptions(), clock=backend.clock)
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(300):
            await pilot.pause(0.01)
            if app.visible_pane is not None:
                break
        await pilot.pause(0.1)
        assert app.theme == "termprom-ansi"
        assert _inks(app) <= {ColorType.DEFAULT, ColorType.STANDARD}
        text = "\n".join(one.text for one in app.screen._compositor.render_strips())
        assert "● firing" in text
        assert "critical" in text


async def test_a_theme_of_the_operators_own_is_switched_to_and_edited_live(tmp_path) -> None:
    folder = tmp_path / "termprom" / "themes"
    folder.mkdir(parents=True)
    own = folder / "mine.yml"
    shipped = theme_files()["dark"].read_text(encoding="utf-8")
    own.write_text(shipped.replace("#ff8787", "#123456"), encoding="utf-8")
    async with Look(busy(), (80, 24)) as look:
        await look.press("colon", *"mine", "enter")
        assert look.app.theme == "termprom-mine"
        assert look.app.colours.critical.color.triplet.hex == "#123456"
        own.write_text(shipped.replace("#ff8787", "#654321"), encoding="utf-8")
        look.app.show_theme("mine")
        assert look.app.colours.critical.color.triplet.hex == "#654321"
        own.write_text("colors: 7", encoding="utf-8")
        look.app.show_theme("mine")
        assert look.app.theme == "termprom-mine", "a broken file changes nothing"
