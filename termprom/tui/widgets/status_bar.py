"""Row 0: which server, how many things are broken, rates, the time with its zone, live or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from termprom.tui.colours import colours_of
from termprom.tui.figures import clock, date_and_clock, number, span
from termprom.tui.glyphs import glyphs
from termprom.tui.vitals import Vitals
from termprom.tui.widgets.bar import Bar, Piece


@dataclass(slots=True)
class StatusLine:
    """What the bar shows; the app changes it and calls `redraw`."""

    name: str = "termprom"
    connected: bool = False
    down_since_ms: int = 0
    now_ms: int = 0
    paused_ms: int = 0
    zone: tzinfo = UTC
    vitals: Vitals = field(default_factory=Vitals)
    slow_link: str = ""


class StatusBar(Bar):
    """See the module."""

    def __init__(self, ascii_only: bool) -> None:
        super().__init__(id="status-bar")
        self.line = StatusLine()
        self._glyphs = glyphs(ascii_only)

    def left(self) -> Sequence[Piece]:
        colours, line, signs = colours_of(self.app), self.line, self._glyphs
        bar = colours.bar

        def count(value: int | None, sign: str, word: str, kind: str) -> Piece | None:
            if value is None:
                return None
            style = bar + getattr(colours, kind) if value else colours.bar_muted
            return Piece(f"  {sign}{value} {word}", style, "app.show_pane('home')")

        vitals = line.vitals
        pieces: list[Piece | None] = [Piece(f" {line.name}", colours.bar_chosen)]
        if line.down_since_ms:
            away = span((line.now_ms - line.down_since_ms) / 1000)
            pieces.append(Piece(f"  {signs.fail} no answer for {away}", bar + colours.critical))
        elif not line.connected:
            pieces.append(Piece(f"  {signs.wait} starting", bar + colours.warning))
        pieces += [
            count(vitals.down, signs.down, "down", "critical"),
            count(vitals.firing, signs.firing, "firing", "critical"),
            count(vitals.pending, signs.pending, "pending", "pending"),
        ]
        status = vitals.status
        if status is not None and self.size.width >= 100:
            if status.samples_per_second:
                rate = f"  {number(status.samples_per_second)} samples/s"
                pieces.append(Piece(rate, colours.bar_muted))
            if not status.config_ok:
                pieces.append(Piece("  config reload failed", bar + colours.warning))
        return [piece for piece in pieces if piece is not None]

    def right(self) -> Sequence[Piece]:
        colours, line = colours_of(self.app), self.line
        show = date_and_clock if self.size.width >= 100 else clock
        pieces = [Piece(f" {show(line.now_ms, line.zone)} ", colours.bar)]
        if line.slow_link:
            pieces.append(Piece(f" {line.slow_link} ", colours.bar + colours.warning))
        if line.paused_ms:
            held = span((line.now_ms - line.paused_ms) / 1000)
            pieces.append(Piece(f" PAUSED {held} ", colours.alarm, "app.pause"))
        elif line.down_since_ms:
            pieces.append(Piece(" OLD  ", colours.bar + colours.warning, "app.refresh_now"))
        else:
            pieces.append(Piece(" LIVE ", colours.bar + colours.ok, "app.pause"))
        return pieces
