"""The styles of a picture's inks under the theme of now."""

from __future__ import annotations

from typing import Final

from rich.color import Color
from rich.style import Style

from termprom.tui.colours import Colours
from termprom.tui.plot.cells import Ink
from termprom.tui.plot.identity import COLOUR_COUNT

# A ramp like viridis that also rises in luminance, as indexes of the 256-colour palette.
HEAT_RAMP: Final = (17, 18, 54, 55, 61, 67, 31, 36, 71, 112, 190, 226)
_BOLD: Final = Style(bold=True)
_DIM: Final = Style(dim=True)


class InkStyles:
    """Rich styles by ink; made once per theme and remembered per ink."""

    def __init__(self, colours: Colours) -> None:
        self._colours = colours
        self._known: dict[int, Style] = {
            Ink.PLAIN: colours.text,
            Ink.AXIS: colours.muted,
            Ink.LABEL: colours.muted,
            Ink.THRESHOLD: colours.warning,
            Ink.CROSSHAIR: colours.accent,
            Ink.BAND: colours.graph_muted,
            Ink.MARK: colours.info,
            Ink.MARK_PENDING: colours.pending,
            Ink.MARK_FIRING: colours.critical,
        }
        series = colours.series or (colours.graph,)
        for number in range(COLOUR_COUNT):
            style = series[number % len(series)]
            self._known[Ink.SERIES + number] = style
            self._known[Ink.SERIES_STRONG + number] = style + _BOLD
            self._known[Ink.SERIES_DIM + number] = style + _DIM

    def __repr__(self) -> str:
        return f"InkStyles({len(self._known)} inks)"

    def __getitem__(self, ink: int) -> Style:
        found = self._known.get(ink)
        if found is None:
            found = self._known[ink] = self._make(ink)
        return found

    def _make(self, ink: int) -> Style:
        if ink >= Ink.SELECTED:
            # Reverse video would swap the dots' colours; a ground of its own keeps them readable.
            return self[ink - Ink.SELECTED] + self._colours.cursor_blurred
        if ink >= Ink.HEAT:
            return heat_style(ink - Ink.HEAT)
        return self._colours.text


def heat_style(code: int) -> Style:
    """A heatmap cell of two levels: the upper half is the foreground of `▀`, the lower its ground.

    `code` is upper * 16 + lower; level 0 is the widget's own ground.
    """
    upper, lower = divmod(code, 16)
    return Style(
        color=Color.from_ansi(HEAT_RAMP[upper - 1]) if upper else None,
        bgcolor=Color.from_ansi(HEAT_RAMP[lower - 1]) if lower else None,
    )
