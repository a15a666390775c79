"""The panes there are, by name; each is imported on its first visit."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Final

from termprom.tui.panes.pane import Pane
from termprom.tui.widgets.pane_bar import PaneName


@dataclass(frozen=True, slots=True)
class PaneEntry:
    name: PaneName
    module: str
    class_name: str

    def load(self) -> type[Pane]:
        loaded = getattr(importlib.import_module(self.module), self.class_name)
        assert isinstance(loaded, type)
        assert issubclass(loaded, Pane)
        return loaded


def _entry(pane_id: str, key: str, title: str, short: str, class_name: str) -> PaneEntry:
    module = f"termprom.tui.panes.{pane_id}"
    return PaneEntry(PaneName(pane_id, key, title, short), module, class_name)


_ALL: Final = (
    _entry("home", "1", "Home", "", "HomePane"),
    _entry("alerts", "2", "Alerts", "", "AlertsPane"),
    _entry("query", "3", "Query", "", "QueryPane"),
    _entry("targets", "5", "Targets", "Targ", "TargetsPane"),
    _entry("rules", "6", "Rules", "", "RulesPane"),
    _entry("tsdb", "7", "TSDB", "", "TsdbPane"),
    _entry("config", "8", "Config", "Conf", "ConfigPane"),
    _entry("logs", "9", "Logs", "", "LogsPane"),
    _entry("metrics", "0", "Metrics", "Metr", "MetricsPane"),
)


def pane_entries() -> dict[str, PaneEntry]:
    """By pane id, in the order of the digits; only those whose module this build has."""
    return {one.name.id: one for one in _ALL if importlib.util.find_spec(one.module) is not None}
