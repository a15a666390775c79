"""Dialogs that end in another expression: one that was run before, and a split by a label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from termprom.errors import TermpromError
from termprom.model.labels import METRIC_NAME
from termprom.promql.syntax.format import one_line
from termprom.promql.syntax.parse import parse
from termprom.tui.editor.context import selectors_in
from termprom.tui.figures import age
from termprom.tui.messages import Said
from termprom.tui.panes.query_split import grouped_labels, split_by

if TYPE_CHECKING:
    from termprom.tui.editor.history import Entry
    from termprom.tui.panes.pane import Pane

HISTORY_SHOWN: Final = 2_000

Take = Callable[[str], None]


def ask_history(pane: Pane, entries: Sequence[Entry], take: Take) -> None:
    """Search what was run before: words in any order, also of the server's name."""
    from termprom.tui.screens.rows_dialog import Entry as Line
    from termprom.tui.screens.rows_dialog import RowsDialog

    if not entries:
        pane.post_message(Said("no query was run yet"))
        return
    now_ms = pane.session.now_ms()
    lines = [
        Line(str(place), f"{age(one.at_ms, now_ms)} ago", " ".join(one.text.split()),
             f"failed {one.server}" if one.failed else one.server)
        for place, one in enumerate(entries)
    ]  # fmt: skip

    def chosen(text: str | None) -> None:
        if text is not None:
            take(entries[int(text.split(" ")[0])].text)

    dialog = RowsDialog(
        "History: words in any order, enter takes", lines,
        ascii_only=pane.session.ascii, typing=True, words_only=True,
    )  # fmt: skip
    pane.app.push_screen(dialog, chosen)


async def ask_split(pane: Pane, expr: str, take: Take) -> None:
    """Choose a label; taken is the expression with it in the grouping, or without it."""
    from termprom.tui.screens.chooser import Chooser

    session = pane.session
    try:
        tree = parse(expr)
        start, end = session.range.bounds(session.now_ms())
        found = await session.backend.label_names(selectors_in(expr), start, end)
    except TermpromError as problem:
        pane.post_message(Said(str(problem), "warning"))
        return
    kept = grouped_labels(tree)
    names = {
        name: f"{name}  (split by it)" if name in kept else name
        for name in found.names
        if name != METRIC_NAME
    }
    if not names:
        pane.post_message(Said("these series have no labels"))
        return

    def chosen(label: str | None) -> None:
        if label is not None:
            take(one_line(split_by(tree, label)))

    pane.app.push_screen(Chooser("by label", names), chosen)
