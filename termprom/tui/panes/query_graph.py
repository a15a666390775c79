"""The graph tab: a graph, its legend, and the keys that move in them.

It draws what it is given and never asks the backend: what needs another answer (another range,
another comparison) goes up as a message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message

from termprom.tui.cells import inert, width_of
from termprom.tui.glyphs import glyphs
from termprom.tui.keymap import bind
from termprom.tui.panes.query_range_text import panned, zoomed
from termprom.tui.panes.query_series import SORT_KEYS, SeriesSet, drawn
from termprom.tui.panes.query_view import GraphView
from termprom.tui.plot.chart import Chart, Mark, Matrix, Mode, Threshold, edges_of, fit
from termprom.tui.plot.identity import Pen, Pens
from termprom.tui.plot.sparkline import sparkline
from termprom.tui.plot.symbols import ASCII, BRAILLE
from termprom.tui.plot.time_axis import clock_text
from termprom.tui.plot.units import PLAIN, Unit, format_value
from termprom.tui.plot.yaxis import SteadyAxis, YAxis
from termprom.tui.session import Session, TimeRange
from termprom.tui.widgets.graph import Graph
from termprom.tui.widgets.legend import LazyRows, Legend, LegendRow

_SPARK_CELLS: Final = 12
_LEGEND_LIVE_ROWS: Final = 6  # so many may change with every tick
_LEGEND_SECONDS: Final = 4.0
_FAR: Final = 10  # columns that a shifted arrow moves the crosshair


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What the graph shows: an answer, what was asked for, and in which unit it is."""

    series: SeriesSet
    window: tuple[int, int]
    unit: Unit = PLAIN
    compare: SeriesSet | None = None  # its times are already those of `series`
    thresholds: tuple[Threshold, ...] = ()


class GraphBox(Vertical, can_focus=True):
    """Graph above, legend below."""

    DEFAULT_CSS = """
    GraphBox { height: 1fr; }
    GraphBox Legend { height: auto; max-height: 40%; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("graph.left", "crosshair(-1)", show=True),
        bind("graph.right", "crosshair(1)"),
        bind("graph.far_left", f"crosshair(-{_FAR})"),
        bind("graph.far_right", f"crosshair({_FAR})"),
        bind("graph.pan_left", "pan(-0.5)", show=True),
        bind("graph.pan_right", "pan(0.5)"),
        bind("graph.zoom_in", "zoom(0.5)", show=True),
        bind("graph.zoom_out", "zoom(2.0)"),
        bind("graph.select", "select", show=True),
        bind("graph.take", "take"),
        bind("graph.next", "series(1)"),
        bind("graph.previous", "series(-1)"),
        bind("graph.hide", "hide"),
        bind("graph.isolate", "isolate", show=True),
        bind("graph.mode", "mode", show=True),
        bind("graph.axis", "axis", show=True),
        bind("graph.compare", "compare", show=True),
        bind("graph.marks", "marks"),
        bind("graph.sort", "sort", show=True),
        bind("graph.expand", "expand"),
    ]

    @dataclass
    class ViewChanging(Message):
        """The operator's choices are about to be others; `before` is what undo brings back."""

        before: GraphView

    @dataclass
    class RangeWanted(Message):
        """Another range is wanted."""

        range: TimeRange

    @dataclass
    class CompareWanted(Message):
        """The comparison changed; it needs an answer of its own."""

    @dataclass
    class MarksWanted(Message):
        """Other marks are to be below the axis."""

    @dataclass
    class TableWanted(Message):
        """After the last way to draw comes the table."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.session = session
        self.view = GraphView()
        self.crosshair_ms: int | None = None
        self.selected_from_ms: int | None = None
        self._highlight: int | None = None  # position in the answer's series
        self._answer: Answer | None = None
        self._pens = Pens()
        self._steady = SteadyAxis()
        self._order: list[int] = []
        self._lines: list[int] = []
        self._band: Matrix | None = None
        self._picked_from: SeriesSet | None = None
        self._picked_by: tuple[object, ...] = ()
        self._legend_due = 0.0
        self._marks: tuple[Mark, ...] = ()

    def compose(self) -> ComposeResult:
        yield Graph(ASCII if self.session.ascii else BRAILLE)
        yield Legend(ascii_only=self.session.ascii)

    @property
    def graph(self) -> Graph:
        return self.query_one(Graph)

    @property
    def answer(self) -> Answer | None:
        return self._answer

    def show(self, answer: Answer, *, steady: bool) -> None:
        """Draw this answer; `steady`: the same query goes on, so the axis must not jump."""
        if not steady:
            self._steady.forget()
            self._highlight = None
            self.view = replace(self.view, hidden=frozenset(), isolated=None)
        elif self._answer is not None:
            self._follow(self._answer.series, answer.series)
        self._answer = answer
        self.redraw(ticking=steady)

    def mark(self, marks: Sequence[Mark]) -> None:
        """What happened meanwhile, below the axis."""
        if tuple(marks) != self._marks:
            self._marks = tuple(marks)
            self.redraw()

    def _follow(self, before: SeriesSet, after: SeriesSet) -> None:
        """Choices stick to label sets, not to positions."""
        if before.labels == after.labels:
            return
        places = {labels: number for number, labels in enumerate(after.labels)}

        def moved(number: int | None) -> int | None:
            return None if number is None else places.get(before.labels[number])

        hidden = {moved(number) for number in self.view.hidden}
        self.view = replace(
            self.view,
            hidden=frozenset(number for number in hidden if number is not None),
            isolated=moved(self.view.isolated),
        )
        self._highlight = moved(self._highlight)

    # --- Drawing ------------------------------------------------------------------------------

    def redraw(self, *, ticking: bool = False) -> None:
        """Chart and legend from the answer and the choices of now.

        `ticking`: only time went on. Then the figures of many series are brought up to date every
        few seconds: each of them costs more on the wire than all new points together.
        """
        answer = self._answer
        if answer is None:
            return
        view, series = self.view, answer.series
        lines = self._pick(series, view)
        pens = self._pens.assign([series.labels[number] for number in lines])
        by_number = dict(zip(lines, pens, strict=True))
        chart = self._chart(answer, lines, tuple(pens))
        self.graph.show(chart)
        now = self.session.clock.monotonic()
        many = len(self._order) > _LEGEND_LIVE_ROWS
        if not (ticking and many and now < self._legend_due):
            self._legend_due = now + _LEGEND_SECONDS
            self._show_legend(answer, by_number)

    def _pick(self, series: SeriesSet, view: GraphView) -> list[int]:
        """The series that get a line; their order and the band of the others are kept for the next
        key: of 100,000 series both take longer than a key may.
        """
        key = (view.sort, view.descending, view.hidden, view.isolated, view.all_lines)
        if self._picked_from is not series or key != self._picked_by:
            self._picked_from, self._picked_by = series, key
            self._order = series.order(view.sort, descending=view.descending)
            self._lines, rest = drawn(
                self._order, view.hidden, view.isolated, all_of_them=view.all_lines
            )
            self._band = edges_of(series.matrix.rows(rest)) if rest else None
        return self._lines

    def _chart(self, answer: Answer, lines: list[int], pens: tuple[Pen, ...]) -> Chart:
        view = self.view
        matrix = answer.series.matrix.rows(lines)
        band = self._band
        compare = _matching(answer, lines) if answer.compare is not None else None
        others = [one for one in (band, compare) if one is not None]
        wanted = fit(
            [matrix, *others],
            answer.window,
            YAxis(kind=view.scale, unit=answer.unit),
            thresholds=answer.thresholds,
            zero_based=view.zero_based or view.mode is Mode.BARS,
            stacked=view.mode is Mode.STACKED,
        )
        selection = None
        if self.selected_from_ms is not None and self.crosshair_ms is not None:
            selection = (self.selected_from_ms, self.crosshair_ms)
        return Chart(
            lines=matrix,
            pens=pens,
            window=answer.window,
            axis=self._steady.follow(wanted),
            mode=view.mode,
            highlight=lines.index(self._highlight) if self._highlight in lines else None,
            rest=band,
            compare=compare,
            thresholds=answer.thresholds,
            marks=self._marks,
            crosshair_ms=self.crosshair_ms,
            selection=selection,
            now_ms=self.session.now_ms(),
            zone=self.session.zone,
        )

    def _show_legend(self, answer: Answer, pens: dict[int, Pen]) -> None:
        series, unit = answer.series, answer.unit
        wide = self.size.width >= 100
        headings = ["LAST", "MIN", "MAX", "AVG"]
        columns = [series.last, series.low, series.high, series.mean]
        if self.crosshair_ms is not None:
            at = "AT" if not wide else f"AT {clock_text(self.crosshair_ms, self.session.zone)}"
            headings.append(at)
            columns.append(series.at(self.crosshair_ms))

        def row_of(number: int) -> LegendRow:
            figures = tuple(
                "-" if np.isnan(column[number]) else format_value(float(column[number]), unit)
                for column in columns
            )
            spark = ""
            if wide:
                spark = sparkline(
                    series.matrix.values[number],
                    series.matrix.present[number],
                    _SPARK_CELLS,
                    ascii_only=self.session.ascii,
                )
            return LegendRow(
                number,
                series.name(number),
                pens.get(number),
                figures,
                spark,
                _gap_note(series.matrix, number, self.session),
                number in self.view.hidden,
            )

        rows = LazyRows(self._order, row_of)
        legend = self.query_one(Legend)
        legend.styles.max_height = "70%" if self.view.all_lines else "40%"
        legend.styles.height = max(len(rows), 1) + (1 if wide else 0)
        cursor = None
        if self._highlight is not None and self._highlight in self._order:
            cursor = self._order.index(self._highlight)
        legend.show(rows, tuple(headings), cursor, inline=not wide)

    def on_resize(self) -> None:
        self.redraw()

    def summary(self) -> str:
        """One line for the tab bar: how many series, what they share, how they are sorted."""
        if self._answer is None:
            return ""
        series, view = self._answer.series, self.view
        shown = f"{len(self._pick(series, view))} of {len(series.labels)} series"
        common = f"  common {inert(str(series.common))}" if series.common else ""
        signs = glyphs(self.session.ascii)
        way = signs.sort_down if view.descending else signs.sort_up
        return f"{shown}  sort: {view.sort}{way}{common}"

    # --- Keys ---------------------------------------------------------------------------------

    def _change(self, view: GraphView) -> None:
        self.post_message(self.ViewChanging(self.view))
        if (view.scale, view.zero_based, view.mode) != (
            self.view.scale,
            self.view.zero_based,
            self.view.mode,
        ):
            self._steady.forget()
        self.view = view
        self.redraw()

    def action_crosshair(self, columns: int) -> None:
        answer = self._answer
        if answer is None:
            return
        start, end = answer.window
        cell = max((end - start) // max(self.graph.canvas_columns, 1), 1)
        at = self.crosshair_ms
        if at is None:
            times = answer.series.matrix.times_ms
            at = int(times[-1]) if times.size else end
        else:
            at += columns * cell
        self.crosshair_ms = min(max(at, start), end - 1)
        self.redraw()

    def action_pan(self, windows: float) -> None:
        wanted = panned(self.session.range, windows, self.session.now_ms())
        self.post_message(self.RangeWanted(wanted))

    def action_zoom(self, factor: float) -> None:
        wanted = zoomed(self.session.range, factor, self.crosshair_ms, self.session.now_ms())
        self.post_message(self.RangeWanted(wanted))

    def action_select(self) -> None:
        if self.selected_from_ms is not None:
            self.action_take()
            return
        if self.crosshair_ms is None:
            self.action_crosshair(0)
        self.selected_from_ms = self.crosshair_ms
        self.redraw()

    def action_take(self) -> None:
        """Zoom to the selection."""
        if self.selected_from_ms is None or self.crosshair_ms is None:
            return
        start, end = sorted((self.selected_from_ms, self.crosshair_ms))
        self.selected_from_ms = None
        if end > start:
            self.post_message(self.RangeWanted(TimeRange(end - start, end)))
        else:
            self.redraw()

    def drop(self) -> bool:
        """Escape: the selection goes, then the crosshair; whether there was something to drop."""
        if self.selected_from_ms is not None:
            self.selected_from_ms = None
        elif self.crosshair_ms is not None or self._highlight is not None:
            self.crosshair_ms = self._highlight = None
        else:
            return False
        self.redraw()
        return True

    def action_series(self, rows: int) -> None:
        if not self._order:
            return
        if self._highlight in self._order:
            place = self._order.index(self._highlight) + rows
        else:
            place = 0 if rows > 0 else len(self._order) - 1
        self._highlight = self._order[min(max(place, 0), len(self._order) - 1)]
        self.redraw()

    def _on_chosen_series(self, change: Callable[[int], GraphView]) -> None:
        if self._highlight is None:
            self.action_series(1)
        if self._highlight is not None:
            self._change(change(self._highlight))

    def action_hide(self) -> None:
        self._on_chosen_series(self.view.toggled)

    def action_isolate(self) -> None:
        if self.view.isolated is not None:
            self._change(replace(self.view, isolated=None))
        else:
            self._on_chosen_series(self.view.alone)

    def action_mode(self) -> None:
        following = self.view.next_mode()
        if following is None:
            self._change(replace(self.view, mode=Mode.LINES))
            self.post_message(self.TableWanted())
        else:
            self._change(following)

    def action_axis(self) -> None:
        self._change(self.view.next_axis())

    def action_compare(self) -> None:
        self._change(self.view.next_comparison())
        self.post_message(self.CompareWanted())

    def action_marks(self) -> None:
        self._change(self.view.next_marks())
        self.post_message(self.MarksWanted())

    def action_expand(self) -> None:
        self._change(replace(self.view, all_lines=not self.view.all_lines))

    def action_sort(self) -> None:
        from termprom.tui.screens.chooser import Chooser

        def chosen(key: str | None) -> None:
            if key is not None:
                self._change(self.view.sorted_by(key))

        names = {key: key for key in SORT_KEYS}
        self.app.push_screen(Chooser("sort series by", names, self.view.sort), chosen)

    # --- Mouse --------------------------------------------------------------------------------

    def on_graph_pointed(self, event: Graph.Pointed) -> None:
        self.focus()
        self.crosshair_ms = event.at_ms
        self.redraw()

    def on_graph_dragged(self, event: Graph.Dragged) -> None:
        self.selected_from_ms, self.crosshair_ms = event.start_ms, event.end_ms
        if event.done:
            self.action_take()
        else:
            self.redraw()

    def on_graph_wheeled(self, event: Graph.Wheeled) -> None:
        factor = 0.5 if event.closer else 2.0
        now = self.session.now_ms()
        wanted = zoomed(self.session.range, factor, event.at_ms, now)
        self.post_message(self.RangeWanted(wanted))

    def on_legend_picked(self, event: Legend.Picked) -> None:
        self._highlight = event.key
        self.redraw()


def _matching(answer: Answer, lines: list[int]) -> Matrix:
    """The comparison's rows of the same label sets; a series without one is absent all over."""
    compare = answer.compare
    assert compare is not None
    places = {labels: number for number, labels in enumerate(compare.labels)}
    steps = compare.matrix.times_ms.size
    values = np.zeros((len(lines), steps))
    present = np.zeros((len(lines), steps), dtype=np.bool_)
    for row, number in enumerate(lines):
        place = places.get(answer.series.labels[number])
        if place is not None:
            values[row] = compare.matrix.values[place]
            present[row] = compare.matrix.present[place]
    return Matrix(compare.matrix.times_ms, compare.matrix.step_ms, values, present)


def _gap_note(matrix: Matrix, number: int, session: Session) -> str:
    """`gap 11:38 to 11:41` of the latest hole inside a series, `ends 11:52` where it stopped."""
    seen = np.flatnonzero(matrix.present[number])
    if seen.size == 0:
        return ""
    zone = session.zone
    holes = np.flatnonzero(np.diff(seen) > 1)
    times = matrix.times_ms
    if seen[-1] < times.size - 2:
        return f"ends {clock_text(int(times[seen[-1]]), zone)[:5]}"
    if holes.size:
        first, last = seen[holes[-1]], seen[holes[-1] + 1]
        start, end = clock_text(int(times[first]), zone), clock_text(int(times[last]), zone)
        return f"gap {start[:5]} to {end[:5]}"
    return ""


def threshold_labels(given: tuple[tuple[float, str], ...]) -> tuple[Threshold, ...]:
    """Thresholds with labels that are safe to draw: inert, and every character one cell wide."""
    return tuple(
        Threshold(value, "".join(c if width_of(c) == 1 else "?" for c in inert(label)))
        for value, label in given
    )
