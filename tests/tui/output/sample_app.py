"""A small screen for the pty tests and the benchmark: a counter, a prompt, rows. Run as a module.

SAMPLE_TICK is the seconds between changes of the counter; the first line also tells, in whole
seconds, the longest time for which the event loop stood still.
"""

from __future__ import annotations

import os
import time

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import ContentSwitcher, Input, Static

from termprom.tui.output.stage import DiffOutput

_BEAT_SECONDS = 0.05


class SampleApp(DiffOutput):
    CSS = """
    Static { height: 1; }
    ContentSwitcher { height: 1fr; }
    #two { background: $primary; }
    """
    BINDINGS = [("f5", "switch", "other pane"), ("f6", "repaint", "repaint")]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self._ticks = 0
        self._beat_at = time.monotonic()
        self._worst = 0.0

    def compose(self) -> ComposeResult:
        yield Static("ticks 0", id="top", markup=False)
        yield Input(id="prompt")
        with ContentSwitcher(initial="one"):
            for pane in ("one", "two"):
                with Vertical(id=pane):
                    for number in range(60):
                        text = f"{pane} row {number} job=node instance=10.0.0.{number}:9100 up"
                        yield Static(text, markup=False)

    def on_mount(self) -> None:
        # A blinking cursor would send bytes for ever.
        self.query_one(Input).cursor_blink = False
        self.query_one(Input).focus()
        tick = float(os.environ.get("SAMPLE_TICK", "0"))
        if tick:
            self.set_interval(tick, self._tick)
            self.set_interval(_BEAT_SECONDS, self._beat)

    def _beat(self) -> None:
        now = time.monotonic()
        self._worst = max(self._worst, now - self._beat_at)
        self._beat_at = now

    def _tick(self) -> None:
        self._ticks += 1
        text = f"ticks {self._ticks} worst {int(self._worst)} level {self.link_level}"
        self.query_one("#top", Static).update(text)

    def action_switch(self) -> None:
        switcher = self.query_one(ContentSwitcher)
        switcher.current = "two" if switcher.current == "one" else "one"


if __name__ == "__main__":
    SampleApp().run()
