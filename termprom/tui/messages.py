"""What widgets tell the app: the vocabulary between panes, all past or wished-for events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.message import Message

from termprom.model.labels import Labels
from termprom.tui.session import TimeRange
from termprom.views import AlertView, SilenceView, StatusView, TargetsView


@dataclass
class OpenPane(Message):
    """Show the pane with this id; `argument` goes to its `open` method where it is not None."""

    pane_id: str
    argument: object = None


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """An expression for the Query pane; the argument of OpenPane("query", ...).

    `thresholds` are horizontal lines (value, label); `graph` opens the graph tab, else the table.
    `alert` is the name of the alert that it is the expression of.
    """

    expr: str
    graph: bool = True
    thresholds: tuple[tuple[float, str], ...] = ()
    range: TimeRange | None = None
    alert: str = ""


@dataclass
class RangeChosen(Message):
    """The shared time range is to change; panes hear of it through `refresh_view`."""

    range: TimeRange


@dataclass
class CopyWanted(Message):
    """Put `text` on the operator's clipboard; `what` names it in the confirmation."""

    text: str
    what: str


@dataclass
class SilenceWanted(Message):
    """Open the silence form for these alerts, by their labels, or for a silence that there is."""

    meant: Sequence[Labels] = ()
    title: str = ""
    silence: SilenceView | None = None


@dataclass
class SilenceEnded(Message):
    """The silence with this id is to end now; the operator has agreed."""

    silence_id: str


@dataclass
class Looked(Message):
    """A pane has taken pictures that the status line counts in; None where this end has none."""

    alerts: Sequence[AlertView] | None
    targets: TargetsView | None
    status: StatusView | None


@dataclass
class Said(Message):
    """One line for the operator, shown for a few seconds."""

    text: str
    severity: str = "information"  # information, warning, error
