"""The one list of the screen: header, rows by identity, filter, sort, groups; for 100,000 rows too.

It draws the visible lines only, and a movement of the cursor redraws two of them. What is shown and
in which order is `row_order`'s business, how a line becomes cells that of `list_lines`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, TypeVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from termprom.tui.cells import inert, wrap
from termprom.tui.colours import Colours, colours_of
from termprom.tui.filters import parse_filter, parse_words
from termprom.tui.glyphs import Glyphs, glyphs
from termprom.tui.keymap import bind
from termprom.tui.widgets.column_window import ColumnWindow
from termprom.tui.widgets.columns import RowModel
from termprom.tui.widgets.line_editor import LineEditor
from termprom.tui.widgets.list_lines import (
    filter_strip,
    group_strip,
    header_strip,
    one_text,
    place_text,
    row_strip,
    title_text,
)
from termprom.tui.widgets.row_order import GroupLine, Line, RowOrder

R = TypeVar("R")

_WHEEL_LINES: Final = 3


class VirtualList(Widget, Generic[R], can_focus=True):
    """Rows of one kind. Put them in with `set_rows`, hear of the cursor through messages."""

    DEFAULT_CSS = """
    VirtualList { height: 1fr; width: 1fr; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("list.open", "open", show=True),
        bind("list.filter", "filter", show=True),
        bind("list.sort", "sort", show=True),
        bind("list.mark", "fold"),
        bind("list.wide", "widen"),
        bind("move.down", "move(1)"),
        bind("move.up", "move(-1)"),
        bind("move.left", "shift(-1)"),
        bind("move.right", "shift(1)"),
        bind("move.top", "jump(0)"),
        bind("move.bottom", "jump(-1)"),
        bind("move.half_down", "page(0.5)"),
        bind("move.half_up", "page(-0.5)"),
        bind("move.page_down", "page(1)"),
        bind("move.page_up", "page(-1)"),
    ]

    @dataclass
    class Opened(Message):
        """Enter on a row."""

        sender: VirtualList[object]
        row: object

        @property
        def control(self) -> VirtualList[object]:
            return self.sender

    @dataclass
    class Moved(Message):
        """The cursor is on another row, or on a newer picture of the same; None: on no row."""

        sender: VirtualList[object]
        row: object | None

        @property
        def control(self) -> VirtualList[object]:
            return self.sender

    @dataclass
    class NotFound(Message):
        """Enter on a filter, typed in an `instant` list, that no row passes."""

        typed: str

    @dataclass
    class Abandoned(Message):
        """Esc while an `instant` list's filter was typed."""

    def __init__(
        self,
        model: RowModel[R],
        *,
        title: str = "",
        ascii_only: bool = False,
        header: bool = True,
        empty: str = "nothing here",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.order = RowOrder(model)
        self.title = title
        self.note = ""  # what the title says after the count
        self.empty = empty
        self._header = header
        self._ascii = ascii_only
        self._glyphs: Glyphs = glyphs(ascii_only)
        self._message: tuple[str, str] | None = ("loading", "muted")
        self._top = 0
        self._cursor = 0
        self._line: Line | None = None  # the identity under the cursor
        self._columns: ColumnWindow[R] = ColumnWindow()
        self._editor: LineEditor | None = None
        self._filter_text = ""
        self.words_only = False  # the filter is words, and none of the filter language's signs
        self.instant = False  # enter in the filter opens the row under the cursor at once

    def __repr__(self) -> str:
        return f"VirtualList({self.id}, {self.order!r}, cursor {self._cursor})"

    # --- Contents -----------------------------------------------------------------------------

    def set_rows(self, rows: Sequence[R]) -> None:
        """Show these rows; the cursor stays on the row that it is on, and so does its place."""
        held = self.has_focus and self._cursor > 0
        self._message = None
        self.order.put(rows, hold=held)
        self._after_change(keep_place=held)

    def say(self, text: str, kind: str = "muted") -> None:
        """Why there are no rows: `kind` is muted, warning or critical. Rows that are there stay."""
        if not self.order.total:
            self._message = (text, kind)
            self.refresh()

    def set_keep(self, keep: Callable[[R], bool] | None) -> None:
        """Show only the rows of which `keep` holds (beside the operator's own filter)."""
        self.order.keep = keep
        self.apply_pending()

    def set_group(self, group: Callable[[R], str] | None) -> None:
        self.order.group = group
        self.apply_pending()

    def set_sort(self, column_id: str, *, descending: bool = False) -> None:
        self.order.sort_id, self.order.descending = column_id, descending
        self.apply_pending()

    def set_filter(self, typed: str) -> None:
        """Filter as if `typed` had been typed behind the slash."""
        self._filter_text = typed
        self.order.filter = parse_words(typed) if self.words_only else parse_filter(typed)
        self._top = 0
        self.apply_pending()

    def apply_pending(self) -> None:
        """Let held changes happen."""
        self.order.apply()
        self._after_change(keep_place=False)

    @property
    def filter_text(self) -> str:
        return self._filter_text

    @property
    def pending(self) -> int:
        return self.order.pending

    @property
    def at_end(self) -> bool:
        """Whether the cursor is on the last line (or there is none)."""
        return self._cursor >= len(self.order.lines) - 1

    @property
    def cursor_row(self) -> R | None:
        lines = self.order.lines
        return self.order.row(lines[self._cursor]) if self._cursor < len(lines) else None

    def rows_of_heading(self) -> Sequence[R]:
        """The rows under the heading that the cursor is on, folded or not; none elsewhere."""
        return self.order.members(self._line) if isinstance(self._line, GroupLine) else ()

    def select_key(self, key: Hashable) -> bool:
        """Put the cursor on the row with this identity; whether it is there."""
        index = self.order.index_of(key, -1)
        if not self.order.lines or self.order.lines[index] != key:
            return False
        self._go(index)
        return True

    def _after_change(self, *, keep_place: bool) -> None:
        before = self._cursor
        # On the first row the cursor stays on top, so that what is worst now is what is seen.
        if self._cursor or keep_place:
            self._cursor = self.order.index_of(self._line, self._cursor)
        if not keep_place:
            self._top += self._cursor - before
        self._columns.forget()
        self._settle()
        self._label()
        self.refresh()
        self._tell()

    def _tell(self) -> None:
        lines = self.order.lines
        self._line = lines[self._cursor] if self._cursor < len(lines) else None
        self.post_message(self.Moved(self, self.cursor_row))  # type: ignore[arg-type]  # R is erased

    # --- The frame ----------------------------------------------------------------------------

    def _label(self) -> None:
        """What stands in the border: title, counts, place, held changes."""
        self.border_title = title_text(self.order, self.title, self.note)
        self.border_subtitle = place_text(self.order, self._top, self._body_height, self._glyphs)

    @property
    def _head_lines(self) -> int:
        return (1 if self._header else 0) + (1 if self._filter_shown else 0)

    @property
    def _filter_shown(self) -> bool:
        return self._editor is not None or bool(self._filter_text)

    @property
    def _body_height(self) -> int:
        return max(self.size.height - self._head_lines, 0)

    def _settle(self) -> None:
        """The cursor inside the lines, and the window around the cursor."""
        last = max(len(self.order.lines) - 1, 0)
        self._cursor = max(min(self._cursor, last), 0)
        height = max(self._body_height, 1)
        self._top = max(min(self._top, self._cursor, max(len(self.order.lines) - height, 0)), 0)
        self._top = max(self._top, self._cursor - height + 1)

    def on_resize(self) -> None:
        self._columns.forget()
        self._settle()
        self._label()

    # --- Drawing ------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        colours = colours_of(self.app)
        if self._filter_shown:
            if y == 0:
                return filter_strip(self.order, self._filter_text, self._editor, width, colours)
            y -= 1
        if self._message is not None and not self.order.total:
            text, kind = self._message
            lines = self._wrapped(text, width)
            shown = lines[y] if y < len(lines) else ""
            return one_text(shown, getattr(colours, kind), width)
        if self._header:
            if y == 0:
                layout = self._columns.layout(self.order, self._top, width)
                signs, ascii_only = self._glyphs, self._ascii
                return header_strip(
                    self.order, layout, width, colours, signs, ascii_only=ascii_only
                )
            y -= 1
        index = self._top + y
        if index >= len(self.order.lines):
            why = self._why_empty() if y == 0 and not self.order.lines else ""
            return one_text(f" {why}" if why else "", colours.muted, width)
        return self._body_line(index, width, colours)

    @staticmethod
    def _wrapped(text: str, width: int) -> list[str]:
        return [f" {line}" for line in wrap(inert(text), max(width - 2, 8))]

    def _why_empty(self) -> str:
        if self.order.total and self._filter_text:
            return f"none of {self.order.total} passes the filter (esc clears it)"
        if self.order.total and self.order.keep is not None:
            return f"none of {self.order.total} is a problem (z shows all)"
        return self.empty

    def _body_line(self, index: int, width: int, colours: Colours) -> Strip:
        line = self.order.lines[index]
        here = index == self._cursor
        over = (colours.cursor if self.has_focus else colours.cursor_blurred) if here else None
        if isinstance(line, GroupLine):
            return group_strip(line, over, width, colours, self._glyphs, ascii_only=self._ascii)
        row = self.order.row(line)
        if row is None:
            return Strip.blank(width)
        layout = self._columns.layout(self.order, self._top, width)
        mark = self._glyphs.cursor if here and self.has_focus else " "
        gone, ascii_only = self.order.is_gone(line), self._ascii
        return row_strip(row, layout, mark, over, width, colours, gone=gone, ascii_only=ascii_only)

    def _refresh_lines(self, *indexes: int) -> None:
        first = self._head_lines - self._top
        for index in indexes:
            # Regions are of the content: Textual itself adds the border.
            self.refresh(Region(0, first + index, self.size.width, 1))

    # --- Keys ---------------------------------------------------------------------------------

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """While the filter is typed, letters are text and no commands."""
        return self._editor is not None and character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        editor = self._editor
        if editor is None:
            if event.key == "escape" and self._filter_text:
                event.stop()
                event.prevent_default()
                self.set_filter("")
            return
        if event.key == "enter":
            self._end_typing()
        elif event.key == "escape":
            self._editor = None
            self.set_filter("")
            if self.instant:
                self.post_message(self.Abandoned())
        elif event.key in ("down", "up"):
            self._go(self._cursor + (1 if event.key == "down" else -1))
        elif editor.press(event.key, event.character):
            self.set_filter(editor.text)
        else:
            return
        event.stop()
        event.prevent_default()
        self._settle()
        self._label()
        self.refresh()

    def _end_typing(self) -> None:
        self._editor = None
        if not self.instant:
            return
        if self.cursor_row is not None:
            self.action_open()
        else:
            self.post_message(self.NotFound(self._filter_text))

    def on_paste(self, event: events.Paste) -> None:
        if self._editor is not None:
            event.stop()
            self._editor.insert(event.text)
            self.set_filter(self._editor.text)

    def on_focus(self) -> None:
        self._label()
        self.refresh()

    def on_blur(self) -> None:
        self._editor = None
        if self.order.pending:
            self.apply_pending()
        self.refresh()

    def action_filter(self) -> None:
        self._editor = LineEditor(self._filter_text)
        self._settle()
        self.refresh()

    def action_move(self, lines: int) -> None:
        self._go(self._cursor + lines)

    def action_jump(self, index: int) -> None:
        self._go(index if index >= 0 else len(self.order.lines) - 1)

    def action_page(self, pages: float) -> None:
        self._go(self._cursor + int(max(self._body_height, 1) * pages))

    def action_shift(self, columns: int) -> None:
        """Scroll sideways; the first column stays."""
        self._columns.shift(columns)
        self.refresh()

    def action_widen(self) -> None:
        """All columns, also those that do not fit: h and l scroll then."""
        self._columns.widen()
        self.refresh()

    def action_fold(self) -> None:
        line = self._line
        if isinstance(line, GroupLine):
            self.order.toggle_fold(line.name)
            self._after_change(keep_place=False)

    def action_open(self) -> None:
        if isinstance(self._line, GroupLine):
            self.action_fold()
        elif (row := self.cursor_row) is not None:
            self.post_message(self.Opened(self, row))  # type: ignore[arg-type]  # R is erased

    def action_sort(self) -> None:
        from termprom.tui.screens.chooser import Chooser

        columns = [column for column in self.order.model.columns if column.title]
        names: Mapping[str, str] = {"": "as it comes"} | {one.id: one.title for one in columns}

        def chosen(column_id: str | None) -> None:
            if column_id is None:
                return
            column = self.order.model.column(column_id)
            again = column_id == self.order.sort_id
            first = column.sort_descending if column is not None else False
            self.set_sort(column_id, descending=not self.order.descending if again else first)

        self.app.push_screen(Chooser("sort by", names, self.order.sort_id), chosen)

    def _go(self, index: int) -> None:
        before, top = self._cursor, self._top
        self._cursor = index
        self._settle()
        if self._top != top:
            self.refresh()
            self._label()
        elif self._cursor != before:
            self._refresh_lines(before, self._cursor)
        if self._cursor != before:
            if self._cursor == 0 and self.order.pending:
                self.apply_pending()
            self._tell()

    # --- Mouse --------------------------------------------------------------------------------

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._go(self._cursor + _WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._go(self._cursor - _WHEEL_LINES)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = self._top + offset.y - self._head_lines
        if 0 <= index < len(self.order.lines):
            again = index == self._cursor
            self._go(index)
            if again and event.chain > 1:
                self.action_open()
