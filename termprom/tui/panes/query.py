"""The Query pane: a prompt, and its answer as a table or a live graph.

The pane has the keys and the boxes; how a query is asked and its answer shown is `query_run`'s.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static

from termprom.backend.interface import Topic
from termprom.tui.colours import colours_of
from termprom.tui.editor.history import History, history_path
from termprom.tui.editor.prompt import Prompt
from termprom.tui.editor.prompt_box import PromptBox
from termprom.tui.keymap import bind
from termprom.tui.messages import QueryRequest, RangeChosen, Said
from termprom.tui.panes.explain import ExplainBox
from termprom.tui.panes.explain_nodes import NodeRow
from termprom.tui.panes.pane import Pane
from termprom.tui.panes.query_dialogs import HISTORY_SHOWN, ask_history, ask_split
from termprom.tui.panes.query_graph import GraphBox
from termprom.tui.panes.query_range_box import RangeBox
from termprom.tui.panes.query_run import QueryRun
from termprom.tui.panes.query_table import ResultRow
from termprom.tui.panes.query_view import GraphView, Look, UndoStack
from termprom.tui.panes.query_words import (
    cancelled_text,
    tabs_text,
)
from termprom.tui.session import TimeRange
from termprom.tui.widgets.columns import RowModel
from termprom.tui.widgets.virtual_list import VirtualList
from termprom.tui.work import begin

if TYPE_CHECKING:
    from termprom.tui.panes.query_yank import Shown
    from termprom.tui.view_state import ViewState


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
        self.thresholds: tuple[tuple[float, str], ...] = ()
        self.alert = ""  # of which the expression is
        self._run = QueryRun(self)
        self._past = -1

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
        self.table.say("no query yet: i edits, enter runs")
        self.prompt.recall = lambda text: self.history.beginning_with(text)
        self.show_tab()

    def on_resize(self) -> None:
        self.set_class(self.size.width < 100 or self.size.height < 27, "-compact")
        # Another width has another step; before the first layout there was none at all.
        self.call_after_refresh(self._fit_size)

    def _fit_size(self) -> None:
        self.show_tab()
        if self.expr and self.tab == "graph" and self._run.outdated:
            self._run.begin()

    @property
    def history(self) -> History:
        """Opened on first use, in the state folder unless one was given."""
        if self._history is None:
            self._history = History(history_path())
        return self._history

    @property
    def table(self) -> VirtualList[ResultRow]:
        return self.query_one("#query-table", VirtualList)

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
        self.thresholds = request.thresholds
        self.alert = request.alert
        if request.range is not None and request.range != self.session.range:
            self.post_message(RangeChosen(request.range))
        self.run(request.expr)
        self._focus_answer()

    def kept(self) -> dict[str, Any]:
        return {
            "expr": self.expr,
            "tab": self.tab,
            "alert": self.alert,
            "thresholds": self.thresholds,
            "choices": self.graph_box.view.choices(),
        }

    def bring_back(self, state: ViewState) -> None:
        self.graph_box.view = self.graph_box.view.with_choices(state.choices)

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        if event.closed:
            self.post_message(Said(f"added the missing {event.closed}"))
        if self.expr and event.text != self.expr:
            self._remember()
            self.thresholds = ()
            self.alert = ""
        self._past = -1
        if event.text == self._run.weighed:
            self.run(event.text)
        else:
            begin(self, partial(self._run.weigh, event.text), group="cost", exclusive=True)

    def run(self, expr: str) -> None:
        """Ask for `expr`, whatever was being asked before."""
        self.expr = expr
        self.prompt.clear_error()
        self.show_tab()
        self._run.begin_anew()

    async def refresh_view(self) -> None:
        """New samples, another range: ask again, unless the answer would be the same."""
        if self.expr and self._run.is_due():
            self._run.begin()

    def on_prompt_box_edited(self) -> None:
        """Nodes of an expression that is being changed are not worth asking for."""
        if self.tab == "explain":
            self._run.cancel()

    def on_explain_box_taken(self, event: ExplainBox.Taken) -> None:
        self._take(event.text)

    def on_virtual_list_opened(self, event: VirtualList.Opened) -> None:
        if event.control is self.explain_box.list:
            event.stop()
            row = event.row
            assert isinstance(row, NodeRow)
            self.open(QueryRequest(row.node.query))

    def on_graph_box_marks_wanted(self) -> None:
        if self.expr:
            self._run.begin()

    # --- Showing ------------------------------------------------------------------------------

    def show_tab(self) -> None:
        self.table.display = self.tab == "table"
        self.graph_box.display = self.tab == "graph"
        self.explain_box.display = self.tab == "explain"
        box, colours = self.graph_box, colours_of(self.app)
        summary = box.summary() if self.tab == "graph" else ""
        text = tabs_text(self.tab, self.session, box.view, summary, self.size.width, colours)
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
        """Search what was run before."""

        def take(expr: str) -> None:
            self.prompt.put(expr)
            self.prompt.focus()

        ask_history(self, self.history.newest(HISTORY_SHOWN), take)

    def action_split(self) -> None:
        """Choose a label, and have the expression with it in the grouping, or without it."""
        if self.expr:
            work = partial(ask_split, self, self.expr, self._take)
            begin(self, work, group="split", exclusive=True)

    def _take(self, expr: str) -> None:
        """Go on to another expression that was made of this one."""
        self._remember()
        self.prompt.put(expr)
        self.run(expr)

    def action_cancel(self) -> None:
        """Stop the running query; without one ctrl+c is the app's."""
        from textual.actions import SkipAction

        if not self._run.cancel():
            raise SkipAction
        self.prompt_box.tell(cancelled_text(self._run.took_ms, colours_of(self.app)))

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
        self.show_tab()
        self._focus_answer()
        if self.expr:
            self._run.begin()

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
            self._run.begin()

    def on_graph_box_view_changing(self, event: GraphBox.ViewChanging) -> None:
        self.undo_stack.keep(self._look(event.before))
        self.call_after_refresh(self.show_tab)

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
            self.run(look.expr)
        elif compare:
            self._run.begin()
        self.show_tab()

    def action_yank(self) -> None:
        if self.expr:
            from termprom.tui.panes.query_taking import ask_what_to_take

            begin(self, partial(ask_what_to_take, self), group="yank", exclusive=True)

    def shown(self, base_url: str = "") -> Shown:
        """What is on the screen now, to be copied."""
        from termprom.tui.panes.query_taking import shown_by

        return shown_by(self, base_url)
