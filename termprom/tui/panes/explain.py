"""The Explain tab: every node of an expression with its series, its samples and its time.

Each node is a query of its own, children first, three at once. Times of separate queries do not add
up exactly, which the title says. What is measured is shown as it comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.message import Message

from termprom.backend.interface import Feature
from termprom.errors import BackendUnavailable, ParseError, TermpromError
from termprom.promql.syntax import ast
from termprom.promql.syntax.check import type_of
from termprom.promql.syntax.format import one_line
from termprom.promql.syntax.parse import parse
from termprom.tui.figures import count
from termprom.tui.keymap import bind
from termprom.tui.panes.explain_nodes import (
    Measure,
    Node,
    NodeRow,
    children_first,
    label_counts,
    match_report,
    nodes_of,
    rows_of,
    words_of,
)
from termprom.tui.session import Session
from termprom.tui.widgets.columns import Column, RowModel
from termprom.tui.widgets.text_box import Fact, TextBox, facts
from termprom.tui.widgets.virtual_list import VirtualList

_AT_ONCE: Final = 3


class ExplainBox(Container):
    """The tree, and beside or below it what is known of the node under the cursor."""

    DEFAULT_CSS = """
    ExplainBox { layout: horizontal; height: 1fr; }
    ExplainBox TextBox { width: 40%; }
    ExplainBox.-narrow { layout: vertical; }
    ExplainBox.-narrow TextBox { width: 1fr; height: 40%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("explain.take", "take", show=True),
    ]

    class Taken(Message):
        """F5: the node under the cursor is to be the query."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, session: Session, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.session = session
        self._tree: Sequence[Node] = ()
        self._measures: dict[int, Measure] = {}
        self._recorded: Mapping[str, str] = {}  # expression to the rule that records it
        self.list = VirtualList(
            _model(), title="Explain", ascii_only=session.ascii, id="explain-nodes"
        )
        self.list.note = "measured by separate queries"
        self.list.say("no query yet")
        self._detail = TextBox("Node", id="explain-detail")
        self.list.add_class("box")
        self._detail.add_class("box")

    def compose(self) -> ComposeResult:
        yield self.list
        yield self._detail

    def on_resize(self) -> None:
        self.set_class(self.size.width < 110, "-narrow")

    @property
    def node_text(self) -> str:
        """The expression under the cursor, empty where there is none."""
        row = self.list.cursor_row
        return "" if row is None else row.node.text

    # --- Measuring ----------------------------------------------------------------------------

    async def measure(self, expr: str, at_ms: int) -> int:
        """Ask for every node; the number of nodes. Raises ParseError, BackendUnavailable."""
        self._tree = nodes_of(parse(expr))
        self._measures.clear()
        self._show()
        self._recorded = await self._recording_rules()
        slots = asyncio.Semaphore(_AT_ONCE)

        async def ask(node: Node) -> None:
            async with slots:
                self._measures[node.number] = await self._ask(node, at_ms)
            self._show()

        jobs = [asyncio.create_task(ask(node)) for node in children_first(self._tree)]
        try:
            await asyncio.gather(*jobs)
        finally:
            for job in jobs:
                job.cancel()
        return len(self._tree)

    async def _ask(self, node: Node, at_ms: int) -> Measure:
        clock = self.session.clock
        began = clock.monotonic()
        try:
            result = await self.session.backend.query(node.query, at_ms)
        except BackendUnavailable:
            raise
        except TermpromError as problem:
            return Measure(error=str(problem), seconds=clock.monotonic() - began)
        seconds = result.stats.duration_seconds or clock.monotonic() - began
        return Measure(tuple(result.labels), result.stats.samples, seconds)

    async def _recording_rules(self) -> Mapping[str, str]:
        backend = self.session.backend
        if not backend.offers(Feature.RULES):
            return {}
        found: dict[str, str] = {}
        try:
            groups = await backend.rules()
        except TermpromError:
            return {}
        for rule in (one for group in groups for one in group.rules if not one.is_alert):
            try:
                found[one_line(parse(rule.query))] = rule.name
            except ParseError:
                continue  # a newer server's syntax
        return found

    def _show(self) -> None:
        self.list.set_rows(rows_of(self._tree, self._measures))
        self._fill()

    def on_virtual_list_moved(self) -> None:
        self._fill()

    def _fill(self) -> None:
        row = self.list.cursor_row
        if row is not None:
            lines = self._facts(row)
            self._detail.fill(lambda width: facts(lines, width))

    def _facts(self, row: NodeRow) -> list[Fact]:
        node, own = row.node, row.measure
        found: list[Fact] = [("node", node.text), ("is", words_of(node.expr), "muted")]
        recorded = self._recorded.get(node.text)
        if recorded is not None:
            found.append(("recorded", f"as {recorded}, which costs less to ask for", "accent"))
        found.append(("type", type_of(node.expr).long_name))
        if own is None:
            return [*found, ("series", "not measured yet", "muted")]
        if own.error:
            return [*found, ("error", own.error, "critical")]
        found.append(("series", count(len(own.labels))))
        if isinstance(node.expr, ast.Binary) and len(node.parts) == 2:
            left, right = (self._measures.get(number) for number in node.parts)
            vectors = all(
                type_of(one) is ast.ValueType.VECTOR for one in (node.expr.left, node.expr.right)
            )
            if left is not None and right is not None and vectors:
                report = match_report(node.expr, left, right, own)
                found.append(("matching", "\n".join(report.lines())))
        for name, many, top in label_counts(own.labels)[:12]:
            values = ", ".join(f"{value} ({times})" for value, times in top)
            found.append(
                (name, f"{many} values: {values}" if many > 1 else values.rpartition(" ")[0])
            )
        return found

    def action_take(self) -> None:
        if self.node_text:
            self.post_message(self.Taken(self.node_text))


def _model() -> RowModel[NodeRow]:
    def series(row: NodeRow) -> str:
        if row.measure is None:
            return ""
        return "error" if row.measure.error else str(len(row.measure.labels))

    def samples(row: NodeRow) -> str:
        return "" if row.measure is None or not row.measure.samples else count(row.measure.samples)

    def milliseconds(seconds: float | None) -> str:
        return "" if seconds is None else f"{seconds * 1000:.1f}"

    return RowModel(
        (
            Column("node", "NODE", lambda row: row.name, width_min=16, width_max=200, flex=1,
                   middle=True),
            Column("series", "SERIES", series, right=True,
                   sort=lambda row: len(row.measure.labels) if row.measure else -1,
                   sort_descending=True),
            Column("samples", "SAMPLES", samples, right=True, rank=1,
                   sort=lambda row: row.measure.samples if row.measure else -1,
                   sort_descending=True),
            Column("self", "SELF ms", lambda row: milliseconds(row.self_seconds), right=True,
                   sort=lambda row: row.self_seconds or 0.0, sort_descending=True),
            Column("total", "TOTAL ms",
                   lambda row: milliseconds(row.measure.seconds if row.measure else None),
                   right=True, rank=2,
                   sort=lambda row: row.measure.seconds if row.measure else 0.0,
                   sort_descending=True),
        ),
        key=lambda row: row.node.number,
    )  # fmt: skip
