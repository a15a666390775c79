"""What the panes of lists share: tabs, a detail of the row under the cursor, and plain words.

A pane says in words whether it is loading, empty, failed, or not offered by this server; rows
that were there before stay when a server goes away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from termprom.errors import NotOffered, TermpromError
from termprom.tui.colours import colours_of
from termprom.tui.keymap import bind
from termprom.tui.messages import CopyWanted, OpenPane, QueryRequest
from termprom.tui.panes.pane import Pane
from termprom.tui.session import Session
from termprom.tui.widgets.bar import Bar, Piece
from termprom.tui.widgets.text_box import Row, TextBox
from termprom.tui.widgets.virtual_list import VirtualList

_BESIDE_ROWS_MIN: Final = 15  # a pane of fewer rows shows either the list or the detail


class TabBar(Bar):
    """The names of the tabs, the shown one in brackets."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = names
        self.current = 0

    def left(self) -> Sequence[Piece]:
        colours = colours_of(self.app)
        return [
            Piece(
                f"[{name}]" if index == self.current else f" {name} ",
                colours.bar_chosen if index == self.current else colours.bar_muted,
            )
            for index, name in enumerate(self._names)
        ]


class TabbedPane(Pane):
    """Give `tabs` to the constructor; override `take`, and what the rows mean."""

    DEFAULT_CSS = """
    TabbedPane { layout: vertical; }
    TabbedPane #detail { height: 40%; }
    TabbedPane.-alone #detail { height: 1fr; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("pane.detail", "detail", show=True, title="detail"),
        bind("pane.full", "full"),
        bind("pane.tab", "tab", show=True),
        bind("pane.query", "query", show=True),
        bind("list.problems", "problems", show=True),
        bind("pane.yank", "yank", show=True),
        bind("app.back", "close_detail"),
    ]
    HAS_DETAIL: ClassVar[bool] = True

    def __init__(self, session: Session, tabs: Sequence[tuple[str, Widget]]) -> None:
        super().__init__(session)
        self._tabs = [widget for _, widget in tabs]
        self._bar = TabBar([name for name, _ in tabs])
        self._detail = TextBox(id="detail")
        self._current = 0
        self._wants_detail: bool | None = None  # None: where there is room
        self._only_problems = False
        self._full = False
        self._detail_key: object = None
        for widget in (*self._tabs, self._detail):
            widget.add_class("box")

    def compose(self) -> ComposeResult:
        if len(self._tabs) > 1:
            yield self._bar
        yield from self._tabs
        if self.HAS_DETAIL:
            yield self._detail

    def on_mount(self) -> None:
        self._arrange()

    def on_resize(self) -> None:
        self._arrange()

    # --- What a pane decides ------------------------------------------------------------------

    async def take(self) -> None:
        """Ask the backend and fill the tabs."""
        raise NotImplementedError

    def detail_of(self, row: object, width: int) -> Sequence[Row]:
        """The lines about the row under the cursor."""
        return ()

    def title_of(self, row: object) -> str:
        return ""

    def query_of(self, row: object) -> QueryRequest | None:
        """What `o` opens."""
        return None

    def copy_of(self, row: object) -> tuple[str, str] | None:
        """What `y` copies, and what that is."""
        request = self.query_of(row)
        return None if request is None else (request.expr, "the expression")

    def problem_test(self) -> Callable[[object], bool] | None:
        """Which rows `z` leaves; None where there are no problems in such a list."""
        return None

    # --- State --------------------------------------------------------------------------------

    async def refresh_view(self) -> None:
        try:
            await self.take()
        except NotOffered as problem:
            self.say(f"unavailable: {problem}", "warning")
        except TermpromError as problem:
            self.say(f"no answer: {problem}", "critical")
            self._show_detail(self.row)  # ages go on
            raise

    def say(self, text: str, kind: str = "muted") -> None:
        """Into every tab that has nothing yet."""
        for widget in (*self._tabs, self._detail):
            if isinstance(widget, VirtualList | TextBox):
                widget.say(text, kind)

    @property
    def shown_tab(self) -> Widget:
        return self._tabs[self._current]

    @property
    def row(self) -> object | None:
        """The row under the cursor of the shown tab."""
        shown = self.shown_tab
        return shown.cursor_row if isinstance(shown, VirtualList) else None

    @property
    def detail_shown(self) -> bool:
        if not self.HAS_DETAIL or not isinstance(self.shown_tab, VirtualList):
            return False
        roomy = self.size.height >= _BESIDE_ROWS_MIN
        return roomy if self._wants_detail is None else self._wants_detail

    def _arrange(self) -> None:
        detail = self.detail_shown
        alone = detail and self.size.height < _BESIDE_ROWS_MIN
        if self._full and detail:
            alone = self._detail.has_focus
            detail = alone
        self.set_class(alone, "-alone")
        for index, widget in enumerate(self._tabs):
            widget.display = index == self._current and not alone
        self._detail.display = detail
        self._bar.current = self._current
        self._bar.redraw()
        self.refresh_bindings()

    def focus_default(self) -> None:
        (self._detail if self.has_class("-alone") else self.shown_tab).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something here are offered."""
        match action:
            case "full":
                return self.detail_shown or self._full
            case "detail":
                return self.HAS_DETAIL and isinstance(self.shown_tab, VirtualList)
            case "close_detail":
                return self._wants_detail is True or self._detail.has_focus
            case "tab":
                return len(self._tabs) > 1
            case "problems":
                return self.problem_test() is not None
            case "query":
                return self.row is not None and self.query_of(self.row) is not None
            case "yank":
                return self.row is not None and self.copy_of(self.row) is not None
        return True

    # --- Messages and keys --------------------------------------------------------------------

    def on_virtual_list_moved(self, event: VirtualList.Moved) -> None:
        if event.sender is not self.shown_tab:
            return
        self._show_detail(event.row)
        self.refresh_bindings()

    def _show_detail(self, row: object | None) -> None:
        if row is None:
            if self._detail_key is not None:
                self._detail_key = None
                self._detail.retitle("")
                self._detail.fill(lambda width: ())
            return
        shown = self.shown_tab
        assert isinstance(shown, VirtualList)
        key = shown.order.model.key(row)
        self._detail.retitle(self.title_of(row))
        self._detail.fill(lambda width: self.detail_of(row, width), anew=key != self._detail_key)
        self._detail_key = key

    def on_virtual_list_opened(self, event: VirtualList.Opened) -> None:
        event.stop()
        if self.HAS_DETAIL and event.sender is self.shown_tab:
            self._wants_detail = True
            self._arrange()
            self._show_detail(event.row)
            self._detail.focus()

    def action_detail(self) -> None:
        self._full = False
        self._wants_detail = not self.detail_shown
        self._arrange()
        if self._detail.has_focus or not self._wants_detail:
            self.focus_default()

    def action_full(self) -> None:
        """All of the pane for the box that has the focus, or for both again."""
        self._full = not self._full
        self._arrange()

    def action_close_detail(self) -> None:
        self._full = False
        self._wants_detail = None if self.size.height >= _BESIDE_ROWS_MIN else False
        self._arrange()
        self.shown_tab.focus()

    def action_tab(self) -> None:
        self._current = (self._current + 1) % len(self._tabs)
        self._arrange()
        self.shown_tab.focus()
        self._show_detail(self.row)

    def action_query(self) -> None:
        row = self.row
        request = None if row is None else self.query_of(row)
        if request is not None:
            self.post_message(OpenPane("query", request))

    def action_yank(self) -> None:
        row = self.row
        copied = None if row is None else self.copy_of(row)
        if copied is not None:
            self.post_message(CopyWanted(*copied))

    def action_problems(self) -> None:
        """Hide what is healthy, or show it again."""
        self._only_problems = not self._only_problems
        shown = self._tabs[0]
        if isinstance(shown, VirtualList):
            shown.note = "problems only" if self._only_problems else ""
            shown.set_keep(self.problem_test() if self._only_problems else None)
