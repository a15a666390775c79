"""What the Query pane says in words: below the prompt, and in the line of tabs. Pure."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from termprom.errors import EvaluationError, ParseError, TermpromError
from termprom.model.durations import format_duration
from termprom.model.notices import NoticeLevel
from termprom.model.result import QueryResult
from termprom.tui.cells import inert
from termprom.tui.colours import Colours
from termprom.tui.editor.diagnose import characters
from termprom.tui.editor.prompt_box import mistake_text
from termprom.tui.figures import number
from termprom.tui.glyphs import Glyphs
from termprom.tui.panes.query_cost import SAMPLES_MAX
from termprom.tui.panes.query_view import GraphView
from termprom.tui.plot.time_axis import moment_text
from termprom.tui.session import Session

_NOTICES_SHOWN: Final = 2
_TABS: Final = (("table", "Table"), ("graph", "Graph"), ("explain", "Explain"))


def costly_text(samples: int, colours: Colours) -> Text:
    """Why a query was not run yet."""
    text = (
        f" ! about {number(samples)} samples (asked above {number(SAMPLES_MAX)}): enter runs it"
        " all the same; a shorter range, fewer labels or a sum cost less"
    )
    return Text(text, colours.warning)


def running_text(took_ms: int, signs: Glyphs, colours: Colours) -> Text:
    return Text(f" {signs.wait} {took_ms / 1000:.1f} s   ctrl+c cancels", colours.muted)


def cancelled_text(took_ms: int, colours: Colours) -> Text:
    return Text(f" cancelled after {took_ms} ms", colours.warning)


def explained_text(nodes: int, took_ms: int, colours: Colours, *, ascii_only: bool) -> Text:
    text = f" {_tick(ascii_only)} {nodes} nodes measured by separate queries, {took_ms} ms"
    return Text(text, colours.ok)


def done_text(
    result: QueryResult,
    series: int,
    step_ms: int,
    took_ms: int,
    colours: Colours,
    *,
    ascii_only: bool,
) -> Text:
    """What an answer is made of, and its first notices. `step_ms` 0: it is of one moment."""
    parts = [f"{_tick(ascii_only)} {series} series"]
    if result.stats.samples:
        parts.append(f"{result.stats.samples:,} samples read".replace(",", " "))
    parts.append(f"{took_ms} ms")
    if step_ms:
        parts.append(f"step {format_duration(step_ms)}")
    if not series:
        parts.append("empty result: nothing matches in this range")
    dot = " - " if ascii_only else " · "
    text = Text(" " + dot.join(parts), colours.ok if series else colours.warning)
    for notice in result.notices[:_NOTICES_SHOWN]:
        style = colours.warning if notice.level is NoticeLevel.WARNING else colours.muted
        text.append(f"\n ! {inert(notice.text)}", style)
    if len(result.notices) > _NOTICES_SHOWN:
        text.append(f"  (and {len(result.notices) - _NOTICES_SHOWN} more)", colours.muted)
    return text


def place_of(problem: TermpromError, expr: str) -> tuple[int, int] | None:
    """[start, end) of the mistake in characters; None where it has no place."""
    if isinstance(problem, ParseError | EvaluationError) and problem.start >= 0:
        return characters(expr, problem.start), characters(expr, problem.end)
    return None


def problem_text(
    problem: TermpromError, expr: str, width: int, colours: Colours, *, answered: bool
) -> Text:
    """The error, with a caret under its place. `answered`: there is an answer to be seen yet."""
    message = problem.message if isinstance(problem, ParseError) else str(problem)
    place = place_of(problem, expr)
    if place is not None:
        text = mistake_text(expr, place[0], message, width, colours.critical)
    else:
        text = Text(inert(message), colours.critical)
    if answered:
        text.append("  (previous result below)", colours.muted)
    return text


def tabs_text(
    tab: str, session: Session, view: GraphView, summary: str, width: int, colours: Colours
) -> Text:
    """The tabs, the range with its zone, and for a graph how it is drawn."""
    shown, text = session.range, Text()
    for name, title in _TABS:
        chosen = name == tab
        style = colours.accent if chosen else colours.muted
        text.append(f"[{title}]" if chosen else f" {title} ", style)
    end = "now" if shown.end_ms is None else moment_text(shown.end_ms, session.zone)
    text.append(f"  {format_duration(shown.span_ms)} to {end}", colours.text)
    text.append(f"  {session.zone_name}", colours.muted)
    if tab == "graph":
        text.append(f"  {view.mode.value}  {view.axis_name}", colours.muted)
        if view.compare_ms:
            text.append(f"  vs -{format_duration(view.compare_ms)}", colours.warning)
        if view.marks != "own":
            text.append(f"  marks: {view.marks}", colours.muted)
        text.append(f"  {summary}", colours.muted)
    text.truncate(max(width, 20), overflow="ellipsis")
    return text


def _tick(ascii_only: bool) -> str:
    return "ok" if ascii_only else "✓"
