"""What was looked at, kept per server, so that a screen that was lost comes back as it was.

    {"pane": "query", "expr": "up", "tab": "graph", "span_ms": 3600000, "end_ms": null, ...}

A small JSON file in the state folder, named by a digest of the server. A file that cannot be read
is as good as none: the screen then begins at Home.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from termprom.views import StatusView

FRESH_MS: Final = 12 * 3_600_000  # what is older than this is another shift's business
_FOLDER: Final = "views"


@dataclass(frozen=True, slots=True)
class ViewState:
    """One screen. `choices` are the graph's, by name."""

    pane: str = ""
    expr: str = ""
    tab: str = ""
    alert: str = ""
    thresholds: Sequence[tuple[float, str]] = ()
    span_ms: int = 0
    end_ms: int | None = None
    zone: str = ""
    choices: tuple[tuple[str, str | int | bool], ...] = ()
    filters: tuple[tuple[str, str], ...] = ()  # of the pane's lists, by their ids
    saved_ms: int = 0


def server_key(name: str, status: StatusView) -> str:
    """The same for one engine, whether the screen is in its process or attached to it."""
    if status.hostname and status.data_folder:
        return f"{status.hostname}:{status.data_folder}"
    return name


def view_path(state_folder: Path, key: str) -> Path:
    return state_folder / _FOLDER / f"{hashlib.sha256(key.encode()).hexdigest()[:20]}.json"


def load_view(path: Path, now_ms: int) -> ViewState | None:
    """Blocking. None where there is none, or only one of long ago."""
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        state = _state(tree)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return state if now_ms - state.saved_ms < FRESH_MS else None


def save_view(path: Path, state: ViewState) -> None:
    """Blocking, whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(asdict(state)), encoding="utf-8")
    draft.replace(path)


def forget_view(path: Path) -> None:
    """The operator has left for good: the next screen begins at Home."""
    path.unlink(missing_ok=True)


def _state(tree: Any) -> ViewState:
    if not isinstance(tree, dict):
        raise TypeError("not a view")
    known = {one.name for one in fields(ViewState)}
    given = {name: value for name, value in tree.items() if name in known}
    for name in ("pane", "expr", "tab", "alert", "zone"):
        if not isinstance(given.get(name, ""), str):
            raise TypeError(name)
    for name in ("span_ms", "saved_ms"):
        given[name] = int(given.get(name, 0))
    if given.get("end_ms") is not None:
        given["end_ms"] = int(given["end_ms"])
    lines = given.get("thresholds", ())
    given["thresholds"] = tuple((float(value), str(label)) for value, label in lines)
    given["choices"] = tuple((str(name), value) for name, value in given.get("choices", ()))
    given["filters"] = tuple((str(a), str(b)) for a, b in given.get("filters", ()))
    return ViewState(**given)
