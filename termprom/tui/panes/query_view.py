"""How a graph is looked at: everything that is the operator's choice, as one value to undo."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from termprom.tui.plot.chart import Mode
from termprom.tui.plot.yaxis import ScaleKind
from termprom.tui.session import TimeRange

MODES: Final = (Mode.LINES, Mode.STACKED, Mode.BARS, Mode.POINTS)
COMPARISONS_MS: Final = (0, 3_600_000, 86_400_000, 7 * 86_400_000)
MARKS: Final = ("own", "all", "none")  # the alert that the expression is of; every alert; nothing
_UNDO_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class GraphView:
    """Choices about one graph. `hidden` and `isolated` are positions in the answer's series."""

    mode: Mode = Mode.LINES
    scale: ScaleKind = ScaleKind.LINEAR
    zero_based: bool = False
    sort: str = "last"
    descending: bool = True
    hidden: frozenset[int] = frozenset()
    isolated: int | None = None
    compare_ms: int = 0
    all_lines: bool = False
    marks: str = "own"

    def next_mode(self) -> GraphView | None:
        """The next way to draw; None after the last one, where the table comes."""
        place = MODES.index(self.mode) + 1
        return replace(self, mode=MODES[place]) if place < len(MODES) else None

    def next_axis(self) -> GraphView:
        """auto, from zero, logarithmic, symmetric logarithmic, and round again."""
        if self.scale is ScaleKind.LINEAR and not self.zero_based:
            return replace(self, zero_based=True)
        if self.scale is ScaleKind.LINEAR:
            return replace(self, scale=ScaleKind.LOG, zero_based=False)
        if self.scale is ScaleKind.LOG:
            return replace(self, scale=ScaleKind.SYMLOG)
        return replace(self, scale=ScaleKind.LINEAR)

    def next_comparison(self) -> GraphView:
        place = COMPARISONS_MS.index(self.compare_ms) + 1
        return replace(self, compare_ms=COMPARISONS_MS[place % len(COMPARISONS_MS)])

    def next_marks(self) -> GraphView:
        return replace(self, marks=MARKS[(MARKS.index(self.marks) + 1) % len(MARKS)])

    def toggled(self, number: int) -> GraphView:
        """One series hidden or shown again."""
        return replace(self, hidden=self.hidden ^ {number}, isolated=None)

    def alone(self, number: int) -> GraphView:
        """One series and no other; again: all as before."""
        return replace(self, isolated=None if self.isolated == number else number)

    def sorted_by(self, key: str) -> GraphView:
        """Sorted by `key`; the same key again turns the order round."""
        if key == self.sort:
            return replace(self, descending=not self.descending)
        return replace(self, sort=key, descending=key != "name")

    def choices(self) -> tuple[tuple[str, str | int | bool], ...]:
        """What does not depend on the answer, as plain values to be kept."""
        return (
            ("mode", self.mode.value),
            ("scale", self.scale.value),
            ("zero_based", self.zero_based),
            ("sort", self.sort),
            ("descending", self.descending),
            ("compare_ms", self.compare_ms),
            ("all_lines", self.all_lines),
            ("marks", self.marks),
        )

    def with_choices(self, kept: Iterable[tuple[str, str | int | bool]]) -> GraphView:
        """The same choices again; those that this build does not know are left as they are."""
        given = dict(kept)
        try:
            return replace(
                self,
                mode=Mode(str(given.get("mode", self.mode))),
                scale=ScaleKind(str(given.get("scale", self.scale))),
                zero_based=bool(given.get("zero_based", self.zero_based)),
                sort=str(given.get("sort", self.sort)),
                descending=bool(given.get("descending", self.descending)),
                compare_ms=int(given.get("compare_ms", self.compare_ms)),
                all_lines=bool(given.get("all_lines", self.all_lines)),
                marks=str(given.get("marks", self.marks)),
            )
        except ValueError:
            return self

    @property
    def axis_name(self) -> str:
        return "linear 0-based" if self.zero_based else self.scale.value


@dataclass(frozen=True, slots=True)
class Look:
    """What undo brings back: the expression, the range, the choices."""

    expr: str
    range: TimeRange
    view: GraphView


class UndoStack:
    """Earlier looks, and those undone; a new one forgets the latter."""

    def __init__(self) -> None:
        self._done: list[Look] = []
        self._undone: list[Look] = []

    def __repr__(self) -> str:
        return f"UndoStack({len(self._done)} done, {len(self._undone)} undone)"

    def keep(self, look: Look) -> None:
        """Remember `look` before it changes."""
        if not self._done or self._done[-1] != look:
            self._done.append(look)
            del self._done[:-_UNDO_MAX]
        self._undone.clear()

    def undo(self, now: Look) -> Look | None:
        if not self._done:
            return None
        self._undone.append(now)
        return self._done.pop()

    def redo(self, now: Look) -> Look | None:
        if not self._undone:
            return None
        self._done.append(now)
        return self._undone.pop()
