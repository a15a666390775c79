"""A graph on the screen: draws a Chart, redraws only the rows that changed, tells where it is hit.

All that a graph shows is in the Chart; this widget only knows how big it is and how to paint.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from termprom.tui.colours import Colours, colours_of
from termprom.tui.plot.cells import Cells
from termprom.tui.plot.chart import Chart
from termprom.tui.plot.picture import Frame, draw, lay_out
from termprom.tui.plot.symbols import BRAILLE, Symbols
from termprom.tui.widgets.graph_inks import InkStyles


class Graph(Widget):
    """Shows one chart; empty until `show`."""

    DEFAULT_CSS = """
    Graph { height: 1fr; width: 1fr; }
    """

    @dataclass
    class Pointed(Message):
        """A click at this moment of the window."""

        at_ms: int

    @dataclass
    class Dragged(Message):
        """A span was drawn with the mouse; `done` when the button was let go."""

        start_ms: int
        end_ms: int
        done: bool

    @dataclass
    class Wheeled(Message):
        """The wheel turned over a moment; `closer` is towards it."""

        at_ms: int
        closer: bool

    def __init__(self, symbols: Symbols = BRAILLE, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.symbols = symbols
        self._chart: Chart | None = None
        self._cells: Cells | None = None
        self._strips: list[Strip | None] = []
        self._styles: InkStyles | None = None
        self._colours: Colours | None = None
        self._pressed_ms: int | None = None

    def __repr__(self) -> str:
        return f"Graph({self._cells!r})"

    @property
    def chart(self) -> Chart | None:
        return self._chart

    @property
    def picture(self) -> Cells | None:
        """What is painted now."""
        return self._cells

    @property
    def canvas_columns(self) -> int:
        """How many cells the data has; what the step of a query follows from."""
        frame = self._frame()
        return frame.columns if frame is not None else max(self.size.width - 10, 10)

    def show(self, chart: Chart | None) -> None:
        """Paint this chart from now on."""
        self._chart = chart
        self._paint()

    def _frame(self) -> Frame | None:
        if self._chart is None:
            return None
        return lay_out(self._chart, self.size.width, self.size.height)

    def _paint(self) -> None:
        width, height = self.size.width, self.size.height
        before = self._cells
        if self._chart is None:
            cells = Cells(height, width)
        else:
            cells = draw(self._chart, width, height, self.symbols)
        self._cells = cells
        changed = cells.changed_rows(before)
        if changed.size == height:
            self._strips = [None] * height
            self.refresh()
            return
        for y in changed.tolist():
            self._strips[y] = None
            self.refresh(Region(0, y, width, 1))

    def on_resize(self) -> None:
        self._paint()

    def render_line(self, y: int) -> Strip:
        colours = colours_of(self.app)
        if colours is not self._colours or self._styles is None:
            self._colours, self._styles = colours, InkStyles(colours)
            self._strips = [None] * len(self._strips)
        if self._cells is None or y >= len(self._strips):
            return Strip.blank(self.size.width)
        strip = self._strips[y]
        if strip is None:
            styles = self._styles
            segments = [Segment(text, styles[ink]) for text, ink in self._cells.row(y)]
            strip = self._strips[y] = Strip(segments, self._cells.width)
        return strip

    # --- Mouse --------------------------------------------------------------------------------

    def _moment(self, event: events.MouseEvent) -> int | None:
        frame = self._frame()
        if frame is None or self._chart is None:
            return None
        column = event.x - self.gutter.left - frame.left
        return frame.time_of(min(max(column, 0), frame.columns - 1), self._chart.window)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        at = self._moment(event)
        if at is not None and event.button == 1:
            self._pressed_ms = at
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        at = self._moment(event)
        if self._pressed_ms is not None and at is not None and at != self._pressed_ms:
            self.post_message(self.Dragged(self._pressed_ms, at, False))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        pressed, self._pressed_ms = self._pressed_ms, None
        self.release_mouse()
        at = self._moment(event)
        if pressed is None or at is None:
            return
        if at == pressed:
            self.post_message(self.Pointed(at))
        else:
            self.post_message(self.Dragged(pressed, at, True))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, closer=True)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, closer=False)

    def _wheel(self, event: events.MouseEvent, *, closer: bool) -> None:
        at = self._moment(event)
        if at is not None:
            event.stop()
            self.post_message(self.Wheeled(at, closer))
