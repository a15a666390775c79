"""An app whose every frame is drawn twice: as Textual would send it, and as the stage does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.driver import Driver
from textual.geometry import Region, Size
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, Static

from termprom.testing.terminal import Cell, TerminalModel
from termprom.tui.output.stage import DiffOutput

_COLOURS = ("color(178)", "color(74)", "color(36)", "red", "bright_blue", "#12ab9f", "default")
_ATTRIBUTES = ("", "bold", "dim", "italic", "underline", "reverse", "strike", "bold dim reverse")
_TEXTS = (
    "node_cpu_seconds_total",
    "12.5 %",
    "   ",
    "⠁⠃⠇⡇⣇⣧⣷⣿",
    "┌─┐│",
    "東京データ",
    "e\u0301a\u0308",
    "naïve",
    "🙂ok",
    "mixed 字 end",
)


class CaptureDriver(Driver):
    """A terminal that is not there: what is written goes to the app's model."""

    def write(self, data: str) -> None:
        app: Any = self._app
        app.written.append(data)
        app.staged.feed(data)

    def start_application_mode(self) -> None:
        pass

    def disable_input(self) -> None:
        pass

    def stop_application_mode(self) -> None:
        pass


class Noise(Widget):
    """Lines of random styled text, of which some are drawn anew on each turn."""

    def __init__(self, random: Random, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._random = random
        self._lines: dict[int, Strip] = {}

    def turn(self) -> None:
        height = max(self.size.height, 1)
        rows = self._random.sample(range(height), k=min(height, self._random.randint(1, 4)))
        for y in rows:
            self._lines.pop(y, None)
        if self._random.random() < 0.5:
            self.refresh()
        else:
            x = self._random.randrange(max(self.size.width, 1))
            self.refresh(*(Region(x, y, self._random.randint(1, 30), 1) for y in rows))

    def render_line(self, y: int) -> Strip:
        if y not in self._lines:
            pieces = []
            for _ in range(self._random.randint(0, 6)):
                colour, ground = self._random.choice(_COLOURS), self._random.choice(_COLOURS)
                words = f"{self._random.choice(_ATTRIBUTES)} {colour} on {ground}"
                if self._random.random() < 0.1:
                    words += " link http://localhost/x"
                pieces.append(Segment(self._random.choice(_TEXTS), Style.parse(words)))
            self._lines[y] = Strip(pieces)
        return self._lines[y].adjust_cell_length(self.size.width, self.rich_style)


class Overlay(ModalScreen[None]):
    CSS = """
    Overlay { align: center middle; }
    Overlay Static { width: 30; height: 5; background: darkblue; border: round green; }
    """

    def compose(self) -> ComposeResult:
        yield Static("a 字 over everything", markup=False)


class ParityApp(DiffOutput):
    """Feeds `stock` with what Textual sends and `staged` with what the stage sends."""

    CSS = """
    #left { width: 37; background: $surface; }
    #float { layer: top; offset: 11 3; width: 21; height: 4; background: purple; display: none; }
    Screen { layers: base top; }
    """

    def __init__(self, seed: int, size: tuple[int, int]) -> None:
        super().__init__(driver_class=CaptureDriver)
        self.random = Random(seed)
        self.written: list[str] = []
        self.stock = TerminalModel(*size)
        self.staged = TerminalModel(*size)
        self.stock_bytes = 0
        self.frames = 0
        self._model_size = size

    def compose(self) -> ComposeResult:
        with Horizontal():
            with Vertical(id="left"):
                yield Static("title 東", id="title", markup=False)
                yield Noise(self.random)
                yield Input("rate(x[5m])")
            yield Noise(self.random)
        yield Static("floating 京都 text", id="float", markup=False)

    def _display(self, screen: Any, renderable: Any) -> None:
        if renderable is not None and not self._batch_count and self._running:
            if self._model_size != tuple(self.size):
                self._model_size = (self.size.width, self.size.height)
                self.stock = TerminalModel(*self._model_size)
                self.staged = TerminalModel(*self._model_size)
            sent = renderable.render_segments(self.console)
            self.stock_bytes += len(sent.encode())
            self.stock.feed(sent)
            self.frames += 1
        super()._display(screen, renderable)

    async def step(self) -> None:
        """Make one random change and wait for its frame."""
        self.call_later(self.turn)
        await self.settle()

    def turn(self) -> None:
        """One random change of what is shown."""
        action = self.random.randrange(12)
        if action < 6:
            self.random.choice(list(self.screen_stack[0].query(Noise))).turn()
        elif action == 6:
            texts = self.random.sample(_TEXTS, k=2)
            self.screen_stack[0].query_one("#title", Static).update(" ".join(texts))
        elif action == 7:
            floating = self.screen_stack[0].query_one("#float", Static)
            floating.display = not floating.display
        elif action == 8:
            floating = self.screen_stack[0].query_one("#float", Static)
            floating.styles.offset = (self.random.randrange(40), self.random.randrange(10))
        elif action == 9:
            if len(self.screen_stack) > 1:
                self.pop_screen()
            else:
                self.push_screen(Overlay())
        elif action == 10:
            self.theme = self.random.choice(["textual-dark", "textual-light", "ansi-dark"])
        elif len(self.screen_stack) == 1:
            self.screen.query_one(Input).value += self.random.choice(["a", "字", "_total", " "])

    async def resize(self, width: int, height: int) -> None:
        size = Size(width, height)
        self.post_message(events.Resize(size, size))
        await self.settle()

    async def settle(self) -> None:
        """Until the frame that a change asks for has been drawn."""
        for _ in range(3):
            await asyncio.sleep(1 / 50)

    def differing(self) -> list[tuple[int, int, Cell, Cell]]:
        """Cells that look different: row, column, as Textual sends it, as the stage does."""
        return [
            (y, x, stock, staged)
            for y, (ours, theirs) in enumerate(
                zip(self.stock.seen(), self.staged.seen(), strict=True)
            )
            for x, (stock, staged) in enumerate(zip(ours, theirs, strict=True))
            if stock != staged
        ]


@asynccontextmanager
async def parity_app(seed: int, size: tuple[int, int] = (100, 24)) -> AsyncIterator[ParityApp]:
    app = ParityApp(seed, size)
    task = asyncio.create_task(app.run_async(size=size, mouse=False))
    try:
        async with asyncio.timeout(20):
            while not app.frames:  # noqa: ASYNC110 - the first frame has no event of its own
                await asyncio.sleep(0.005)
        await app.resize(*size)
        yield app
    finally:
        app.exit()
        await task
    assert app._exception is None
