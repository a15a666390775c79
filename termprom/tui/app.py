"""The screen: bars, panes, one link to a Backend. What a pane shows is the pane's own business."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.filter import Monochrome, NoColor
from textual.widgets import ContentSwitcher, Static

from termprom.backend.interface import Topic
from termprom.clock import SystemClock
from termprom.errors import ConfigError
from termprom.tui.announce import announcement, announcing
from termprom.tui.announcer import AlertChange
from termprom.tui.asides import Asides
from termprom.tui.colouring import Colouring
from termprom.tui.colours import colours_of
from termprom.tui.commands import Commands
from termprom.tui.freshness import Freshness
from termprom.tui.keymap import bind
from termprom.tui.link import Connect, Link
from termprom.tui.messages import (
    CopyWanted,
    Looked,
    OpenPane,
    RangeChosen,
    Said,
    SilenceEnded,
    SilenceWanted,
)
from termprom.tui.options import AppOptions
from termprom.tui.output.governor import PERIODS
from termprom.tui.output.stage import DiffOutput, LinkLevel
from termprom.tui.pane_switch import PaneSwitch
from termprom.tui.panes.pane import Pane
from termprom.tui.pulse import VITALS_SECONDS, Pulse
from termprom.tui.registry import pane_entries
from termprom.tui.remember import Memory
from termprom.tui.session import Session
from termprom.tui.shown_time import ShownTime
from termprom.tui.silencing import Silencing
from termprom.tui.widgets.banner import Banner
from termprom.tui.widgets.debug_line import DebugLine
from termprom.tui.widgets.footer import KeyBar
from termprom.tui.widgets.pane_bar import PaneBar
from termprom.tui.widgets.status_bar import StatusBar
from termprom.tui.work import begin

if TYPE_CHECKING:
    from termprom.clock import Clock

log = logging.getLogger("termprom.tui")

SIZE_MIN: Final = (60, 15)

__all__ = ["AppOptions", "TermpromApp"]


class TermpromApp(DiffOutput):
    """Exits with "stop", "keep", "hangup" or "detach"."""

    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  Textual declares it as an instance variable
        (0, "-compact"), (100, "-normal"), (160, "-wide"),
    ]  # fmt: skip
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012  Textual declares it as an instance variable
        (0, "-short"), (30, "-tall"), (45, "-lofty"),
    ]  # fmt: skip
    CSS = """
    Screen { layers: base top; background: $background; color: $foreground; }
    .box { border: solid $border-blurred; border-title-color: $foreground; }
    .box:focus, .box:focus-within { border: solid $border; }
    .-ascii .box { border: ascii $border-blurred; }
    .-ascii .box:focus { border: ascii $border; }
    ContentSwitcher { height: 1fr; }
    #starting { padding: 1 2; }
    #too-small { display: none; }
    .-tiny #too-small { display: block; height: 1fr; }
    .-tiny StatusBar, .-tiny PaneBar, .-tiny ContentSwitcher, .-tiny KeyBar, .-tiny Banner {
        display: none;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("app.palette", "palette", show=True),
        bind("app.refresh", "refresh_now", show=True),
        bind("app.pause", "pause", show=True),
        bind("app.quit", "leave", show=True),
        bind("app.help", "help"),
        bind("app.back", "back"),
        bind("app.previous", "previous_pane"),
        bind("app.history_back", "history(-1)"),
        bind("app.history_forward", "history(1)"),
        bind("app.now", "live"),
        bind("app.range", "choose_range"),
        bind("app.zone", "zone"),
        bind("app.undo_silence", "undo_silence", show=True),
        bind("app.redraw", "redraw"),
        bind("app.jump", "jump"),
        bind("app.mouse", "mouse"),
        bind("app.debug", "debug"),
        bind("app.interrupt", "leave"),
        Binding("ctrl+q", "leave", "quit", show=False, priority=True, id="app.quit_now"),
        *(Binding(digit, f"digit('{digit}')", show=False) for digit in "1234567890"),
    ]

    def __init__(
        self, connect: Connect, options: AppOptions | None = None, *, clock: Clock | None = None
    ) -> None:
        colourless = "NO_COLOR" in os.environ  # Textual takes it away
        super().__init__()
        if colourless:
            # Textual would make greys of its default theme, and cannot with text of no style.
            self._filters = [
                NoColor() if isinstance(one, Monochrome) else one for one in self._filters
            ]
        self._connect = connect
        self._options = options or AppOptions()
        self._clock: Clock = clock or SystemClock()
        self._panes = pane_entries()
        self._announcing = announcing()
        self._status_bar = StatusBar(self._options.ascii)  # held: timers outlive the screen's tree
        bar, at, say = self._status_bar, self._clock, self._say
        self._memory = Memory(self, say)
        self._server_link = Link(bar, at, say, self._refresh_visible)
        self._freshness = Freshness(self, self._server_link, say)
        self._switch = PaneSwitch(self, self._panes, self._memory, self._freshness)
        self._pulse = Pulse(self, bar, at, self._server_link, self._announce)
        self._shown_time = ShownTime(self, bar, self.action_refresh_now)
        self._silencing = Silencing(self, say, self._alerts_changed)
        self._asides = Asides(self, say, self._write_terminal)
        self._colouring = Colouring(self, say)
        self._commands = Commands(self, self._panes, say)
        self.session: Session | None = None
        self.animation_level = "none"
        self.ascii_output = self._options.ascii
        self._colouring.begin(self._options.theme, colourless=colourless)

    # --- Layout -------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield self._status_bar
        yield PaneBar([one.name for one in self._panes.values()])
        yield DebugLine()
        with ContentSwitcher(initial="starting"):
            yield Static("starting", id="starting", markup=False)
        yield Banner()
        yield KeyBar(id="key-bar")
        yield Static(id="too-small", markup=False)

    def on_mount(self) -> None:
        self.screen.set_class(self._options.ascii, "-ascii")
        self._tick()
        self.set_interval(1.0, self._tick)
        self.set_interval(VITALS_SECONDS, self._pulse.ask)
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """What may wait until the first frame is on its way."""
        self._asides.set_mouse()
        begin(self, self._live, group="link")
        from termprom.tui.keymap_file import keymap_path, load_keymap

        try:
            if overrides := load_keymap(keymap_path()):
                self.set_keymap(dict(overrides))
        except ConfigError as problem:
            self._say(f"the keys stay as shipped: {problem}", "error")

    def on_resize(self, event: events.Resize) -> None:
        # The app's own size still is the old one here.
        width, height = event.size
        tiny = width < SIZE_MIN[0] or height < SIZE_MIN[1]
        self.screen_stack[0].set_class(tiny, "-tiny")
        if tiny:
            text = f"needs {SIZE_MIN[0]}x{SIZE_MIN[1]}, has {width}x{height}  q quit  ? help"
            self.screen_stack[0].query_one("#too-small", Static).update(Text(text))

    def _tick(self) -> None:
        self._status_bar.line.now_ms = self._clock.now_ms()
        self._status_bar.redraw()

    # --- The server ---------------------------------------------------------------------------

    async def _live(self) -> None:
        """Connect, show Home, and hear events for as long as the screen is there."""
        starting = self.query_one("#starting", Static)
        backend = await self._server_link.made(self._connect, starting.update)
        self.session = Session(backend, self._clock, ascii=self._options.ascii)
        self._pulse.ask()
        await self._switch.show("home" if "home" in self._panes else next(iter(self._panes)))
        if self._options.remember and (state := await self._memory.begin()) is not None:
            await self._memory.bring_back(state)
        while True:
            async for event in backend.events():
                if event.text and event.topic in (Topic.CONFIG, Topic.LINK):
                    self._say(event.text)
                if event.topic is Topic.ALERTS:
                    self._pulse.ask()
                self._freshness.heard(event.topic)
            await asyncio.sleep(1.0)  # The stream of a far end broke; it is asked for again.

    def on_looked(self, message: Looked) -> None:
        self._pulse.looked(message)

    def _announce(self, change: AlertChange) -> None:
        wanted = announcement(change, self._announcing)
        if wanted.banner:
            self._say(wanted.banner, "alarm" if wanted.alarm else "information")
        if wanted.bell:
            self.bell()
        if wanted.sequence:
            self._write_terminal(wanted.sequence)

    def _refresh_visible(self) -> None:
        if (pane := self.visible_pane) is not None:
            self._freshness.refresh(pane)

    def _alerts_changed(self) -> None:
        """Made from this screen: shown at once, paused or not."""
        self._pulse.ask_now()
        self._refresh_visible()

    # --- Panes --------------------------------------------------------------------------------

    @property
    def visible_pane(self) -> Pane | None:
        return self._switch.visible

    async def on_open_pane(self, message: OpenPane) -> None:
        if message.pane_id not in self._panes:
            self._say(f"there is no pane {message.pane_id}", "warning")
        await self._switch.show(message.pane_id, message.argument)

    async def action_show_pane(self, pane_id: str) -> None:
        await self._switch.show(pane_id)

    async def action_digit(self, digit: str) -> None:
        for pane_id, entry in self._panes.items():
            if entry.name.key == digit:
                await self._switch.show(pane_id)

    async def action_history(self, by: int) -> None:
        await self._switch.step(by)

    async def action_previous_pane(self) -> None:
        await self.action_history(-1)

    async def action_back(self) -> None:
        """Esc: up one level, in the end to Home; it never destroys anything."""
        banner = self.query_one(Banner)
        if banner.text:
            banner.hide()
        elif (pane := self.visible_pane) is not None and pane.PANE_ID != "home":
            await self.action_history(-1)

    # --- Commands -----------------------------------------------------------------------------

    def action_refresh_now(self) -> None:
        from termprom.tui.widgets.virtual_list import VirtualList

        if (pane := self.visible_pane) is not None:
            for one in pane.query(VirtualList):
                if one.pending:
                    one.apply_pending()
            self._freshness.refresh(pane)

    def action_pause(self) -> None:
        self._shown_time.toggle_pause()

    def action_live(self) -> None:
        self._shown_time.live()

    def action_zone(self) -> None:
        self._shown_time.toggle_zone()

    def action_choose_range(self) -> None:
        self._shown_time.choose()

    def on_range_chosen(self, message: RangeChosen) -> None:
        self._shown_time.put(message.range)

    def action_jump(self) -> None:
        from termprom.tui.screens.jump import jump

        jump(self)

    def action_mouse(self) -> None:
        self._asides.toggle_mouse()

    def action_debug(self) -> None:
        self.query_one(DebugLine).toggle()

    def action_redraw(self) -> None:
        self.refresh(layout=True)
        self.screen.refresh(layout=True)
        self.repaint_terminal()

    async def action_press(self, key: str) -> None:
        self.simulate_key(key)

    def action_help(self) -> None:
        self._commands.show_help()

    def action_palette(self) -> None:
        self._commands.show_palette()

    def show_theme(self, name: str) -> None:
        """Change the colours now; a file that was edited is read again."""
        self._colouring.show(name)

    def action_reload(self) -> None:
        self._commands.reload()

    # --- Words --------------------------------------------------------------------------------

    def _say(self, text: str, severity: str = "information") -> None:
        try:
            self.screen_stack[0].query_one(Banner).tell(text, severity)
        except (NoMatches, IndexError):
            log.warning("%s", text)

    def on_said(self, message: Said) -> None:
        self._say(message.text, message.severity)

    def on_silence_wanted(self, message: SilenceWanted) -> None:
        self._silencing.open(message)

    def on_silence_ended(self, message: SilenceEnded) -> None:
        self._silencing.expire(message.silence_id)

    def action_undo_silence(self) -> None:
        self._silencing.undo()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something now are offered."""
        return action != "undo_silence" or self._silencing.can_undo

    def on_copy_wanted(self, message: CopyWanted) -> None:
        self._asides.copy(message)

    def _write_terminal(self, text: str) -> None:
        if self._driver is not None and not self.is_headless:
            self._driver.write(text)
            self._driver.flush()

    def on_link_level(self, message: LinkLevel) -> None:
        """A terminal that reads slowly gets fewer frames; the operator is told."""
        seconds = PERIODS[message.level]
        self._status_bar.line.slow_link = f"slow link: a frame per {seconds:g}s" if seconds else ""
        self._status_bar.redraw()

    # --- The end ------------------------------------------------------------------------------

    def action_leave(self) -> None:
        if not self._options.can_keep_engine:
            self._go("detach")
            return
        if self.session is None:
            self._go("stop")
            return
        from termprom.tui.screens.quit import QuitQuestion

        def answered(outcome: str | None) -> None:
            if outcome in ("keep", "stop"):
                self._go(outcome)

        self.push_screen(QuitQuestion(), answered)

    def _go(self, outcome: str) -> None:
        self._memory.end(outcome)
        self.exit(outcome)

    def _fatal_error(self) -> None:
        """One short line on the terminal; the traceback goes to the log, and without locals."""
        import sys

        log.error("the screen failed", exc_info=sys.exc_info())
        path = self._options.log_path
        where = f"; details are in {Path(path)}" if path else ""
        problem = sys.exc_info()[1]
        text = f"termprom: the screen failed ({type(problem).__name__}){where}"
        self._exit_renderables.append(Text(text))
        self._close_messages_no_wait()

    @property
    def colours(self) -> Any:
        """The styles of the theme that is shown now."""
        return colours_of(self)
