"""The engine's log: the newest line at the end, followed unless the operator reads above it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from rich.style import Style
from textual.binding import BindingType

from termprom.backend.interface import Feature, Topic
from termprom.limits import LOG_LINES_MAX
from termprom.tui.colours import Colours
from termprom.tui.figures import clock, date_and_clock
from termprom.tui.keymap import bind
from termprom.tui.panes.tabbed import TabbedPane
from termprom.tui.session import Session
from termprom.tui.widgets.columns import Column, RowModel
from termprom.tui.widgets.text_box import Row, facts
from termprom.tui.widgets.virtual_list import VirtualList
from termprom.views import LogLine

_LEVELS: Final = ("debug", "info", "warn", "error")


def _style(line: LogLine, colours: Colours) -> Style:
    return {"error": colours.critical, "warn": colours.warning, "debug": colours.muted}.get(
        line.level, colours.text
    )


class LogsPane(TabbedPane):
    """See the module. `L` raises the lowest level that is shown."""

    PANE_ID = "logs"
    TITLE = "Logs"
    TOPICS = frozenset({Topic.LOGS})
    BINDINGS: ClassVar[list[BindingType]] = [bind("pane.level", "level", show=True)]

    def __init__(self, session: Session) -> None:
        self._lines: list[LogLine] = []
        self._level = 0
        model: RowModel[LogLine] = RowModel(
            (
                Column("time", "TIME", lambda one: clock(one.at_ms, session.zone), width_max=18),
                Column("level", "LEVEL", lambda one: one.level, style=_style),
                Column("source", "SOURCE", lambda one: one.source, width_max=24, rank=1),
                Column("message", "MESSAGE", lambda one: one.message, flex=1, width_max=400),
            ),
            key=lambda one: one.number,
        )
        self._list = VirtualList(
            model, title="Engine log", ascii_only=session.ascii, empty="nothing logged yet"
        )
        super().__init__(session, (("Log", self._list),))
        self._wants_detail = False  # lines are short; the whole of one is an enter away

    async def take(self) -> None:
        backend = self.session.backend
        if not backend.offers(Feature.LOGS):
            self._list.say(f"{backend.name} does not show its log: unavailable")
            return
        following = self._list.at_end
        after = self._lines[-1].number if self._lines else 0
        self._lines = [*self._lines, *await backend.logs(after)][-LOG_LINES_MAX:]
        self._list.set_rows(self._lines)
        if following:
            self._list.apply_pending()
            self._list.action_jump(-1)

    def detail_of(self, row: object, width: int) -> Sequence[Row]:
        assert isinstance(row, LogLine)
        kind = {"error": "critical", "warn": "warning"}.get(row.level, "text")
        when = date_and_clock(row.at_ms, self.session.zone)
        pairs = (("time", when), ("level", row.level, kind), ("source", row.source),
                 ("message", row.message))  # fmt: skip
        return facts(pairs, width)

    def title_of(self, row: object) -> str:
        return "Line"

    def copy_of(self, row: object) -> tuple[str, str] | None:
        assert isinstance(row, LogLine)
        when = date_and_clock(row.at_ms, self.session.zone)
        return f"{when} {row.level} {row.source}: {row.message}", "the line"

    def problem_test(self) -> Callable[[object], bool] | None:
        return lambda row: isinstance(row, LogLine) and row.level in ("warn", "error")

    def action_level(self) -> None:
        self._level = (self._level + 1) % len(_LEVELS)
        shown = frozenset(_LEVELS[self._level :])
        self._list.note = f"level: {_LEVELS[self._level]} and above"
        self._list.set_keep((lambda one: one.level in shown) if self._level else None)
