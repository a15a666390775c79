"""The output stage of the screen: only cells that changed are sent.

Textual sends every dirty row from its widget's left edge. This mixin, placed before `App`, keeps a
picture of what the terminal shows and sends the difference: a live 120x40 screen needs a twentieth
of the bytes. Everything else stays Textual's. Whatever goes wrong here, the rest of the session is
drawn by Textual itself; TERMPROM_OUTPUT=stock asks for that from the start.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

from rich.color import ColorSystem
from rich.console import RenderableType
from textual import events, on
from textual.app import App
from textual.driver import Driver
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer

from termprom.tui.output.governor import SLOWEST, LinkGovernor
from termprom.tui.output.shadow import ShadowScreen
from termprom.tui.output.terminal import draw_on_terminal
from termprom.tui.output.updates import KNOWN, put_update

log = logging.getLogger("termprom.tui.output")

OUTPUT_VARIABLE: Final = "TERMPROM_OUTPUT"

_SYNC_BEGIN: Final = "\x1b[?2026h"
_SYNC_END: Final = "\x1b[?2026l"
# A frame this small arrives in one packet and is drawn at once; brackets would be a third of it.
_UNBRACKETED_BYTES_MAX: Final = 256
# Terminals that fill erased cells with the background colour, by the beginning of TERM. GNU screen
# does not, and Linux consoles older than the flag are nowhere to be found.
_ERASES_COLOUR: Final = (
    "alacritty", "foot", "kitty", "konsole", "linux", "rxvt", "tmux", "wezterm", "xterm",
)  # fmt: skip


class LinkLevel(Message):
    """The rate of frames has changed; 0 is unlimited, `governor.PERIODS` has the seconds."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self.level = level


def erases_colour(environment: Mapping[str, str]) -> bool:
    """Whether blanks of any background can be erased instead of sent."""
    return environment.get("TERM", "").startswith(_ERASES_COLOUR)


class DiffOutput(App[Any]):
    """An App whose frames are differences.

    `slow_link` starts at the lowest rate, `ascii_output` lets nothing but ASCII out.
    """

    slow_link: bool = False
    ascii_output: bool = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        draw_on_terminal()
        super().__init__(*args, **kwargs)
        self._stock_output = os.environ.get(OUTPUT_VARIABLE) == "stock"
        self._shadow: ShadowScreen | None = None
        self._governor: LinkGovernor | None = None
        self._later: Timer | None = None
        self.frames_sent = 0
        self.bytes_sent = 0

    @property
    def frames_waiting(self) -> int:
        """Writes that the terminal has not taken yet."""
        return _waiting(self._driver)

    @property
    def link_level(self) -> int:
        """How far the rate of frames has been lowered; 0 is not at all."""
        return self._link.level

    @property
    def _link(self) -> LinkGovernor:
        # Not made before it is needed: `slow_link` is set by the command line after construction.
        if self._governor is None:
            self._governor = LinkGovernor(SLOWEST if self.slow_link else 0)
        return self._governor

    def repaint_terminal(self) -> None:
        """Send every cell again: something else may have written to the terminal."""
        if self._shadow is not None:
            self._shadow.forget()
            self._send_or_wait()

    def action_repaint(self) -> None:
        self.repaint_terminal()

    @contextmanager
    def suspend(self) -> Iterator[None]:
        with super().suspend():
            yield
        self.repaint_terminal()

    @on(Driver.SignalResume)
    def _repaint_after_stop(self) -> None:
        self.repaint_terminal()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.InputEvent) and not isinstance(event, events.MouseMove):
            self._link.key_pressed(monotonic())
        await super().on_event(event)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if not self._can_stage(renderable):
            if renderable is not None and self._shadow is not None and not self._batch_count:
                self._shadow.forget()
            super()._display(screen, renderable)
            return
        try:
            self._stage(renderable)
        except Exception:
            log.exception("the output stage broke; the screen is drawn without it from now on")
            self._stock_output = True
            super()._display(screen, renderable)
            # Updates that were held back are in the pictures only.
            self.call_later(self.refresh)
        else:
            self.post_display_hook()

    def _can_stage(self, renderable: RenderableType | None) -> bool:
        return (
            not self._stock_output
            and isinstance(renderable, KNOWN)
            and self._running
            and not self._closed
            and not self._batch_count
            and not self.is_headless
            and self._driver is not None
            and not self._driver.is_inline
        )

    def _stage(self, update: Any) -> None:
        width, height = self.size
        shadow = self._shadow
        if shadow is None or (shadow.width, shadow.height) != (width, height):
            erases = erases_colour(os.environ)
            shadow = self._shadow = ShadowScreen(
                width, height, erases_colour=erases, ascii_only=self.ascii_output
            )
        put_update(shadow, update, self.console._color_system or ColorSystem.TRUECOLOR)
        self._send_or_wait()

    def _send_or_wait(self) -> None:
        """Send a frame, or see to it that one is sent when the link has room for it."""
        before = self._link.level
        wait = self._link.wait_seconds(monotonic(), _waiting(self._driver))
        if wait == 0.0:
            self._send()
        elif self._later is None:
            self._later = self.set_timer(wait, self._send_later, name="held frame")
        if self._link.level != before:
            self.post_message(LinkLevel(self._link.level))

    def _send_later(self) -> None:
        self._later = None
        if self._shadow is not None and not self._shadow.is_settled and not self._stock_output:
            self._send_or_wait()

    def _send(self) -> None:
        assert self._shadow is not None
        assert self._driver is not None
        if self._later is not None:
            self._later.stop()
            self._later = None
        place = self.screen.outer_size.clamp_offset(self.cursor_position)
        frame = self._shadow.frame((place.y, place.x))
        self._previous_cursor_position = place
        if not frame:
            return
        if self._sync_available and len(frame) > _UNBRACKETED_BYTES_MAX:
            frame = f"{_SYNC_BEGIN}{frame}{_SYNC_END}"
        self.frames_sent += 1
        self.bytes_sent += len(frame.encode(errors="replace"))
        # One write: the queue's length counts frames.
        self._driver.write(frame)
        self._driver.flush()


def _waiting(driver: Driver | None) -> int:
    """Writes that the terminal has not taken yet; a large number where nobody writes any more."""
    thread = getattr(driver, "_writer_thread", None)
    if thread is None:
        return 0
    return int(thread._queue.qsize()) if thread.is_alive() else 1_000
