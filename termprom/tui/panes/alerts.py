"""Alerts: what fires and what is about to, the worst first; with its expression one key away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual.binding import BindingType

from termprom.backend.interface import Feature, Topic
from termprom.errors import NotOffered
from termprom.model.labels import Labels
from termprom.tui.figures import date_and_clock
from termprom.tui.glyphs import glyphs
from termprom.tui.keymap import bind
from termprom.tui.messages import QueryRequest, SilenceEnded, SilenceWanted
from termprom.tui.panes.alert_threshold import split_threshold
from termprom.tui.panes.alerts_rows import AlertRow, alert_detail, alerts_model, rows_of
from termprom.tui.panes.tabbed import TabbedPane
from termprom.tui.session import Session
from termprom.tui.widgets.columns import Column, RowModel
from termprom.tui.widgets.text_box import Row, facts
from termprom.tui.widgets.virtual_list import VirtualList
from termprom.views import AlertView, RuleGroupView, SilenceView

_GROUPINGS: Final[tuple[str, ...]] = ("", "alert", "job", "instance", "severity", "state")


def _silences_model(session: Session) -> RowModel[SilenceView]:
    return RowModel(
        (
            Column("state", "STATE", lambda one: one.state,
                   style=lambda one, inks: inks.text if one.state == "active" else inks.muted),
            Column("matchers", "MATCHERS", lambda one: " ".join(one.matchers), width_min=12,
                   width_max=120, flex=2),
            Column("ends", "ENDS", lambda one: date_and_clock(one.ends_ms, session.zone), rank=2,
                   sort=lambda one: one.ends_ms),
            Column("hits", "ALERTS NOW", lambda one: str(one.alerts_now), right=True, rank=3,
                   sort=lambda one: one.alerts_now),
            Column("by", "BY", lambda one: one.created_by, rank=4),
            Column("comment", "COMMENT", lambda one: one.comment, width_max=120, flex=1, rank=1),
        ),
        key=lambda one: one.id,
    )  # fmt: skip


class AlertsPane(TabbedPane):
    """`z` shows the inactive rules too, `b` groups, `o` draws the expression and its threshold."""

    PANE_ID = "alerts"
    TITLE = "Alerts"
    TOPICS = frozenset({Topic.ALERTS, Topic.RULES, Topic.CONFIG})
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("pane.silence", "silence", show=True),
        bind("pane.expire", "expire", show=True),
        bind("list.group", "group"),
    ]

    def __init__(self, session: Session) -> None:
        self._signs = glyphs(session.ascii)
        self._alerts = VirtualList(
            alerts_model(session, self._signs),
            title="Alerts",
            ascii_only=session.ascii,
            empty="no alert is firing or pending (z shows the inactive rules)",
            id="alerts-active",
        )
        self._silences = VirtualList(
            _silences_model(session),
            title="Silences",
            ascii_only=session.ascii,
            empty="nothing is silenced",
            id="alerts-silences",
        )
        super().__init__(session, (("Alerts", self._alerts), ("Silences", self._silences)))
        self._active: Sequence[AlertRow] = ()
        self._quiet: Sequence[AlertRow] = ()
        self._all = False
        self._grouping = 0
        self._wanted: tuple[object, ...] | None = None

    async def take(self) -> None:
        backend = self.session.backend
        alerts: Sequence[AlertView] = await backend.alerts()
        groups: Sequence[RuleGroupView] = ()
        if backend.offers(Feature.RULES):
            groups = await backend.rules()
        self._active, self._quiet = rows_of(alerts, groups)
        self._put()
        if backend.offers(Feature.SILENCES):
            try:
                self._silences.set_rows(await backend.silences())
            except NotOffered as problem:
                self._silences.say(f"unavailable: {problem}", "warning")
        else:
            self._silences.say(f"{backend.name} keeps no silences: unavailable")

    def _put(self) -> None:
        self._alerts.note = "inactive rules too" if self._all else f"{len(self._quiet)} inactive"
        self._alerts.set_rows([*self._active, *(self._quiet if self._all else ())])
        if self._wanted is not None and self._alerts.select_key(self._wanted):
            self._wanted = None

    def open(self, argument: object) -> None:
        """Put the cursor on the alert of this row."""
        if isinstance(argument, AlertRow):
            self._wanted = self._alerts.order.model.key(argument)  # type: ignore[assignment]
            if self._alerts.select_key(self._wanted):
                self._wanted = None

    def detail_of(self, row: object, width: int) -> Sequence[Row]:
        if isinstance(row, AlertRow):
            return alert_detail(row, self.session, self._signs, width)
        assert isinstance(row, SilenceView)
        zone = self.session.zone
        return facts(
            (
                ("id", row.id),
                ("state", row.state),
                ("matchers", "\n".join(row.matchers)),
                ("starts", date_and_clock(row.starts_ms, zone)),
                ("ends", date_and_clock(row.ends_ms, zone)),
                ("by", row.created_by or "nobody named"),
                ("comment", row.comment or "none"),
                ("alerts now", str(row.alerts_now)),
            ),
            width,
        )

    def title_of(self, row: object) -> str:
        if isinstance(row, AlertRow):
            severity = f"  {row.severity}" if row.severity else ""
            return f"{row.name}{severity}"
        return "silence"

    def query_of(self, row: object) -> QueryRequest | None:
        if not isinstance(row, AlertRow) or row.rule is None:
            return None
        expr, thresholds = split_threshold(row.rule.query)
        return QueryRequest(expr, thresholds=thresholds, alert=row.name)

    def copy_of(self, row: object) -> tuple[str, str] | None:
        if isinstance(row, AlertRow):
            return str(row.labels), "the labels of the alert"
        assert isinstance(row, SilenceView)
        return row.id, "the id of the silence"

    def problem_test(self) -> Callable[[object], bool] | None:
        return (lambda _: True) if self.shown_tab is self._alerts else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "silence":
                return self.shown_tab is self._silences or bool(self._meant()[0])
            case "expire":
                row = self.row
                return isinstance(row, SilenceView) and row.state != "expired"
            case "group":
                return self.shown_tab is self._alerts
        return super().check_action(action, parameters)

    def _meant(self) -> tuple[Sequence[Labels], str]:
        """The labels of the alerts to silence: of the row, or of all rows of a heading."""
        row, shown = self.row, self._alerts
        if isinstance(row, AlertRow):
            labels = row.labels
            if row.alert is None:  # an inactive rule: before it fires
                labels = Labels.of({**row.labels.as_dict(), "alertname": row.name})
            return (labels,), f"Silence {row.name}"
        rows = shown.rows_of_heading() if self.shown_tab is shown else ()
        return tuple(one.labels for one in rows if one.alert is not None), "Silence the group"

    def action_silence(self) -> None:
        """The form for what is under the cursor; on a silence, the form to change it."""
        row = self.row
        if isinstance(row, SilenceView):
            self.post_message(SilenceWanted(silence=row))
            return
        meant, title = self._meant()
        self.post_message(SilenceWanted(meant, title))

    def action_expire(self) -> None:
        """End the silence under the cursor, after one question that shows the command."""
        from termprom.tui.screens.chooser import Chooser

        row = self.row
        if not isinstance(row, SilenceView):
            return

        def chosen(answer: str | None) -> None:
            if answer == "end":
                self.post_message(SilenceEnded(row.id))

        names = {"keep": "keep it", "end": f"end it now: {row.alerts_now} alerts are loud again"}
        title = f"amtool silence expire {row.id}"
        self.app.push_screen(Chooser(title, names), chosen)

    def action_problems(self) -> None:
        """Problems only is how the pane begins; this brings the inactive rules, or hides them."""
        self._all = not self._all
        self._put()
        self._alerts.apply_pending()

    def action_group(self) -> None:
        """By alert name, then by the labels that most alerts have, then not at all."""
        self._grouping = (self._grouping + 1) % len(_GROUPINGS)
        by = _GROUPINGS[self._grouping]
        grouping: dict[str, Callable[[AlertRow], str]] = {
            "alert": lambda row: row.name,
            "severity": lambda row: f"severity={row.severity or '(none)'}",
            "state": lambda row: row.state.value,
        }
        group = grouping.get(by, lambda row: f"{by}={row.labels.get(by) or '(none)'}")
        self._alerts.set_group(group if by else None)
