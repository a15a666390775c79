"""The Query pane: a prompt, and its answer as a table or a live graph.

Life of a query: the prompt submits it, one worker asks the backend, and whatever comes back is
shown only if nothing newer was asked meanwhile. A bad query leaves the last good answer where it
is and shows its error below the prompt, with a caret under the place.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static
from textual.worker import Worker

from termprom.backend.interface import Topic
from termprom.errors import EvaluationError, ParseError, TermpromError
from termprom.model.grid import Grid
from termprom.model.labels import METRIC_NAME
from termprom.model.notices import NoticeLevel
from termprom.model.result import QueryResult
from termprom.promql.syntax.format import one_line
from termprom.promql.syntax.parse import parse
from termprom.tui.cells import inert
from termprom.tui.colours import colours_of
from termprom.tui.editor.context import selectors_in
from termprom.tui.editor.diagnose import characters
from termprom.tui.editor.history import Entry, History, history_path
from termprom.tui.editor.prompt import Prompt
from termprom.tui.editor.prompt_box import PromptBox, mistake_text
from termprom.tui.figures import age, number
from termprom.tui.glyphs import glyphs
from termprom.tui.keymap import bind
from termprom.tui.messages import CopyWanted, QueryRequest, RangeChosen, Said
from termprom.tui.panes.explain import ExplainBox
from termprom.tui.panes.explain_nodes import NodeRow
from termprom.tui.panes.graph_marks import (
    alert_marks,
    alerts_query,
    restart_marks,
    restarts_query,
)
from termprom.tui.panes.home_signals import oldest_ms, span_seconds
from termprom.tui.panes.pane import Pane
from termprom.tui.panes.query_cost import SAMPLES_MAX, samples_of
from termprom.tui.panes.query_graph import Answer, GraphBox, threshold_labels
from termprom.tui.panes.query_range_box import RangeBox
from termprom.tui.panes.query_series import SeriesSet, series_of
from termprom.tui.panes.query_split import grouped_labels, split_by
from termprom.tui.panes.query_table import ResultRow, model_for, rows_of
from termprom.tui.panes.query_view import GraphView, Look, UndoStack
from termprom.tui.plot.chart import Mark, Matrix
from termprom.tui.plot.step import choose_step, live_window, pannable
from termprom.tui.plot.time_axis import moment_text
from termprom.tui.plot.unit_of import unit_of
from termprom.tui.plot.units import PLAIN, Unit
from termprom.tui.session import TimeRange
from termprom.tui.widgets.columns import RowModel
from termprom.tui.widgets.legend import Legend
from termprom.tui.widgets.virtual_list import VirtualList
from termprom.tui.work import begin

if TYPE_CHECKING:
    from termprom.tui.panes.query_yank import Shown
    from termprom.tui.view_state import ViewState

_TABLE_REFRESH_MS: Final = 1_000
_HISTORY_SHOWN: Final = 2_000
_FIRST_ANSWER: Final = 0.15  # seconds; an answer within shows without any "running"


class QueryPane(Pane):
    """Prompt, status line, tabs, and the answer."""

    PANE_ID = "query"
    TITLE = "Query"
    KEY = "3"
    TOPICS = frozenset({Topic.STATS})

    DEFAULT_CSS = """
    QueryPane { layout: vertical; }
    QueryPane #query-box { height: auto; border: solid $border-blurred; }
    QueryPane #query-box:focus-within { border: solid $border; }
    QueryPane.-compact #query-box { border: none; }
    QueryPane #query-tabs { height: 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("query.edit", "edit", show=True),
        bind("query.undo", "undo", show=True),
        bind("query.redo", "redo"),
        bind("app.range", "range", show=True),
        bind("pane.yank", "yank", show=True),
        bind("query.now", "now"),
        bind("list.group", "split", show=True),
        bind("query.graph", "graph"),
        bind("query.explain", "explain", show=True),
        bind("query.history", "history"),
        bind("query.cancel", "cancel"),
        bind("query.drop", "drop"),
    ]

    def __init__(self, session: object, history: History | None = None) -> None:
        super().__init__(session)  # type: ignore[arg-type]  # checked by those who build panes
        self._history = history
        self.expr = ""
        self.tab = "graph"
        self.undo_stack = UndoStack()
        self._thresholds: tuple[tuple[float, str], ...] = ()
        self._alert = ""  # of which the expression is
        self._table_period_ms = _TABLE_REFRESH_MS
        self._weighed = ""  # an expression that is known to be costly
        self._serial = 0
        self._worker: Worker[None] | None = None
        self._asked: tuple[object, ...] = ()
        self._shown_for: tuple[str, TimeRange, int] | None = None
        self._past = -1
        self._range_fits = False
        self._started = 0.0
        self._result: QueryResult | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="query-box"):
            yield PromptBox(self.session)
        yield Static(id="query-tabs", markup=False)
        empty: RowModel[ResultRow] = RowModel((), key=lambda row: row.labels)
        yield VirtualList(
            empty, id="query-table", ascii_only=self.session.ascii, empty="empty result"
        )
        yield GraphBox(self.session, id="query-graph")
        yield ExplainBox(self.session, id="query-explain")

    def on_mount(self) -> None:
        self.query_one("#query-box").border_title = "PromQL"
        self.query_one("#query-table", VirtualList).say("no query yet: i edits, enter runs")
        self.prompt.recall = lambda text: self.history.beginning_with(text)
        self._show_tab()

    def on_resize(self) -> None:
        self.set_class(self.size.width < 100 or self.size.height < 27, "-compact")
        # Another width has another step; before the first layout there was none at all.
        self.call_after_refresh(self._fit_size)

    def _fit_size(self) -> None:
        self._show_tab()
        if self.expr and self.tab == "graph" and self._asked and self._key() != self._asked:
            self._ask()

    @property
    def history(self) -> History:
        """Opened on first use, in the state folder unless one was given."""
        if self._history is None:
            self._history = History(history_path())
        return self._history

    @property
    def prompt_box(self) -> PromptBox:
        return self.query_one(PromptBox)

    @property
    def prompt(self) -> Prompt:
        return self.prompt_box.prompt

    @property
    def explain_box(self) -> ExplainBox:
        return self.query_one(ExplainBox)

    @property
    def graph_box(self) -> GraphBox:
        return self.query_one(GraphBox)

    def focus_default(self) -> None:
        if self.expr:
            self._focus_answer()
        else:
            self.prompt.focus()

    # --- Asking -------------------------------------------------------------------------------

    def open(self, argument: object) -> None:
        """Run a QueryRequest, or a bare expression."""
        request = QueryRequest(argument) if isinstance(argument, str) else argument
        if not isinstance(request, QueryRequest):
            return
        self.tab = "graph" if request.graph else "table"
        if self.expr:
            self._remember()
        self.prompt.put(request.expr)
        self._thresholds = request.thresholds
        self._alert = request.alert
        if request.range is not None and request.range != self.session.range:
            self.post_message(RangeChosen(request.range))
        self._run(request.expr)
        self._focus_answer()

    def kept(self) -> dict[str, Any]:
        return {
            "expr": self.expr,
            "tab": self.tab,
            "alert": self._alert,
            "thresholds": self._thresholds,
            "choices": self.graph_box.view.choices(),
        }

    def bring_back(self, state: ViewState) -> None:
        self.graph_box.view = self.graph_box.view.with_choices(state.choices)

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        if event.closed:
            self.post_message(Said(f"added the missing {event.closed}"))
        if self.expr and event.text != self.expr:
            self._remember()
            self._thresholds = ()
            self._alert = ""
        self._past = -1
        if event.text == self._weighed:
            self._run(event.text)
        else:
            begin(self, partial(self._weigh, event.text), group="cost", exclusive=True)

    async def _weigh(self, expr: str) -> None:
        """Run it, unless it would read too much; then a second enter is needed."""
        session, steps = self.session, 1
        if self.tab == "graph":
            steps = session.range.span_ms // max(self._step(), 1)
        end = session.range.bounds(session.now_ms())[1]
        samples = await samples_of(session.backend, expr, end, steps)
        if self.prompt.text.strip() != expr:
            return  # something else is being typed by now
        if samples <= SAMPLES_MAX:
            self._run(expr)
            return
        self._weighed = expr
        text = (
            f" ! about {number(samples)} samples (asked above {number(SAMPLES_MAX)}): enter runs it"
            " all the same; a shorter range, fewer labels or a sum cost less"
        )
        self.prompt_box.tell(Text(text, colours_of(self.app).warning))

    def _run(self, expr: str) -> None:
        """Ask for `expr`, whatever was being asked before."""
        self.expr = expr
        self._asked = ()
        self.prompt.clear_error()
        self._show_tab()
        self._ask()

    async def refresh_view(self) -> None:
        """New samples, another range: ask again, unless the answer would be the same."""
        if not self.expr:
            return
        if self._worker is None or not self._worker.is_running:
            if self._key() == self._asked:
                return
            self._ask()
        elif self._asked[:3] != self._key()[:3]:
            self._ask()  # what runs is for another range or tab

    def _key(self) -> tuple[object, ...]:
        """What an answer depends on; equal keys have equal answers."""
        now = self.session.now_ms()
        compare = self.graph_box.view.compare_ms
        if self.tab == "table":
            return (self.expr, self.tab, self.session.range, now // self._table_period_ms)
        if self.tab == "explain":
            return (self.expr, self.tab, self.session.range)  # it costs too much to go on by itself
        step = self._step()
        return (self.expr, self.tab, self.session.range, step, compare, now // step)

    def _step(self) -> int:
        return choose_step(self.session.range.span_ms, self.graph_box.graph.canvas_columns)

    def _ask(self) -> None:
        self._serial += 1
        self._asked = self._key()
        self._started = self.session.clock.monotonic()
        self._worker = begin(
            self,
            partial(self._answer, self._serial),
            group="query",
            exclusive=True,
            exit_on_error=False,
        )
        self.set_timer(_FIRST_ANSWER, self._show_running)

    async def _answer(self, serial: int) -> None:
        expr, tab = self.expr, self.tab
        try:
            await self._fit_range(serial)
            if tab == "table":
                await self._ask_table(serial, expr)
            elif tab == "explain":
                await self._ask_explain(serial, expr)
            else:
                await self._ask_graph(serial, expr)
        except TermpromError as problem:
            if serial == self._serial:
                self._show_problem(problem)

    async def _fit_range(self, serial: int) -> None:
        """Until somebody picks a range: the shortest that holds all data, as Home has it."""
        session = self.session
        if session.range_chosen or self._range_fits:
            return
        storage = (await session.backend.status()).storage
        if serial != self._serial or session.range_chosen:
            return
        wanted = TimeRange(span_seconds(oldest_ms(storage), session.now_ms()) * 1000)
        self._range_fits = wanted == TimeRange()
        session.range = wanted
        self._asked = self._key()
        self._show_tab()

    async def _ask_table(self, serial: int, expr: str) -> None:
        end = self.session.range.end_ms
        result = await self.session.backend.query(expr, end)
        if serial != self._serial:
            return
        rows = rows_of(result)
        # A hundred thousand rows every second would leave no time for keys.
        self._table_period_ms = max(_TABLE_REFRESH_MS, len(rows) // 10)
        table = self.query_one("#query-table", VirtualList)
        model, shared = model_for(rows, guess_unit(expr))
        table.order.model = model
        table.note = f"common {inert(str(shared))}" if shared else ""
        table.set_rows(rows)
        self._show_done(result, len(rows), 0)

    async def _ask_explain(self, serial: int, expr: str) -> None:
        at_ms = self.session.range.bounds(self.session.now_ms())[1]
        nodes = await self.explain_box.measure(expr, at_ms)
        if serial == self._serial:
            mark = "ok" if self.session.ascii else "✓"
            text = f" {mark} {nodes} nodes measured by separate queries, {self._took_ms()} ms"
            self.prompt_box.tell(Text(text, colours_of(self.app).ok))
            self.prompt.clear_error()

    def on_prompt_box_edited(self) -> None:
        """Nodes of an expression that is being changed are not worth asking for."""
        if self.tab == "explain" and self._worker is not None and self._worker.is_running:
            self._serial += 1
            self._worker.cancel()

    def on_explain_box_taken(self, event: ExplainBox.Taken) -> None:
        self._remember()
        self.prompt.put(event.text)
        self._run(event.text)

    def on_virtual_list_opened(self, event: VirtualList.Opened) -> None:
        if event.control is self.explain_box.list:
            event.stop()
            row = event.row
            assert isinstance(row, NodeRow)
            self.open(QueryRequest(row.node.query))

    async def _ask_graph(self, serial: int, expr: str) -> None:
        session, step = self.session, self._step()
        now, shown, box = session.now_ms(), session.range, self.graph_box
        if shown.live:
            window = live_window(shown.span_ms, now, step)
        else:
            window = pannable(shown.span_ms, shown.bounds(now)[1], step)
        start, end = window
        last = min(end, now) if shown.live else end
        first = -(-start // step) * step
        grid = Grid(first, max(last - last % step, first), step)
        result = await session.backend.query_range(expr, grid)
        compare_ms = box.view.compare_ms
        compare = None
        if compare_ms:
            shift = -(-compare_ms // step) * step
            past_end = min(end - end % step, now + compare_ms)
            past = Grid(grid.start_ms - shift, max(past_end, grid.end_ms) - shift, step)
            compare = _moved(series_of(await session.backend.query_range(expr, past), step), shift)
        if serial != self._serial:
            return
        same = (expr, shown, compare_ms)
        steady = self._shown_for == same
        self._shown_for = same
        found = series_of(result, step)
        thresholds = threshold_labels(self._thresholds)
        box.show(Answer(found, window, guess_unit(expr), compare, thresholds), steady=steady)
        self._result = result
        self._show_done(result, len(found.labels), step)
        await self._ask_marks(serial, found, grid)

    async def _ask_marks(self, serial: int, found: SeriesSet, grid: Grid) -> None:
        """What happened meanwhile; a graph without an answer to that is still a graph."""
        wanted, signs = self.graph_box.view.marks, glyphs(self.session.ascii)
        marks: list[Mark] = []
        if wanted != "none":
            restarts = restarts_query(found.labels)
            if restarts and (result := await self._told(restarts, grid)) is not None:
                marks += restart_marks(result, signs)
            named = wanted == "all"
            if named or self._alert:
                result = await self._told(alerts_query("" if named else self._alert), grid)
                marks += [] if result is None else alert_marks(result, signs, named=named)
        if serial == self._serial:
            self.graph_box.mark(marks)

    async def _told(self, expr: str, grid: Grid) -> QueryResult | None:
        try:
            return await self.session.backend.query_range(expr, grid)
        except TermpromError:
            return None

    def on_graph_box_marks_wanted(self) -> None:
        if self.expr:
            self._ask()

    # --- Showing ------------------------------------------------------------------------------

    def _took_ms(self) -> int:
        return round((self.session.clock.monotonic() - self._started) * 1000)

    def _show_running(self) -> None:
        if self._worker is not None and self._worker.is_running:
            colours = colours_of(self.app)
            elapsed = self._took_ms() / 1000
            wait = glyphs(self.session.ascii).wait
            text = Text(f" {wait} {elapsed:.1f} s   ctrl+c cancels", colours.muted)
            self.prompt_box.tell(text)
            self.set_timer(1.0, self._show_running)

    def _show_done(self, result: QueryResult, series: int, step_ms: int) -> None:
        colours = colours_of(self.app)
        took = self._took_ms()
        mark = "ok" if self.session.ascii else "✓"
        parts = [f"{mark} {series} series"]
        if result.stats.samples:
            parts.append(f"{result.stats.samples:,} samples read".replace(",", " "))
        parts.append(f"{took} ms")
        if step_ms:
            parts.append(f"step {_short_duration(step_ms)}")
        if not series:
            parts.append("empty result: nothing matches in this range")
        dot = " - " if self.session.ascii else " · "
        text = Text(" " + dot.join(parts), colours.ok if series else colours.warning)
        for notice in result.notices[:2]:
            style = colours.warning if notice.level is NoticeLevel.WARNING else colours.muted
            text.append(f"\n ! {inert(notice.text)}", style)
        if len(result.notices) > 2:
            text.append(f"  (and {len(result.notices) - 2} more)", colours.muted)
        self.prompt_box.tell(text)
        self.prompt.clear_error()
        self._show_tab()
        self.history.add(
            Entry(self.expr, self.session.backend.name, self.session.now_ms(), series, took / 1000)
        )

    def _show_problem(self, problem: TermpromError) -> None:
        """The error below the prompt; the last good answer stays."""
        colours = colours_of(self.app)
        message = problem.message if isinstance(problem, ParseError) else str(problem)
        if isinstance(problem, ParseError | EvaluationError) and problem.start >= 0:
            start, end = (characters(self.expr, at) for at in (problem.start, problem.end))
            if self.prompt.text.strip() == self.expr:
                self.prompt.show_error(start, end)
            text = mistake_text(self.expr, start, message, self.size.width, colours.critical)
        else:
            text = Text(inert(message), colours.critical)
        if self._result is not None or self._shown_for is not None:
            text.append("  (previous result below)", colours.muted)
        self.prompt_box.tell(text)
        entry = Entry(self.expr, self.session.backend.name, self.session.now_ms(), failed=True)
        self.history.add(entry)

    def _show_tab(self) -> None:
        colours = colours_of(self.app)
        self.query_one("#query-table").display = self.tab == "table"
        self.graph_box.display = self.tab == "graph"
        self.explain_box.display = self.tab == "explain"
        shown, view = self.session.range, self.graph_box.view
        text = Text()
        for name, title in (("table", "Table"), ("graph", "Graph"), ("explain", "Explain")):
            chosen = name == self.tab
            style = colours.accent if chosen else colours.muted
            text.append(f"[{title}]" if chosen else f" {title} ", style)
        zone = self.session.zone
        end = "now" if shown.end_ms is None else moment_text(shown.end_ms, zone)
        text.append(f"  {_short_duration(shown.span_ms)} to {end}", colours.text)
        text.append(f"  {self.session.zone_name}", colours.muted)
        if self.tab == "graph":
            text.append(f"  {view.mode.value}  {view.axis_name}", colours.muted)
            if view.compare_ms:
                text.append(f"  vs -{_short_duration(view.compare_ms)}", colours.warning)
            if view.marks != "own":
                text.append(f"  marks: {view.marks}", colours.muted)
            text.append(f"  {self.graph_box.summary()}", colours.muted)
        text.truncate(max(self.size.width, 20), overflow="ellipsis")
        self.query_one("#query-tabs", Static).update(text)

    def _focus_answer(self) -> None:
        names = {"table": "#query-table", "graph": "#query-graph", "explain": "#explain-nodes"}
        self.query_one(names[self.tab]).focus()

    # --- Keys ---------------------------------------------------------------------------------

    def action_edit(self) -> None:
        self.prompt.focus()

    def on_prompt_left(self) -> None:
        self._focus_answer()

    def on_prompt_history_wanted(self, event: Prompt.HistoryWanted) -> None:
        entries = self.history.newest()
        place = self._past - event.direction
        if place < 0:
            self._past = -1
            self.prompt.put("")
        elif place < len(entries):
            self._past = place
            self.prompt.put(entries[place].text)

    def action_history(self) -> None:
        """Search what was run before: words in any order, also of the server's name."""
        from termprom.tui.screens.rows_dialog import Entry as Line
        from termprom.tui.screens.rows_dialog import RowsDialog

        entries = self.history.newest(_HISTORY_SHOWN)
        if not entries:
            self.post_message(Said("no query was run yet"))
            return
        now_ms = self.session.now_ms()
        lines = [
            Line(str(place), f"{age(one.at_ms, now_ms)} ago", " ".join(one.text.split()),
                 f"failed {one.server}" if one.failed else one.server)
            for place, one in enumerate(entries)
        ]  # fmt: skip

        def chosen(text: str | None) -> None:
            if text is not None:
                self.prompt.put(entries[int(text.split(" ")[0])].text)
                self.prompt.focus()

        dialog = RowsDialog(
            "History: words in any order, enter takes", lines,
            ascii_only=self.session.ascii, typing=True, words_only=True,
        )  # fmt: skip
        self.app.push_screen(dialog, chosen)

    def action_split(self) -> None:
        """Choose a label, and have the expression with it in the grouping, or without it."""
        if self.expr:
            begin(self, partial(self._split, self.expr), group="split", exclusive=True)

    async def _split(self, expr: str) -> None:
        from termprom.tui.screens.chooser import Chooser

        try:
            tree = parse(expr)
            start, end = self.session.range.bounds(self.session.now_ms())
            found = await self.session.backend.label_names(selectors_in(expr), start, end)
        except TermpromError as problem:
            self.post_message(Said(str(problem), "warning"))
            return
        kept = grouped_labels(tree)
        names = {
            name: f"{name}  (split by it)" if name in kept else name
            for name in found.names
            if name != METRIC_NAME
        }
        if not names:
            self.post_message(Said("these series have no labels"))
            return

        def chosen(label: str | None) -> None:
            if label is not None:
                self._remember()
                text = one_line(split_by(tree, label))
                self.prompt.put(text)
                self._run(text)

        self.app.push_screen(Chooser("by label", names), chosen)

    def action_cancel(self) -> None:
        """Stop the running query; without one ctrl+c is the app's."""
        from textual.actions import SkipAction

        if self._worker is None or not self._worker.is_running:
            raise SkipAction
        self._serial += 1
        self._worker.cancel()
        colours = colours_of(self.app)
        text = Text(f" cancelled after {self._took_ms()} ms", colours.warning)
        self.prompt_box.tell(text)

    def action_drop(self) -> None:
        from textual.actions import SkipAction

        if self.tab != "graph" or not self.graph_box.drop():
            raise SkipAction

    def action_graph(self) -> None:
        self._switch("graph")

    def action_explain(self) -> None:
        """The tree of what is typed; it need not have been run."""
        typed = self.prompt.text.strip()
        if typed and typed != self.expr:
            self.tab = "explain"
            self.prompt.submit()
            self._focus_answer()
        else:
            self._switch("explain")

    def on_prompt_explain_wanted(self) -> None:
        self.action_explain()

    def on_graph_box_table_wanted(self) -> None:
        self._switch("table")

    def _switch(self, tab: str) -> None:
        self.tab = tab
        self._show_tab()
        self._focus_answer()
        if self.expr:
            self._ask()

    def action_range(self) -> None:
        def chosen(found: TimeRange | None) -> None:
            if found is not None:
                self._choose_range(found)

        self.app.push_screen(RangeBox(self.session), chosen)

    def action_now(self) -> None:
        self._choose_range(TimeRange(self.session.range.span_ms))

    def on_graph_box_range_wanted(self, event: GraphBox.RangeWanted) -> None:
        self._choose_range(event.range)

    def _choose_range(self, found: TimeRange) -> None:
        if found != self.session.range:
            self._remember()
            self.graph_box.crosshair_ms = None
            self.post_message(RangeChosen(found))

    def on_graph_box_compare_wanted(self) -> None:
        if self.expr:
            self._ask()

    def on_graph_box_view_changing(self, event: GraphBox.ViewChanging) -> None:
        self.undo_stack.keep(self._look(event.before))
        self.call_after_refresh(self._show_tab)

    def _look(self, view: GraphView | None = None) -> Look:
        return Look(self.expr, self.session.range, view or self.graph_box.view)

    def _remember(self) -> None:
        self.undo_stack.keep(self._look())

    def action_undo(self) -> None:
        self._restore(self.undo_stack.undo(self._look()), "undo")

    def action_redo(self) -> None:
        self._restore(self.undo_stack.redo(self._look()), "redo")

    def _restore(self, look: Look | None, verb: str) -> None:
        if look is None:
            self.post_message(Said(f"nothing to {verb}"))
            return
        changed = look.range != self.session.range
        compare = look.view.compare_ms != self.graph_box.view.compare_ms
        self.graph_box.view = look.view
        self.graph_box.redraw()
        if changed:
            self.post_message(RangeChosen(look.range))
        if look.expr != self.expr:
            self.prompt.put(look.expr)
            self._run(look.expr)
        elif compare:
            self._ask()
        self._show_tab()

    def action_yank(self) -> None:
        if self.expr:
            begin(self, self._yank, group="yank", exclusive=True)

    async def _yank(self) -> None:
        from termprom.tui.panes.query_yank import KINDS, kinds_of, text_of
        from termprom.tui.screens.chooser import Chooser

        shown = self.shown(await self._base_url())
        names = kinds_of(shown)

        def chosen(kind: str | None) -> None:
            if kind == "files":
                begin(self, partial(self._write, shown), group="yank", exclusive=True)
            elif kind is not None:
                self.post_message(CopyWanted(text_of(shown, kind), names[kind]))

        letters = {name: KINDS[name][0] for name in names}
        self.app.push_screen(Chooser("copy", names, letters=letters), chosen)

    async def _base_url(self) -> str:
        """Where a browser finds this server; empty where nobody knows."""
        backend = self.session.backend
        try:
            status = await backend.status()
        except TermpromError:
            return ""
        urls = [one.url for one in status.listeners if one.purpose == "api"]
        name = backend.name if "://" in backend.name else ""
        return status.flags.get("web.external-url") or next(iter(urls), name)

    async def _write(self, shown: Shown) -> None:
        from termprom.tui.panes.query_yank import write_files

        now_ms = self.session.now_ms()
        try:
            written = await asyncio.to_thread(write_files, shown, Path.cwd(), now_ms)
        except OSError as problem:
            self.post_message(Said(f"not written: {problem}", "error"))
            return
        names = " and ".join(map(str, written))
        self.post_message(Said(f"written: {names}" if written else "there is nothing to write"))

    def shown(self, base_url: str = "") -> Shown:
        """What is on the screen now, to be copied."""
        from termprom.tui.panes.query_yank import Shown

        window = self.session.range.bounds(self.session.now_ms())
        when = f"{moment_text(window[1], self.session.zone)} {self.session.zone_name}"
        span = _short_duration(self.session.range.span_ms)
        expr = (self.tab == "explain" and self.explain_box.node_text) or self.expr
        answer, cells = self.graph_box.answer, self.graph_box.graph.picture
        values: SeriesSet | list[ResultRow] = []
        if self.tab == "graph" and answer is not None:
            values = answer.series
        elif self.tab == "table":
            table: VirtualList[ResultRow] = self.query_one("#query-table", VirtualList)
            rows = (table.order.row(line) for line in table.order.lines)
            values = [row for row in rows if row is not None]
        picture = ""
        if cells is not None:
            legend = self.query_one(Legend)
            picture = f"{cells.text()}\n{legend.text()}".rstrip()
        return Shown(
            expr, self.tab == "graph", window, f"{span} to {when}", values, picture, base_url
        )


def guess_unit(expr: str) -> Unit:
    """The unit of an expression; a plain number where it cannot be parsed here."""
    try:
        return unit_of(parse(expr))
    except ParseError:
        return PLAIN


def _moved(series: SeriesSet, shift_ms: int) -> SeriesSet:
    """The same values, `shift_ms` later: a comparison laid under the present."""
    matrix = series.matrix
    later = Matrix(matrix.times_ms + shift_ms, matrix.step_ms, matrix.values, matrix.present)
    return SeriesSet(
        series.labels, later, series.common, series.last, series.low, series.high, series.mean
    )


def _short_duration(milliseconds: int) -> str:
    from termprom.model.durations import format_duration

    return format_duration(milliseconds)
