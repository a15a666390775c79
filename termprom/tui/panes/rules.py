"""Rules: which fail, which are slow, and what state they are in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import BindingType

from termprom.backend.interface import Topic
from termprom.tui.glyphs import glyphs
from termprom.tui.keymap import bind
from termprom.tui.messages import QueryRequest
from termprom.tui.panes.alert_threshold import split_threshold
from termprom.tui.panes.rules_rows import RuleRow, rank, rule_detail, rule_rows, rules_model
from termprom.tui.panes.tabbed import TabbedPane
from termprom.tui.session import Session
from termprom.tui.widgets.text_box import Row
from termprom.tui.widgets.virtual_list import VirtualList


class RulesPane(TabbedPane):
    """See the module. `b` puts the rules under their groups."""

    PANE_ID = "rules"
    TITLE = "Rules"
    TOPICS = frozenset({Topic.RULES, Topic.ALERTS, Topic.CONFIG})
    BINDINGS: ClassVar[list[BindingType]] = [bind("list.group", "group", title="by group")]

    def __init__(self, session: Session) -> None:
        self._signs = glyphs(session.ascii)
        self._rules = VirtualList(
            rules_model(session, self._signs),
            title="Rules",
            ascii_only=session.ascii,
            empty="no rules: the configuration names no rule files",
            id="rules-all",
        )
        super().__init__(session, (("Rules", self._rules),))
        self._rules.set_sort("health")

    async def take(self) -> None:
        self._rules.set_rows(rule_rows(await self.session.backend.rules()))

    def detail_of(self, row: object, width: int) -> Sequence[Row]:
        assert isinstance(row, RuleRow)
        return rule_detail(row, self.session, self._signs, width)

    def title_of(self, row: object) -> str:
        assert isinstance(row, RuleRow)
        return f"{row.group.name}  {row.rule.name}"

    def query_of(self, row: object) -> QueryRequest | None:
        if not isinstance(row, RuleRow):
            return None
        if not row.rule.is_alert:
            return QueryRequest(row.rule.query)
        expr, thresholds = split_threshold(row.rule.query)
        return QueryRequest(expr, thresholds=thresholds)

    def problem_test(self) -> Callable[[object], bool] | None:
        return lambda row: not isinstance(row, RuleRow) or rank(row) < 2

    def action_group(self) -> None:
        grouped = self._rules.order.group is not None
        self._rules.set_group(None if grouped else (lambda row: row.group.name))
