"""The styles that Line API widgets draw with, built once per theme.

Under a theme of the terminal's own colours (and so under NO_COLOR) the cursor is reverse video
and quiet text is dim, because no colour may carry a meaning alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.style import Style
from textual.app import App
from textual.color import Color


@dataclass(frozen=True, slots=True)
class Colours:
    """Ready-made rich styles. Those without a background take their widget's."""

    text: Style
    strong: Style
    muted: Style
    accent: Style
    critical: Style
    warning: Style
    info: Style
    ok: Style
    pending: Style
    header: Style
    cursor: Style
    cursor_blurred: Style
    bar: Style
    bar_muted: Style
    bar_chosen: Style
    graph: Style
    graph_muted: Style
    alarm: Style  # the banner of something that just broke
    series: tuple[Style, ...] = ()

    def severity(self, severity: str) -> Style:
        """The style of an alert's severity label."""
        return {
            "critical": self.critical,
            "crit": self.critical,
            "page": self.critical,
            "error": self.critical,
            "warning": self.warning,
            "warn": self.warning,
        }.get(severity.lower(), self.info)


def _rich(color: str) -> str:
    """A theme colour in rich's spelling."""
    if not color.startswith("ansi_"):
        return Color.parse(color).rich_color.name
    return color.removeprefix("ansi_")


def _ink(color: str, *, bold: bool = False, dim: bool = False, back: str = "") -> Style:
    return Style(
        color=_rich(color),
        bgcolor=_rich(back) if back else None,
        bold=bold or None,
        dim=dim or None,
    )


def colours_from(variables: Mapping[str, str], *, ansi: bool) -> Colours:
    """The styles of a theme, from the variables that `themes.textual_theme` gave it."""

    def of(name: str) -> str:
        return variables[f"status-{name}"]

    cursor_back, bar_back = of("cursor-background"), of("panel")
    cursor = Style(reverse=True) if ansi else _ink(of("cursor-foreground"), back=cursor_back)
    blurred = Style(underline=True) if ansi else Style(bgcolor=_rich(of("cursor-blurred")))
    return Colours(
        text=_ink(of("foreground")),
        strong=_ink(of("foreground"), bold=True),
        muted=_ink(of("muted"), dim=ansi),
        accent=_ink(of("accent")),
        critical=_ink(of("critical"), bold=True),
        warning=_ink(of("warning")),
        info=_ink(of("info")),
        ok=_ink(of("ok")),
        pending=_ink(of("pending")),
        header=_ink(of("muted"), bold=True),
        cursor=cursor,
        cursor_blurred=blurred,
        bar=_ink(of("foreground"), back=bar_back),
        bar_muted=_ink(of("muted"), back=bar_back, dim=ansi),
        bar_chosen=_ink(of("accent"), bold=True, back=bar_back),
        graph=_ink(of("accent")),
        graph_muted=_ink(of("muted-graph")),
        alarm=_ink(of("critical"), bold=True) + Style(reverse=True),
        series=tuple(_ink(variables[f"series-{number}"]) for number in range(1, 9)),
    )


_built: dict[str, Colours] = {}


def forget_colours(theme: str) -> None:
    """Its file may have been changed."""
    _built.pop(theme, None)


def colours_of(app: App[object]) -> Colours:
    """The styles of the theme that the app shows now."""
    found = _built.get(app.theme)
    if found is None:
        theme = app.current_theme
        found = _built[app.theme] = colours_from(theme.variables, ansi=theme.ansi)
    return found
