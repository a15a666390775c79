"""Home: what is broken now, how targets and rules do, and live graphs of what matters.

The graphs begin with the first samples: their span follows from how old the data is, so that
someone who has just started the engine sees their own machine move. They are asked for by a worker
of their own, which lets one round finish before the next begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from termprom.backend.interface import Feature, Topic
from termprom.errors import BackendUnavailable, NotOffered, QueryError, TermpromError
from termprom.model.labels import Labels
from termprom.tui.figures import span
from termprom.tui.glyphs import glyphs
from termprom.tui.keymap import bind
from termprom.tui.messages import Looked, OpenPane, QueryRequest, SilenceWanted
from termprom.tui.panes.alert_threshold import split_threshold
from termprom.tui.panes.alerts_rows import rows_of
from termprom.tui.panes.home_signals import (
    SIGNALS,
    Drawn,
    Signal,
    grid_for,
    oldest_ms,
    signal_rows,
    span_seconds,
    spark_cells,
    window_seconds,
)
from termprom.tui.panes.home_summary import (
    Problem,
    engine_rows,
    problems_model,
    problems_of,
    rules_note,
    rules_rows_of,
    targets_note,
    targets_rows_of,
)
from termprom.tui.panes.pane import Pane
from termprom.tui.panes.targets_rows import instance_of, selector_of
from termprom.tui.session import Session
from termprom.tui.widgets.text_box import TextBox
from termprom.tui.widgets.virtual_list import VirtualList
from termprom.tui.work import begin
from termprom.views import AlertView, RuleGroupView, StatusView, TargetsView

_SUMMARY_ROWS_MIN: Final = 18  # a lower pane has no room for the boxes of targets and rules
_SIGNALS_ROWS_MIN: Final = 6
_PERIOD_MS_MIN: Final = 1_000


class HomePane(Pane):
    """See the module."""

    PANE_ID = "home"
    TITLE = "Home"
    TOPICS = frozenset({Topic.ALERTS, Topic.TARGETS, Topic.RULES, Topic.CONFIG, Topic.STATS})
    DEFAULT_CSS = """
    HomePane { layout: vertical; }
    HomePane #home-problems { height: 4; }
    HomePane #home-summary { height: 6; }
    HomePane.-low #home-summary { display: none; }
    HomePane #home-signals { height: 1fr; }
    HomePane #home-engine { height: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("pane.query", "query", show=True),
        bind("pane.silence", "silence", show=True),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._signs = glyphs(session.ascii)
        self._problems = VirtualList(
            problems_model(),
            title="What is broken now",
            ascii_only=session.ascii,
            header=False,
            empty=f"{self._signs.ok} nothing is broken",
            id="home-problems",
        )
        self._targets = TextBox("Targets", id="home-targets", focusable=False)
        self._rules = TextBox("Rules", id="home-rules", focusable=False)
        self._signals = TextBox("Golden signals", id="home-signals", focusable=False)
        self._engine = TextBox(id="home-engine", focusable=False)
        for box in (self._problems, self._targets, self._rules, self._signals):
            box.add_class("box")
        self._intervals: Sequence[float] = ()
        self._status: StatusView | None = None
        self._next_signals_ms = 0
        self._asking = False

    def compose(self) -> ComposeResult:
        yield self._problems
        with Horizontal(id="home-summary"):
            yield self._targets
            yield self._rules
        yield self._signals
        yield self._engine

    def on_resize(self) -> None:
        self._arrange()
        self._next_signals_ms = 0
        self._ask_signals()

    def _arrange(self) -> None:
        """The list takes what its rows need, and leaves the graphs their room."""
        low = self.size.height < _SUMMARY_ROWS_MIN
        self.set_class(low, "-low")
        others = 2 + _SIGNALS_ROWS_MIN + (0 if low else 6)
        room = max(self.size.height - others, 3)
        self._problems.styles.height = min(max(self._problems.order.total, 1) + 2, room)

    async def refresh_view(self) -> None:
        backend = self.session.backend
        try:
            status = await backend.status()
            targets = TargetsView()
            groups: Sequence[RuleGroupView] = ()
            if backend.offers(Feature.TARGETS):
                targets = await backend.targets()
            if backend.offers(Feature.RULES):
                groups = await backend.rules()
            alerts = await backend.alerts()
        except NotOffered as problem:
            self._say(f"unavailable: {problem}", "warning")
            return
        except TermpromError as problem:
            self._say(f"no answer: {problem}", "critical")
            raise
        has_targets = backend.offers(Feature.TARGETS)
        self.post_message(Looked(alerts, targets if has_targets else None, status))
        self._status = status
        self._intervals = [one.interval_seconds for one in targets.active]
        self._put_problems(status, targets, groups, alerts)
        self._put_summaries(status, targets, groups)
        self._engine.fill(lambda width: engine_rows(status, width))
        self._ask_signals()

    def _say(self, text: str, kind: str) -> None:
        self._problems.say(text, kind)
        for box in (self._targets, self._rules, self._signals):
            box.say(text, kind)

    def _put_problems(
        self,
        status: StatusView,
        targets: TargetsView,
        groups: Sequence[RuleGroupView],
        alerts: Sequence[AlertView],
    ) -> None:
        active, _ = rows_of(alerts, groups)
        found = problems_of(active, targets, groups, status, self.session, self._signs)
        self._problems.set_rows(found)
        self._arrange()

    def _put_summaries(
        self, status: StatusView, targets: TargetsView, groups: Sequence[RuleGroupView]
    ) -> None:
        backend, signs = self.session.backend, self._signs
        if backend.offers(Feature.TARGETS):
            box = self._targets
            box.retitle(f"Targets  {targets_note(targets)}")
            box.fill(lambda _: targets_rows_of(targets, signs, self._targets.size.height))
        else:
            self._targets.say(f"{backend.name} shows no targets: unavailable")
        if backend.offers(Feature.RULES):
            self._rules.retitle(f"Rules  {rules_note(groups)}")
            self._rules.fill(
                lambda _: rules_rows_of(
                    groups, status, self.session, signs, self._rules.size.height
                )
            )
        else:
            self._rules.say(f"{backend.name} shows no rules: unavailable")

    # --- Signals ------------------------------------------------------------------------------

    def _ask_signals(self) -> None:
        if self._status is None or self._asking or self.session.now_ms() < self._next_signals_ms:
            return
        begin(self, partial(self._take_signals, self._status), group="pane-home-signals")

    async def _take_signals(self, status: StatusView) -> None:
        self._asking = True
        try:
            now_ms = self.session.now_ms()
            seconds = span_seconds(oldest_ms(status.storage), now_ms)
            grid = grid_for(seconds, spark_cells(self._signals.size.width), now_ms)
            window = window_seconds(self._intervals, grid)
            self._next_signals_ms = now_ms + max(grid.step_ms // 2, _PERIOD_MS_MIN)

            async def ask(signal: Signal) -> Drawn | None:
                try:
                    expr = signal.query(window)
                    return Drawn(signal, await self.session.backend.query_range(expr, grid))
                except QueryError:
                    return None

            answers = await asyncio.gather(*(ask(signal) for signal in SIGNALS))
            drawn = [one for one in answers if one is not None]
            self._signals.retitle(f"Golden signals  last {span(seconds)}")
            self._signals.fill(
                lambda width: signal_rows(
                    drawn, width, self._signals.size.height, ascii_only=self.session.ascii
                )
            )
        except BackendUnavailable as problem:
            self._signals.say(f"no answer: {problem}", "critical")
        finally:
            self._asking = False

    # --- Keys ---------------------------------------------------------------------------------

    def focus_default(self) -> None:
        self._problems.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "query":
                return self._request() is not None
            case "silence":
                return self._wanted_silence() is not None
        return True

    def on_virtual_list_moved(self) -> None:
        self.refresh_bindings()

    def on_virtual_list_opened(self, event: VirtualList.Opened) -> None:
        event.stop()
        problem = event.row
        assert isinstance(problem, Problem)
        argument: object = problem.alert
        if problem.target is not None:
            argument = instance_of(problem.target)
        self.post_message(OpenPane(problem.pane, argument))

    def _request(self) -> QueryRequest | None:
        problem = self._problems.cursor_row
        if problem is None:
            return None
        if problem.target is not None:
            return QueryRequest(selector_of(problem.target))
        if problem.alert is not None and problem.alert.rule is not None:
            expr, thresholds = split_threshold(problem.alert.rule.query)
            return QueryRequest(expr, thresholds=thresholds, alert=problem.alert.name)
        return None

    def _wanted_silence(self) -> SilenceWanted | None:
        problem = self._problems.cursor_row
        if problem is None:
            return None
        if problem.alert is not None:
            return SilenceWanted((problem.alert.labels,), f"Silence {problem.alert.name}")
        if problem.target is not None:
            target = problem.target.labels
            labels = Labels.of(job=target.get("job"), instance=target.get("instance"))
            return SilenceWanted((labels,), "Silence all alerts of this target")
        return None

    def action_silence(self) -> None:
        if (wanted := self._wanted_silence()) is not None:
            self.post_message(wanted)

    def action_query(self) -> None:
        request = self._request()
        if request is not None:
            self.post_message(OpenPane("query", request))
