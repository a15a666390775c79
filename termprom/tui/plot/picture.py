"""A chart as characters: axes, lines, letters at their ends, thresholds, crosshair, marks.

5.0 %┤        ⢀⡀ a      gutter: labels and ┤      canvas: dots      letters at the lines' ends
     │╌╌╌╌╌╌╌╌╌╌╌╌╌    thresholds lie where no data is
0.0 %┤
     └────┬─────┬──     axis with its ticks
        11:10 11:20
       ▾restart         lane of marks, when there is room
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from termprom.model.values import Ints
from termprom.tui.plot.canvas import Raster, Runs, grounded, line_runs, paint, point_runs
from termprom.tui.plot.cells import Cells, Ink
from termprom.tui.plot.chart import Chart, Mark, Matrix, Mode
from termprom.tui.plot.symbols import ASCII, BRAILLE, Symbols
from termprom.tui.plot.time_axis import ago_text, clock_text, time_ticks

_MARK_CELLS_MIN: Final = 5  # less of a text than this says nothing
_LANE_FROM_ROWS: Final = 9  # below, the lane of marks costs too much
_ROWS_PER_TICK: Final = 2.5


@dataclass(frozen=True, slots=True)
class Frame:
    """Where things are: the canvas [top, top + rows) x [left, left + columns)."""

    left: int
    columns: int
    rows: int
    labels: tuple[str, ...] = ()
    tick_rows: tuple[int, ...] = ()
    lane: bool = False

    def column_of(self, at_ms: int, window: tuple[int, int]) -> int:
        """The canvas column of a moment; may lie outside."""
        start, end = window
        return (at_ms - start) * self.columns // max(end - start, 1)

    def time_of(self, column: int, window: tuple[int, int]) -> int:
        """The moment in the middle of a canvas column."""
        start, end = window
        return start + (2 * column + 1) * (end - start) // max(2 * self.columns, 1)


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters of the frame."""

    tick: str
    wall: str
    corner: str
    floor: str
    floor_tick: str
    threshold: str
    band: str


_LINES: Final = Glyphs("┤", "│", "└", "─", "┬", "╌", "░")
_ASCII: Final = Glyphs("+", "|", "+", "-", "+", "-", ",")


def glyphs_for(symbols: Symbols) -> Glyphs:
    return _ASCII if symbols is ASCII else _LINES


def lay_out(chart: Chart, width: int, height: int) -> Frame:
    """Where the parts of `chart` go on width x height cells."""
    lane = height >= _LANE_FROM_ROWS
    rows = max(height - (3 if lane else 2), 1)
    if chart.mode is Mode.STATES:
        labels = tuple(name[: max(width // 3, 1)] for name in chart.names[:rows])
        gutter = max((len(label) for label in labels), default=0) + 2
        return Frame(gutter, max(width - gutter - 1, 1), rows, labels, tuple(range(rows)), lane)
    values, texts = chart.axis.ticks(max(int(rows / _ROWS_PER_TICK), 1))
    places = chart.axis.place(np.array(values, dtype=np.float64))
    found: dict[int, str] = {}
    for place, text in zip(places.tolist(), texts, strict=True):
        if 0 <= place <= 1:
            found.setdefault(rows - 1 - round(place * (rows - 1)), text)
    gutter = max((len(text) for text in found.values()), default=0) + 2
    return Frame(
        gutter,
        max(width - gutter - 2, 1),
        rows,
        tuple(found.values()),
        tuple(found.keys()),
        lane,
    )


def draw(chart: Chart, width: int, height: int, symbols: Symbols = BRAILLE) -> Cells:
    """The whole picture, width x height cells."""
    cells = Cells(height, width)
    if width < 12 or height < 4:
        return cells
    frame = lay_out(chart, width, height)
    _draw_axes(cells, chart, frame, symbols)
    _draw_data(cells, chart, frame, symbols)
    _draw_over(cells, chart, frame, symbols)
    _draw_selection(cells, chart, frame)
    return cells


# --- The data ---------------------------------------------------------------------------------


def _draw_data(cells: Cells, chart: Chart, frame: Frame, symbols: Symbols) -> None:
    if chart.rest is not None:
        _draw_band(cells, chart, frame, symbols)
    if chart.compare is not None:
        runs = _runs(chart.compare, chart, frame, symbols)
        raster = _paint(runs, (2,) * chart.compare.count, None, frame, symbols)
        _lay(cells, raster, chart, frame, symbols, Ink.SERIES_DIM)
    runs = _runs(chart.lines, chart, frame, symbols)
    dashes = tuple(pen.dash for pen in chart.pens)
    raster = _paint(runs, dashes, chart.highlight, frame, symbols)
    _lay(cells, raster, chart, frame, symbols, Ink.SERIES)
    _draw_letters(cells, chart, frame, runs, symbols)


def _runs(matrix: Matrix, chart: Chart, frame: Frame, symbols: Symbols) -> Runs:
    width, height = frame.columns * symbols.wide, frame.rows * symbols.tall
    values = matrix.values
    present = matrix.present
    if chart.mode is Mode.STACKED:
        values = np.cumsum(np.where(present & np.isfinite(values), values, 0.0), axis=0)
    places = chart.axis.place(values)
    if chart.mode in (Mode.POINTS, Mode.BARS):
        runs = point_runs(
            matrix.times_ms, places, present, window=chart.window, width=width, height=height
        )
    else:
        runs = line_runs(
            matrix.times_ms,
            places,
            present,
            step_ms=matrix.step_ms,
            window=chart.window,
            width=width,
            height=height,
        )
    if chart.mode is Mode.BARS:
        zero = float(chart.axis.place(np.array([0.0]))[0])
        zero = 0.0 if np.isnan(zero) else min(max(zero, 0.0), 1.0)
        return grounded(runs, round((1 - zero) * (height - 1)))
    return runs


def _paint(
    runs: Runs, dashes: tuple[int, ...], highlight: int | None, frame: Frame, symbols: Symbols
) -> Raster:
    # The first of the legend lies on top, the highlighted one above all.
    order = list(range(runs.top.shape[0] - 1, -1, -1))
    if highlight is not None and highlight in order:
        order.remove(highlight)
        order.append(highlight)
    return paint(
        runs,
        dashes=dashes,
        order=tuple(order),
        symbols=symbols,
        rows=frame.rows,
        columns=frame.columns,
    )


def _lay(
    cells: Cells, raster: Raster, chart: Chart, frame: Frame, symbols: Symbols, base: int
) -> None:
    colours = np.array([pen.colour for pen in chart.pens] or [0], dtype=np.int16)
    inks = base + colours[np.clip(raster.owners, 0, colours.size - 1)]
    if base == Ink.SERIES and chart.highlight is not None:
        strong = raster.owners == chart.highlight
        inks = np.where(strong, inks - Ink.SERIES + Ink.SERIES_STRONG, inks)
    used = raster.bits > 0
    where = (slice(0, frame.rows), slice(frame.left, frame.left + frame.columns))
    cells.chars[where] = np.where(used, symbols.glyphs[raster.bits], cells.chars[where])
    cells.inks[where] = np.where(used, inks, cells.inks[where])


def _draw_band(cells: Cells, chart: Chart, frame: Frame, symbols: Symbols) -> None:
    """The range of the series that have no line of their own, as a grey band."""
    rest = chart.rest
    assert rest is not None
    seen = rest.inside(chart.window)
    if not seen.any():
        return
    low = np.min(rest.values, axis=0, where=seen, initial=np.inf)
    high = np.max(rest.values, axis=0, where=seen, initial=-np.inf)
    some = seen.any(axis=0)
    edges = Matrix(rest.times_ms, rest.step_ms, np.vstack([high, low]), np.vstack([some, some]))
    # One dot per cell is all the precision that a background needs.
    runs = line_runs(
        edges.times_ms,
        chart.axis.place(edges.values),
        edges.present,
        step_ms=edges.step_ms,
        window=chart.window,
        width=frame.columns,
        height=frame.rows,
    )
    rows = np.arange(frame.rows)[:, None]
    inside = (rows >= runs.top[0]) & (rows <= runs.bottom[1]) & runs.filled[0] & runs.filled[1]
    where = (slice(0, frame.rows), slice(frame.left, frame.left + frame.columns))
    glyph = ord(glyphs_for(symbols).band)
    cells.chars[where] = np.where(inside, glyph, cells.chars[where])
    cells.inks[where] = np.where(inside, Ink.BAND, cells.inks[where])


def _draw_letters(cells: Cells, chart: Chart, frame: Frame, runs: Runs, symbols: Symbols) -> None:
    """Each line's letter, right of its end; those that meet make room for one another."""
    taken: set[tuple[int, int]] = set()
    for number, pen in enumerate(chart.pens[:52]):
        filled: Ints = np.flatnonzero(runs.filled[number])
        if filled.size == 0:
            continue
        last = int(filled[-1])
        row = int(runs.top[number, last] + runs.bottom[number, last]) // 2 // symbols.tall
        column = last // symbols.wide + 2
        for shift in (0, -1, 1, -2, 2, -3, 3):
            y = row + shift
            if 0 <= y < frame.rows and (y, column) not in taken:
                taken.add((y, column))
                strong = chart.highlight == number
                base = Ink.SERIES_STRONG if strong else Ink.SERIES
                cells.put(y, frame.left + column, pen.letter, base + pen.colour)
                break


# --- Around and over --------------------------------------------------------------------------


def _draw_axes(cells: Cells, chart: Chart, frame: Frame, symbols: Symbols) -> None:
    glyphs = glyphs_for(symbols)
    for y in range(frame.rows):
        cells.put(y, frame.left - 1, glyphs.wall, Ink.AXIS)
    for y, label in zip(frame.tick_rows, frame.labels, strict=False):
        cells.put(y, 0, label.rjust(frame.left - 2), Ink.LABEL)
        cells.put(y, frame.left - 1, glyphs.tick, Ink.AXIS)
    floor = frame.rows
    cells.put(floor, frame.left - 1, glyphs.corner + glyphs.floor * frame.columns, Ink.AXIS)
    if chart.mode is Mode.LINES and chart.axis.broken and symbols is not ASCII:
        # Zero is not on this axis: the corner says so.
        cells.put(floor, frame.left - 1, "≈", Ink.LABEL)
    free_from = 0
    for tick in time_ticks(*chart.window, frame.columns, chart.zone):
        column = frame.left + frame.column_of(tick.at_ms, chart.window)
        if column >= frame.left + frame.columns:
            continue
        cells.put(floor, column, glyphs.floor_tick, Ink.AXIS)
        label = tick.date or tick.label
        x = min(max(column - len(label) // 2, 0), cells.width - len(label))
        if x >= free_from:
            cells.put(floor + 1, x, label, Ink.LABEL)
            free_from = x + len(label) + 1


def _draw_over(cells: Cells, chart: Chart, frame: Frame, symbols: Symbols) -> None:
    glyphs = glyphs_for(symbols)
    if chart.mode is not Mode.STATES:
        for threshold in chart.thresholds:
            _draw_threshold(cells, chart, frame, glyphs, threshold.value, threshold.label)
    if chart.crosshair_ms is not None:
        column = frame.column_of(chart.crosshair_ms, chart.window)
        if 0 <= column < frame.columns:
            for y in range(frame.rows):
                cells.put(y, frame.left + column, glyphs.wall, Ink.CROSSHAIR, sparing=True)
            cells.put(
                frame.rows, frame.left + column, "┴" if glyphs is _LINES else "^", Ink.CROSSHAIR
            )
    if frame.lane:
        _draw_lane(cells, chart, frame)


def _draw_threshold(
    cells: Cells, chart: Chart, frame: Frame, glyphs: Glyphs, value: float, label: str
) -> None:
    place = float(chart.axis.place(np.array([value]))[0])
    if np.isnan(place) or not -0.001 <= place <= 1.001:
        arrow = "v" if np.isnan(place) or place < 0 else "^"
        text = f" {label} {arrow} "
        y = frame.rows - 1 if arrow == "v" else 0
        x = frame.left + max(frame.columns - len(text), 0)
        cells.put(y, x, text[: frame.columns], Ink.THRESHOLD, sparing=True)
        return
    y = frame.rows - 1 - round(place * (frame.rows - 1))
    line = glyphs.threshold * frame.columns
    text = f" {label} " if label else ""
    if 0 < len(text) < frame.columns - 4:
        line = line[: -len(text) - 2] + text + line[-2:]
    cells.put(y, frame.left, line, Ink.THRESHOLD, sparing=True)


def _draw_lane(cells: Cells, chart: Chart, frame: Frame) -> None:
    """Marks at their times, with as much text as there is room for before the next one; at the
    right end where the crosshair is, and what happened there.
    """
    y = frame.rows + 2
    note = ""
    if chart.crosshair_ms is not None:
        ago = ago_text(chart.crosshair_ms - chart.now_ms) if chart.now_ms else ""
        note = f"at {clock_text(chart.crosshair_ms, chart.zone)}" + (f" ({ago})" if ago else "")
        here = frame.column_of(chart.crosshair_ms, chart.window)
        for mark in chart.marks:
            if abs(frame.column_of(mark.at_ms, chart.window) - here) < 2:
                note = f"{mark.glyph}{mark.text} {note}"
                break
    end = cells.width - len(note) - (1 if note else 0)
    # Of several in one column the gravest is seen: the inks are in that order.
    placed: dict[int, Mark] = {}
    for mark in sorted(chart.marks, key=lambda mark: mark.ink):
        column = frame.column_of(mark.at_ms, chart.window)
        if 0 <= column < frame.columns and frame.left + column < end:
            placed[frame.left + column] = mark
    columns = sorted(placed)
    for x, following in pairwise([*columns, end + 1]):
        mark, room = placed[x], following - x - 1
        text = mark.glyph + mark.text
        if len(text) > room:
            text = mark.glyph + mark.text[: max(room - len(mark.glyph), 0)]
            if len(text) < _MARK_CELLS_MIN:
                text = mark.glyph[: max(following - x, 1)]
        cells.put(y, x, text, mark.ink)
    cells.put(y, cells.width - len(note), note, Ink.LABEL)


def _draw_selection(cells: Cells, chart: Chart, frame: Frame) -> None:
    if chart.selection is None:
        return
    first, last = sorted(frame.column_of(at, chart.window) for at in chart.selection)
    first, last = max(first, 0), min(last, frame.columns - 1)
    if first <= last:
        cells.inks[: frame.rows, frame.left + first : frame.left + last + 1] += Ink.SELECTED
