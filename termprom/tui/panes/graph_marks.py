"""What happened while a graph's values were measured: alerts and restarts, as marks below its axis.

Alerts come from the series `ALERTS`, which every rule engine writes, restarts from
`process_start_time_seconds` of the processes that the shown series are about. Pure: what to ask
for, and what the answers mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from termprom.model.labels import Labels, quote
from termprom.model.result import QueryResult
from termprom.tui.cells import inert, width_of
from termprom.tui.glyphs import Glyphs
from termprom.tui.plot.cells import Ink
from termprom.tui.plot.chart import Mark

MARKS_MAX: Final = 40
_VALUES_MAX: Final = 20  # of one label in the question about restarts
_TEXT_MAX: Final = 24
_EVENT: Final = "▾"


def alerts_query(alert: str) -> str:
    """The states of one alert, or of all."""
    return f"ALERTS{{alertname={quote(alert)}}}" if alert else "ALERTS"


def restarts_query(labels: Sequence[Labels]) -> str:
    """The start times of the processes behind these series; empty where that cannot be told."""
    for name in ("instance", "job"):
        values = {one.get(name) for one in labels} - {""}
        if values and len(values) <= _VALUES_MAX and all(one.get(name) for one in labels):
            wanted = "|".join(_literal(value) for value in sorted(values))
            return f"process_start_time_seconds{{{name}=~{quote(wanted)}}}"
    return ""


def _literal(value: str) -> str:
    """The value as a pattern that matches it and nothing else."""
    return "".join(c if c.isalnum() or c in "_-:/ " or ord(c) > 127 else "\\" + c for c in value)


def alert_marks(result: QueryResult, signs: Glyphs, *, named: bool) -> list[Mark]:
    """Where an alert became pending, began to fire, and was over. `named`: say which it was."""
    times, steps = result.times_ms, result.times_ms.size
    states: dict[Labels, np.ndarray[tuple[int, ...], np.dtype[np.int8]]] = {}
    for number, labels in enumerate(result.labels):
        state = 2 if labels.get("alertstate") == "firing" else 1
        own = labels.without("__name__", "alertstate")
        level = states.setdefault(own, np.zeros(steps, np.int8))
        np.maximum(level, np.where(result.present[number], state, 0).astype(np.int8), out=level)
    seen: dict[tuple[int, int], list[str]] = {}
    for labels, level in states.items():
        for step in (np.flatnonzero(np.diff(level)) + 1).tolist():
            seen.setdefault((int(times[step]), int(level[step])), []).append(
                labels.get("alertname")
            )
    words = {
        2: (signs.firing, "fires", Ink.MARK_FIRING),
        1: (signs.pending, "pending", Ink.MARK_PENDING),
        0: (signs.inactive, "over", Ink.MARK),
    }
    marks = []
    for (at_ms, state), names in sorted(seen.items()):
        glyph, word, ink = words[state]
        text = f"{_counted(names)} {word}" if named else word
        marks.append(Mark(at_ms, glyph, _plain(text), int(ink)))
    return marks[-MARKS_MAX:]


def restart_marks(result: QueryResult, signs: Glyphs) -> list[Mark]:
    """Where a start time is another one than at the step before."""
    found: dict[int, list[str]] = {}
    times = result.times_ms
    for number, labels in enumerate(result.labels):
        seen = np.flatnonzero(result.present[number])
        values = result.values[number, seen]
        for place in (np.flatnonzero(np.diff(values) != 0) + 1).tolist():
            name = labels.get("instance") or labels.get("job")
            found.setdefault(int(times[seen[place]]), []).append(name)
    glyph = _EVENT if signs.firing == "●" else "v"
    return [
        Mark(at_ms, glyph, _plain(f"restart {_counted(names)}"), int(Ink.MARK))
        for at_ms, names in sorted(found.items())
    ][-MARKS_MAX:]


def _counted(names: Iterable[str]) -> str:
    different = list(dict.fromkeys(names))
    total = len(different)
    return different[0] if total == 1 else f"{different[0]} and {total - 1} more"


def _plain(text: str) -> str:
    """Inert, and every character one cell wide."""
    return "".join(c if width_of(c) == 1 else "?" for c in inert(text))[:_TEXT_MAX]
