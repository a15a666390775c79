"""The life of a query: asked by one worker, and shown only if nothing newer was asked meanwhile.

A bad query leaves the last good answer where it is and shows its error below the prompt, with a
caret under the place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from termprom.errors import TermpromError
from termprom.model.result import QueryResult
from termprom.tui.cells import inert
from termprom.tui.colours import colours_of
from termprom.tui.editor.history import Entry
from termprom.tui.glyphs import glyphs
from termprom.tui.panes.home_signals import oldest_ms, span_seconds
from termprom.tui.panes.query_asking import Asking, Key
from termprom.tui.panes.query_cost import SAMPLES_MAX, samples_of
from termprom.tui.panes.query_fetch import fetch_graph, fetch_marks, guess_unit
from termprom.tui.panes.query_graph import Answer, threshold_labels
from termprom.tui.panes.query_table import model_for, rows_of
from termprom.tui.panes.query_words import (
    costly_text,
    done_text,
    explained_text,
    place_of,
    problem_text,
    running_text,
)
from termprom.tui.plot.step import choose_step
from termprom.tui.session import TimeRange

if TYPE_CHECKING:
    from termprom.tui.panes.query import QueryPane

_TABLE_REFRESH_MS: Final = 1_000
_FIRST_ANSWER: Final = 0.15  # seconds; an answer within shows without any "running"


class QueryRun:
    """One per pane: asks for the pane's expression as its tab wants it, and fills the tab."""

    def __init__(self, pane: QueryPane) -> None:
        self._pane = pane
        self._session = pane.session
        self._asking = Asking(pane, self._key, self._answer)
        self._table_period_ms = _TABLE_REFRESH_MS
        self._shown_for: tuple[str, TimeRange, int] | None = None  # what the graph is of
        self._range_fits = False
        self.weighed = ""  # an expression that is known to be costly

    def __repr__(self) -> str:
        return f"QueryRun({self._asking!r})"

    @property
    def took_ms(self) -> int:
        return self._asking.took_ms

    @property
    def outdated(self) -> bool:
        """Whether the same question would be another one by now; false before the first."""
        return self._asking.outdated

    def is_due(self) -> bool:
        """Whether to ask again: not where the answer would be the same."""
        return self._asking.is_due()

    def cancel(self) -> bool:
        """Whether there was something to cancel."""
        return self._asking.cancel()

    def begin_anew(self) -> None:
        """Ask for what nobody has asked for yet, whatever was being asked before."""
        self._asking.forget()
        self.begin()

    async def weigh(self, expr: str) -> None:
        """Run it, unless it would read too much; then a second enter is needed."""
        session, steps = self._session, 1
        if self._pane.tab == "graph":
            steps = session.range.span_ms // max(self._step(), 1)
        end = session.range.bounds(session.now_ms())[1]
        samples = await samples_of(session.backend, expr, end, steps)
        if self._pane.prompt.text.strip() != expr:
            return  # something else is being typed by now
        if samples <= SAMPLES_MAX:
            self._pane.run(expr)
            return
        self.weighed = expr
        self._pane.prompt_box.tell(costly_text(samples, colours_of(self._pane.app)))

    def _key(self) -> Key:
        """What an answer depends on; equal keys have equal answers."""
        pane, shown, now = self._pane, self._session.range, self._session.now_ms()
        if pane.tab == "table":
            return (pane.expr, pane.tab, shown, now // self._table_period_ms)
        if pane.tab == "explain":
            return (pane.expr, pane.tab, shown)  # it costs too much to go on by itself
        step, compare_ms = self._step(), pane.graph_box.view.compare_ms
        return (pane.expr, pane.tab, shown, step, compare_ms, now // step)

    def _step(self) -> int:
        columns = self._pane.graph_box.graph.canvas_columns
        return choose_step(self._session.range.span_ms, columns)

    def begin(self) -> None:
        self._asking.begin()
        self._pane.set_timer(_FIRST_ANSWER, self._show_running)

    async def _answer(self, number: int) -> None:
        expr, tab = self._pane.expr, self._pane.tab
        try:
            await self._fit_range(number)
            if tab == "table":
                await self._ask_table(number, expr)
            elif tab == "explain":
                await self._ask_explain(number, expr)
            else:
                await self._ask_graph(number, expr)
        except TermpromError as problem:
            if self._asking.is_newest(number):
                self._show_problem(problem)

    async def _fit_range(self, number: int) -> None:
        """Until somebody picks a range: the shortest that holds all data, as Home has it."""
        session = self._session
        if session.range_chosen or self._range_fits:
            return
        storage = (await session.backend.status()).storage
        if not self._asking.is_newest(number) or session.range_chosen:
            return
        wanted = TimeRange(span_seconds(oldest_ms(storage), session.now_ms()) * 1000)
        self._range_fits = wanted == TimeRange()
        session.range = wanted
        self._asking.go_on()
        self._pane.show_tab()

    async def _ask_table(self, number: int, expr: str) -> None:
        end = self._session.range.end_ms
        result = await self._session.backend.query(expr, end)
        if not self._asking.is_newest(number):
            return
        rows = rows_of(result)
        # A hundred thousand rows every second would leave no time for keys.
        self._table_period_ms = max(_TABLE_REFRESH_MS, len(rows) // 10)
        table = self._pane.table
        model, shared = model_for(rows, guess_unit(expr))
        table.order.model = model
        table.note = f"common {inert(str(shared))}" if shared else ""
        table.set_rows(rows)
        self._show_done(result, len(rows), 0)

    async def _ask_explain(self, number: int, expr: str) -> None:
        at_ms = self._session.range.bounds(self._session.now_ms())[1]
        nodes = await self._pane.explain_box.measure(expr, at_ms)
        if self._asking.is_newest(number):
            pane, took_ms = self._pane, self._asking.took_ms
            colours, ascii_only = colours_of(pane.app), self._session.ascii
            pane.prompt_box.tell(explained_text(nodes, took_ms, colours, ascii_only=ascii_only))
            pane.prompt.clear_error()

    async def _ask_graph(self, number: int, expr: str) -> None:
        session, step, box = self._session, self._step(), self._pane.graph_box
        shown, compare_ms = session.range, box.view.compare_ms
        found = await fetch_graph(session.backend, expr, shown, session.now_ms(), step, compare_ms)
        if not self._asking.is_newest(number):
            return
        same = (expr, shown, compare_ms)
        steady = self._shown_for == same
        self._shown_for = same
        thresholds = threshold_labels(self._pane.thresholds)
        answer = Answer(found.series, found.window, guess_unit(expr), found.compare, thresholds)
        box.show(answer, steady=steady)
        self._show_done(found.result, len(found.series.labels), step)
        marks = await fetch_marks(
            session.backend, found.series.labels, found.grid,
            box.view.marks, self._pane.alert, glyphs(session.ascii),
        )  # fmt: skip
        if self._asking.is_newest(number):
            box.mark(marks)

    def _show_running(self) -> None:
        if self._asking.running:
            colours, signs = colours_of(self._pane.app), glyphs(self._session.ascii)
            self._pane.prompt_box.tell(running_text(self._asking.took_ms, signs, colours))
            self._pane.set_timer(1.0, self._show_running)

    def _show_done(self, result: QueryResult, series: int, step_ms: int) -> None:
        pane, session, took_ms = self._pane, self._session, self._asking.took_ms
        colours, ascii_only = colours_of(pane.app), session.ascii
        text = done_text(result, series, step_ms, took_ms, colours, ascii_only=ascii_only)
        pane.prompt_box.tell(text)
        pane.prompt.clear_error()
        pane.show_tab()
        name, now_ms = session.backend.name, session.now_ms()
        pane.history.add(Entry(pane.expr, name, now_ms, series, took_ms / 1000))

    def _show_problem(self, problem: TermpromError) -> None:
        """The error below the prompt; the last good answer stays."""
        pane, session = self._pane, self._session
        colours, answered = colours_of(pane.app), self._shown_for is not None
        place = place_of(problem, pane.expr)
        if place is not None and pane.prompt.text.strip() == pane.expr:
            pane.prompt.show_error(*place)
        text = problem_text(problem, pane.expr, pane.size.width, colours, answered=answered)
        pane.prompt_box.tell(text)
        entry = Entry(pane.expr, session.backend.name, session.now_ms(), failed=True)
        pane.history.add(entry)
