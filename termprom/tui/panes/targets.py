"""Targets: what is scraped, how that goes, and why it does not; what relabelling dropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import BindingType

from termprom.backend.interface import Topic
from termprom.tui.figures import count
from termprom.tui.glyphs import glyphs
from termprom.tui.keymap import bind
from termprom.tui.messages import QueryRequest
from termprom.tui.panes.tabbed import TabbedPane
from termprom.tui.panes.targets_rows import (
    active_model,
    dropped_detail,
    dropped_model,
    instance_of,
    rank,
    selector_of,
    target_detail,
)
from termprom.tui.session import Session
from termprom.tui.widgets.text_box import Row
from termprom.tui.widgets.virtual_list import VirtualList
from termprom.views import DroppedTargetView, TargetsView, TargetView


class TargetsPane(TabbedPane):
    """See the module. `b` groups by pool, `z` leaves the problems."""

    PANE_ID = "targets"
    TITLE = "Targets"
    TOPICS = frozenset({Topic.TARGETS, Topic.CONFIG})
    BINDINGS: ClassVar[list[BindingType]] = [bind("list.group", "group", title="by pool")]

    def __init__(self, session: Session) -> None:
        self._signs = glyphs(session.ascii)
        self._active = VirtualList(
            active_model(session, self._signs),
            title="Targets",
            ascii_only=session.ascii,
            empty="no targets: the configuration names none, or discovery found none",
            id="targets-active",
        )
        self._active.set_sort("health")
        self._dropped = VirtualList(
            dropped_model(),
            title="Dropped targets",
            ascii_only=session.ascii,
            empty="relabelling dropped no target",
            id="targets-dropped",
        )
        super().__init__(session, (("Active", self._active), ("Dropped", self._dropped)))
        self._wanted: str | None = None  # the instance that OpenPane asked for

    async def take(self) -> None:
        view = await self.session.backend.targets()
        self._active.set_rows(view.active)
        self._dropped.note = _cut_note(view)
        self._dropped.set_rows(view.dropped)
        self._go_wanted()

    def open(self, argument: object) -> None:
        """Put the cursor on the target of this instance."""
        if isinstance(argument, str):
            self._wanted = argument
            self._go_wanted()

    def _go_wanted(self) -> None:
        for target in self._rows():
            if self._wanted and instance_of(target) == self._wanted:
                self._active.select_key(self._active.order.model.key(target))
                self._wanted = None

    def _rows(self) -> Sequence[TargetView]:
        rows = (self._active.order.row(line) for line in self._active.order.lines)
        return [row for row in rows if row is not None]

    def detail_of(self, row: object, width: int) -> Sequence[Row]:
        if isinstance(row, TargetView):
            return target_detail(row, self.session, self._signs, width)
        assert isinstance(row, DroppedTargetView)
        return dropped_detail(row, width)

    def title_of(self, row: object) -> str:
        if isinstance(row, TargetView):
            return f"{row.pool}  {instance_of(row)}"
        assert isinstance(row, DroppedTargetView)
        return f"{row.pool}  dropped"

    def query_of(self, row: object) -> QueryRequest | None:
        return QueryRequest(selector_of(row)) if isinstance(row, TargetView) else None

    def copy_of(self, row: object) -> tuple[str, str] | None:
        if isinstance(row, TargetView):
            return row.url, "the URL of the target"
        assert isinstance(row, DroppedTargetView)
        return str(row.discovered), "the discovered labels"

    def problem_test(self) -> Callable[[object], bool] | None:
        return lambda one: not isinstance(one, TargetView) or rank(one) < 3

    def action_group(self) -> None:
        grouped = self._active.order.group is not None
        self._active.set_group(None if grouped else (lambda one: one.pool))


def _cut_note(view: TargetsView) -> str:
    total = sum(view.dropped_counts.values())
    more = total - len(view.dropped)
    return f"{count(more)} more are not listed" if more > 0 else ""
