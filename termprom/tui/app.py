"""The screen: bars, panes, one link to a Backend. What a pane shows is the pane's own business."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.filter import Monochrome, NoColor
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from termprom.backend.interface import Backend, Feature, Topic
from termprom.clock import SystemClock
from termprom.errors import BackendUnavailable, ConfigError, NotOffered, TermpromError
from termprom.tui.announce import announcement, announcing
from termprom.tui.announcer import AlertChange, Announcer
from termprom.tui.background import terminal_is_light
from termprom.tui.clipboard.copy import copy_text
from termprom.tui.colours import colours_of, forget_colours
from termprom.tui.keymap import COMMANDS, bind, key_names
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
from termprom.tui.panes.pane import Pane
from termprom.tui.registry import pane_entries
from termprom.tui.remember import Memory
from termprom.tui.session import Session, TimeRange
from termprom.tui.silencing import Silencing
from termprom.tui.themes import load_theme, textual_theme, theme_files
from termprom.tui.vitals import vitals_of
from termprom.tui.widgets.banner import Banner
from termprom.tui.widgets.debug_line import DebugLine
from termprom.tui.widgets.footer import KeyBar
from termprom.tui.widgets.pane_bar import PaneBar
from termprom.tui.widgets.status_bar import StatusBar
from termprom.tui.work import begin

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from termprom.clock import Clock
    from termprom.tui.messages import QueryRequest
    from termprom.tui.screens.rows_dialog import Entry
    from termprom.tui.view_state import ViewState
    from termprom.views import AlertView, StatusView, TargetsView

log = logging.getLogger("termprom.tui")

T = TypeVar("T")
Connect = Callable[[], Awaitable[Backend]]

SIZE_MIN: Final = (60, 15)
_RETRY_SECONDS: Final = 0.25
_BACKOFF_SECONDS_MAX: Final = 15.0
_VITALS_SECONDS: Final = 2.0
# What an operator waits for is shown at once; movement of numbers once a second.
_URGENT: Final = frozenset({Topic.ALERTS, Topic.CONFIG, Topic.LOGS, Topic.LINK, Topic.PUSH})
_URGENT_SECONDS: Final = 0.25
_MOVEMENT_SECONDS: Final = 1.0
_RANGES: Final = {"5m": 300, "15m": 900, "1h": 3600, "3h": 10800, "6h": 21600, "12h": 43200,
                  "1d": 86400, "2d": 172800, "7d": 604800}  # fmt: skip

__all__ = ["AppOptions", "TermpromApp"]


async def _if_offered(
    backend: Backend, feature: Feature | None, ask: Callable[[], Awaitable[T]]
) -> T | None:
    """The answer, or None where this end has no such thing; the others are still asked for."""
    if feature is not None and not backend.offers(feature):
        return None
    try:
        return await ask()
    except NotOffered:
        return None


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
        self._history: list[str] = []
        self._at = -1
        self._looked_at = float("-inf")
        self._memory = Memory(self)
        self._query_before: tuple[QueryRequest | None, ViewState] | None = None
        self._mouse_wanted = True
        self._announcer = Announcer()
        self._dirty: set[Topic] = set()
        self._refresher: Timer | None = None
        self._refresher_urgent = False
        self._announcing = announcing()
        self._silencing = Silencing(self, self._say, self._alerts_changed)
        self.session: Session | None = None
        self._status_bar = StatusBar(self._options.ascii)  # held: timers outlive the screen's tree
        self.animation_level = "none"
        self.ascii_output = self._options.ascii
        self._install_themes(colourless)

    # --- Themes -------------------------------------------------------------------------------

    def _install_themes(self, colourless: bool) -> None:
        wanted = self._options.theme
        if wanted == "auto":
            if colourless or os.environ.get("TERM") == "dumb":
                wanted = "ansi"
            else:
                wanted = "light" if terminal_is_light() else "dark"
        self._use_theme(wanted if wanted in theme_files() else "dark")
        if wanted not in theme_files():
            self.call_later(
                self._say, f"no theme {wanted}; there are: {', '.join(theme_files())}", "warning"
            )

    def _use_theme(self, name: str) -> None:
        """Raises ConfigError, KeyError."""
        theme = textual_theme(load_theme(theme_files()[name]))
        forget_colours(theme.name)
        self.register_theme(theme)
        self.theme = theme.name

    def show_theme(self, name: str) -> None:
        """Change the colours now; a file that was edited is read again."""
        try:
            self._use_theme(name)
        except KeyError:
            self._say(f"no theme {name}; there are: {', '.join(theme_files())}", "warning")
            return
        except TermpromError as problem:
            self._say(str(problem), "error")
            return
        self.refresh_css(animate=False)
        for widget in self.screen_stack[0].walk_children():
            restyle = getattr(widget, "restyle", None)
            if restyle is not None:
                restyle()
            widget.refresh()

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
        self.set_interval(_VITALS_SECONDS, self._ask_vitals)
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """What may wait until the first frame is on its way."""
        self._set_mouse()
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

    def _bar(self) -> StatusBar:
        return self._status_bar

    def _tick(self) -> None:
        bar = self._bar()
        bar.line.now_ms = self._clock.now_ms()
        bar.redraw()

    # --- The link -----------------------------------------------------------------------------

    async def _live(self) -> None:
        """Connect, show Home, and hear events for as long as the screen is there."""
        backend = await self._connected()
        self.session = Session(backend, self._clock, ascii=self._options.ascii)
        line = self._bar().line
        line.name, line.connected = backend.name, True
        self._bar().redraw()
        self._ask_vitals()
        await self._show("home" if "home" in self._panes else next(iter(self._panes)))
        if self._options.remember and (state := await self._memory.begin()) is not None:
            await self._restore(state)
        while True:
            async for event in backend.events():
                self._dirty.add(event.topic)
                if event.text and event.topic in (Topic.CONFIG, Topic.LINK):
                    self._say(event.text)
                if event.topic is Topic.ALERTS:
                    self._ask_vitals()
                self._refresh_soon(urgent=event.topic in _URGENT)
            await asyncio.sleep(1.0)  # The stream of a far end broke; it is asked for again.

    async def _restore(self, state: ViewState) -> None:
        """The screen as it was when the last one on this server went away."""
        from termprom.tui.remember import request_of
        from termprom.tui.widgets.virtual_list import VirtualList

        assert self.session is not None
        if state.zone and self.session.zone is UTC:
            self.action_zone()
        if state.span_ms:
            self.session.range = TimeRange(state.span_ms, state.end_ms)
            self.session.range_chosen = True
        self._query_before = (request_of(state), state)
        if state.pane in ("", "home"):
            return
        await self._show(state.pane)
        if (pane := self.visible_pane) is not None:
            for one in pane.query(VirtualList):
                for name, typed in state.filters:
                    if one.id == name:
                        one.set_filter(typed)
        self._say("as you left it; esc or 1 goes Home")

    def query_state(self) -> dict[str, Any]:
        """What the Query pane shows, for the memory of this screen."""
        from termprom.tui.panes.pane import Pane

        for pane in self.screen_stack[0].query(Pane):
            if pane.PANE_ID == "query":
                return pane.kept()
        if self._query_before is not None:
            _, state = self._query_before
            return {name: getattr(state, name) for name in
                    ("expr", "tab", "alert", "thresholds", "choices")}  # fmt: skip
        return {}

    async def _connected(self) -> Backend:
        starting = self.query_one("#starting", Static)
        while True:
            try:
                return await self._connect()
            except BackendUnavailable as problem:
                starting.update(Text(str(problem)))
                await asyncio.sleep(_RETRY_SECONDS)

    def _refresh_soon(self, *, urgent: bool) -> None:
        if self._refresher is not None:
            if not urgent or self._refresher_urgent:
                return
            self._refresher.stop()
        self._refresher_urgent = urgent
        seconds = _URGENT_SECONDS if urgent else _MOVEMENT_SECONDS
        self._refresher = self.set_timer(seconds, self._refresh_dirty)

    def _refresh_dirty(self) -> None:
        self._refresher = None
        topics, self._dirty = self._dirty, set()
        pane = self.visible_pane
        if pane is None or not self.session or self.session.paused or not topics & pane.TOPICS:
            return
        group = f"pane-{pane.PANE_ID}"
        if any(one.group == group and not one.is_finished for one in self.workers):
            # A far end that answers slower than it tells of changes would never be heard out.
            self._dirty |= topics
            self._refresh_soon(urgent=False)
        else:
            self._refresh_pane(pane)

    def _refresh_pane(self, pane: Pane) -> None:
        begin(self, partial(self._refresh_view, pane), group=f"pane-{pane.PANE_ID}", exclusive=True)

    async def _refresh_view(self, pane: Pane) -> None:
        try:
            await pane.refresh_view()
        except NotOffered as problem:
            self._say(f"unavailable: {problem}", "warning")
        except BackendUnavailable as problem:
            self._link_lost(str(problem))
        except TermpromError as problem:
            self._say(str(problem), "error")

    def _link_lost(self, why: str) -> None:
        line = self._bar().line
        if not line.down_since_ms:
            line.down_since_ms = self._clock.now_ms()
            self._say(f"{line.name}: {why}", "error")
        self._tick()

    def _link_back(self) -> None:
        line = self._bar().line
        if line.down_since_ms:
            line.down_since_ms = 0
            self._say(f"{line.name} answers again")
            if (pane := self.visible_pane) is not None:
                self._refresh_pane(pane)

    def on_looked(self, message: Looked) -> None:
        """A pane has just asked for all that the counts need."""
        self._looked_at = self._clock.monotonic()
        self._link_back()
        self._put_vitals(message.alerts, message.targets, message.status)

    def _ask_vitals(self) -> None:
        if self._clock.monotonic() - self._looked_at < _VITALS_SECONDS:
            return
        if self.session is not None and not self.session.paused:
            begin(
                self,
                partial(self._take_vitals, self.session.backend),
                group="vitals",
                exclusive=True,
            )

    async def _take_vitals(self, backend: Backend) -> None:
        try:
            alerts = await _if_offered(backend, Feature.RULES, backend.alerts)
            targets = await _if_offered(backend, Feature.TARGETS, backend.targets)
            status = await _if_offered(backend, None, backend.status)
        except BackendUnavailable as problem:
            self._link_lost(str(problem))
            return
        except TermpromError as problem:
            # It answers, though not this; the counts of the last answer stay.
            log.warning("no vitals: %s", problem)
            self._link_back()
            return
        self._link_back()
        self._put_vitals(alerts, targets, status)

    def _put_vitals(
        self,
        alerts: Sequence[AlertView] | None,
        targets: TargetsView | None,
        status: StatusView | None,
    ) -> None:
        vitals = vitals_of(alerts, targets, status)
        bar = self._bar()
        bar.line.vitals = vitals
        bar.redraw()
        started_ms = status.started_ms if status is not None else 0
        now = self._clock.monotonic()
        if change := self._announcer.look(alerts, now, started_ms=started_ms):
            self._announce(change)

    def _announce(self, change: AlertChange) -> None:
        wanted = announcement(change, self._announcing)
        if wanted.banner:
            self._say(wanted.banner, "alarm" if wanted.alarm else "information")
        if wanted.bell:
            self.bell()
        if wanted.sequence and self._driver is not None and not self.is_headless:
            self._driver.write(wanted.sequence)

    # --- Panes --------------------------------------------------------------------------------

    @property
    def visible_pane(self) -> Pane | None:
        try:
            shown = self.screen_stack[0].query_one(ContentSwitcher).visible_content
        except NoMatches:
            return None
        return shown if isinstance(shown, Pane) else None

    async def _show(self, pane_id: str, argument: object = None, *, remember: bool = True) -> None:
        if self.session is None or pane_id not in self._panes:
            return
        switcher = self.screen_stack[0].query_one(ContentSwitcher)
        name = f"pane-{pane_id}"
        try:
            pane = switcher.query_one(f"#{name}", Pane)
        except NoMatches:
            pane = self._panes[pane_id].load()(self.session)
            await switcher.mount(pane)
            if pane_id == "query" and self._query_before is not None:
                request, state = self._query_before
                self._query_before = None
                if argument is None and request is not None:
                    argument = request
                    pane.bring_back(state)
        switcher.current = name
        if remember and (self._at < 0 or self._history[self._at] != pane_id):
            self._history[self._at + 1 :] = [pane_id]
            self._at += 1
        bar = self.screen_stack[0].query_one(PaneBar)
        bar.current = pane_id
        before = self._history[self._at - 1] if self._at > 0 else ""
        bar.came_from = self._panes[before].name.title if before else ""
        bar.redraw()
        if argument is not None:
            pane.open(argument)
        pane.focus_default()
        self._refresh_pane(pane)

    async def on_open_pane(self, message: OpenPane) -> None:
        if message.pane_id not in self._panes:
            self._say(f"there is no pane {message.pane_id}", "warning")
        await self._show(message.pane_id, message.argument)

    async def action_show_pane(self, pane_id: str) -> None:
        await self._show(pane_id)

    async def action_digit(self, digit: str) -> None:
        for pane_id, entry in self._panes.items():
            if entry.name.key == digit:
                await self._show(pane_id)

    async def action_history(self, by: int) -> None:
        if 0 <= self._at + by < len(self._history):
            self._at += by
            await self._show(self._history[self._at], remember=False)

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
            self._refresh_pane(pane)

    def action_pause(self) -> None:
        if self.session is None:
            return
        self.session.paused = not self.session.paused
        self._bar().line.paused_ms = self._clock.now_ms() if self.session.paused else 0
        self._tick()
        if not self.session.paused:
            self.action_refresh_now()

    def action_live(self) -> None:
        if self.session is None:
            return
        self.session.range = TimeRange(self.session.range.span_ms)
        if self.session.paused:
            self.action_pause()
        else:
            self.action_refresh_now()

    def action_zone(self) -> None:
        if self.session is None:
            return
        if self.session.zone is UTC:
            local = datetime.now().astimezone().tzinfo
            assert local is not None
            self.session.zone, self.session.zone_name = local, str(local)
        else:
            self.session.zone, self.session.zone_name = UTC, "UTC"
        self._bar().line.zone = self.session.zone
        self._tick()
        self.action_refresh_now()

    def action_choose_range(self) -> None:
        from termprom.tui.screens.chooser import Chooser

        def chosen(name: str | None) -> None:
            if name and self.session is not None:
                self.session.range = TimeRange(_RANGES[name] * 1000)
                self.session.range_chosen = True
                self.action_refresh_now()

        self.push_screen(Chooser("time range", {name: name for name in _RANGES}), chosen)

    def on_range_chosen(self, message: RangeChosen) -> None:
        if self.session is not None:
            self.session.range = message.range
            self.session.range_chosen = True
            self.action_refresh_now()

    def action_jump(self) -> None:
        """A letter on every box that can have the focus."""
        from termprom.tui.screens.jump import JumpOverlay

        boxes = [one for one in self.screen.focus_chain if isinstance(one, Widget)]

        def chosen(place: int | None) -> None:
            if place is not None:
                boxes[place].focus()

        if boxes:
            self.push_screen(JumpOverlay(boxes), chosen)

    def action_mouse(self) -> None:
        """Give the mouse to the terminal, so that it can select text, or take it back."""
        self._mouse_wanted = not self._mouse_wanted
        self._set_mouse()
        self._say(
            "mouse: " + ("clicks come here" if self._mouse_wanted else "the terminal selects")
        )

    def _set_mouse(self) -> None:
        """Buttons and drags only: any-motion reports would travel up the link at every move."""
        on = "h" if self._mouse_wanted else "l"
        self._write_terminal(f"\x1b[?1003l\x1b[?1000{on}\x1b[?1002{on}\x1b[?1006{on}")

    def action_debug(self) -> None:
        self.query_one(DebugLine).toggle()

    def action_redraw(self) -> None:
        self.refresh(layout=True)
        self.screen.refresh(layout=True)
        self.repaint_terminal()

    async def action_press(self, key: str) -> None:
        self.simulate_key(key)

    def _offered(self) -> list[tuple[Entry, Binding, DOMNode]]:
        """Every command that does something here and now, with the keys that it has."""
        from termprom.tui.screens.rows_dialog import Entry

        keys: dict[tuple[str, str], list[str]] = {}
        found: dict[tuple[str, str], tuple[Binding, DOMNode]] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if active.enabled and binding.description:
                name = (binding.id or binding.action, binding.description)
                keys.setdefault(name, []).append(key_names(binding.key))
                found.setdefault(name, (binding, active.node))
        return [
            (Entry(name, " ".join(dict.fromkeys(keys[name, title])), title,
                   COMMANDS[name].group if name in COMMANDS else "here"), binding, node)
            for (name, title), (binding, node) in found.items()
        ]  # fmt: skip

    def _pane_entries(self, group: str) -> list[Entry]:
        from termprom.tui.screens.rows_dialog import Entry

        return [
            Entry(one.name.id, one.name.key, f"{one.name.title} pane", group)
            for one in self._panes.values()
        ]

    def action_help(self) -> None:
        from termprom.tui.screens.rows_dialog import RowsDialog

        entries = [entry for entry, _, _ in self._offered()]
        if len(self._panes) > 1:
            entries += self._pane_entries("Panes")
        self.push_screen(
            RowsDialog("Help: / filters by key or word, esc closes", entries,
                       ascii_only=self._options.ascii)
        )  # fmt: skip

    def action_palette(self) -> None:
        """Panes, themes, and every command that does something where the focus is."""
        from termprom.tui.screens.rows_dialog import Entry, RowsDialog

        offered = {
            entry.id: (entry, binding, node)
            for entry, binding, node in self._offered()
            if not entry.id.startswith("move.") and entry.id != "app.palette"
        }
        entries = [
            *self._pane_entries("pane"),
            *(entry for entry, _, _ in offered.values()),
            Entry("reload", "", "reload: read the configuration again", "engine"),
            *(Entry(f"theme-{one}", "", f"theme {one}", "screen") for one in theme_files()),
        ]
        dialog = RowsDialog("Command", entries, ascii_only=self._options.ascii, typing=True)

        async def chosen(text: str | None) -> None:
            word = (text or "").split(" ")[0]
            if word in offered:
                _, binding, node = offered[word]
                await self.run_action(binding.action, node)
            else:
                await self._command(word)

        self.push_screen(dialog, chosen)

    async def _command(self, word: str) -> None:
        if word in self._panes:
            await self._show(word)
        elif word.startswith("theme-"):
            self.show_theme(word.removeprefix("theme-"))
        elif word == "reload":
            self.action_reload()

    def action_reload(self) -> None:
        begin(self, self._reload, group="reload", exclusive=True)

    async def _reload(self) -> None:
        if self.session is None:
            return
        try:
            await self.session.backend.reload()
        except TermpromError as problem:
            self._say(f"reload failed, the old configuration goes on: {problem}", "error")
        else:
            self._say("configuration reloaded")
        self.action_refresh_now()

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

    def _alerts_changed(self) -> None:
        """Made from this screen: shown at once, paused or not."""
        if self.session is not None:
            begin(
                self,
                partial(self._take_vitals, self.session.backend),
                group="vitals",
                exclusive=True,
            )
        if (pane := self.visible_pane) is not None:
            self._refresh_pane(pane)

    def on_copy_wanted(self, message: CopyWanted) -> None:
        begin(self, partial(self._copy, message), group="copy", exclusive=True)

    async def _copy(self, message: CopyWanted) -> None:
        """Copy, and say which way the text went: some ways confirm nothing."""
        size = len(message.text.encode(errors="replace"))
        try:
            copied = await copy_text(message.text, self._write_terminal)
        except OSError as problem:
            self._say(f"{message.what} cannot be copied: {problem}", "error")
            return
        hint = "" if copied.confirmed else "; the terminal must allow it"
        self._say(f"{message.what}, {size} bytes, {copied}{hint}")

    def _write_terminal(self, text: str) -> None:
        if self._driver is not None and not self.is_headless:
            self._driver.write(text)
            self._driver.flush()

    def on_link_level(self, message: LinkLevel) -> None:
        """A terminal that reads slowly gets fewer frames; the operator is told."""
        seconds = PERIODS[message.level]
        self._bar().line.slow_link = f"slow link: a frame per {seconds:g}s" if seconds else ""
        self._bar().redraw()

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
