"""Something of the Query pane to take along: chosen from a list, then copied or written."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from termprom.backend.interface import Backend
from termprom.errors import TermpromError
from termprom.model.durations import format_duration
from termprom.tui.messages import CopyWanted, Said
from termprom.tui.panes.pane import Pane
from termprom.tui.panes.query_series import SeriesSet
from termprom.tui.panes.query_table import ResultRow
from termprom.tui.panes.query_yank import KINDS, Shown, kinds_of, text_of, write_files
from termprom.tui.plot.time_axis import moment_text
from termprom.tui.widgets.legend import Legend
from termprom.tui.work import begin

if TYPE_CHECKING:
    from termprom.tui.panes.query import QueryPane


async def ask_what_to_take(pane: QueryPane) -> None:
    """Choose something of what is shown now, and have it."""
    from termprom.tui.screens.chooser import Chooser

    shown = shown_by(pane, await _base_url(pane.session.backend))
    names = kinds_of(shown)

    def chosen(kind: str | None) -> None:
        if kind == "files":
            begin(pane, partial(_write, pane, shown), group="yank", exclusive=True)
        elif kind is not None:
            pane.post_message(CopyWanted(text_of(shown, kind), names[kind]))

    letters = {name: KINDS[name][0] for name in names}
    pane.app.push_screen(Chooser("copy", names, letters=letters), chosen)


def shown_by(pane: QueryPane, base_url: str) -> Shown:
    """What is on the screen now."""
    session, graph = pane.session, pane.tab == "graph"
    window = session.range.bounds(session.now_ms())
    when = f"{moment_text(window[1], session.zone)} {session.zone_name}"
    span = format_duration(session.range.span_ms)
    expr = (pane.tab == "explain" and pane.explain_box.node_text) or pane.expr
    answer, cells = pane.graph_box.answer, pane.graph_box.graph.picture
    values: SeriesSet | list[ResultRow] = []
    if graph and answer is not None:
        values = answer.series
    elif pane.tab == "table":
        rows = (pane.table.order.row(line) for line in pane.table.order.lines)
        values = [row for row in rows if row is not None]
    picture = ""
    if cells is not None:
        picture = f"{cells.text()}\n{pane.query_one(Legend).text()}".rstrip()
    return Shown(expr, graph, window, f"{span} to {when}", values, picture, base_url)


async def _base_url(backend: Backend) -> str:
    """Where a browser finds this server; empty where nobody knows."""
    try:
        status = await backend.status()
    except TermpromError:
        return ""
    urls = [one.url for one in status.listeners if one.purpose == "api"]
    name = backend.name if "://" in backend.name else ""
    return status.flags.get("web.external-url") or next(iter(urls), name)


async def _write(pane: Pane, shown: Shown) -> None:
    now_ms = pane.session.now_ms()
    try:
        written = await asyncio.to_thread(write_files, shown, Path.cwd(), now_ms)
    except OSError as problem:
        pane.post_message(Said(f"not written: {problem}", "error"))
        return
    names = " and ".join(map(str, written))
    pane.post_message(Said(f"written: {names}" if written else "there is nothing to write"))
