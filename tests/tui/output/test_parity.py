"""Whatever happens on the screen, the terminal shows what Textual's own output would have shown."""

from __future__ import annotations

import pytest

from termprom.tui.output.governor import LinkGovernor
from tests.tui.output.parity import parity_app


@pytest.mark.parametrize("seed", range(4))
async def test_random_screens_look_the_same_cell_for_cell(seed: int) -> None:
    async with parity_app(seed) as app:
        for step in range(30):
            await app.step()
            assert app.differing() == [], f"after step {step}"
        await app.resize(61, 17)
        for step in range(5):
            await app.step()
            assert app.differing() == [], f"smaller, after step {step}"
        assert not app._stock_output, "the stage has given up"
        assert app.staged.unknown == []
        sent = sum(len(data.encode()) for data in app.written)
        assert sent < app.stock_bytes, "the stage is there to save bytes"


async def test_frames_that_were_held_back_are_made_good_by_the_next() -> None:
    async with parity_app(99) as app:
        held = LinkGovernor()
        held.wait_seconds = lambda now, waiting: 1e6  # type: ignore[method-assign]
        app._governor = held
        before = len(app.written)
        for _ in range(10):
            await app.step()
        assert len(app.written) == before, "nothing is sent while the link is full"
        app._governor = LinkGovernor()
        app._send_or_wait()
        assert app.differing() == []


async def test_a_repaint_sends_every_cell_again() -> None:
    async with parity_app(5) as app:
        app.staged.feed("\x1b[H\x1b[2Jgarbage from somewhere else")
        assert app.differing() != []
        app.repaint_terminal()
        assert app.differing() == []


async def test_an_exception_inside_leaves_the_screen_to_textual(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with parity_app(7) as app:

        def broken(*_: object) -> None:
            raise RuntimeError("a bug of the stage")

        monkeypatch.setattr("termprom.tui.output.stage.put_update", broken)
        for _ in range(6):
            await app.step()
        assert app._stock_output
        assert app.differing() == []
    assert "a bug of the stage" in caplog.text


async def test_the_environment_can_ask_for_stock_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERMPROM_OUTPUT", "stock")
    async with parity_app(8) as app:
        await app.step()
        assert app._shadow is None
        assert app.differing() == []
