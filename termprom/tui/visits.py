"""The history of panes, as a browser has one: pure."""

from __future__ import annotations


class Visits:
    """Pane ids in the order of the visits, and the place among them; a new visit ends what lay
    ahead.
    """

    def __init__(self) -> None:
        self._panes: list[str] = []
        self._at = -1

    def __repr__(self) -> str:
        return f"Visits({' '.join(self._panes)}, at {self._at})"

    @property
    def came_from(self) -> str:
        """The pane before this one; empty where there is none."""
        return self._panes[self._at - 1] if self._at > 0 else ""

    def visit(self, pane_id: str) -> None:
        """Another pane is shown; the same one again is no visit."""
        if self._at < 0 or self._panes[self._at] != pane_id:
            self._panes[self._at + 1 :] = [pane_id]
            self._at += 1

    def step(self, by: int) -> str:
        """Go `by` visits back or forward: to which pane. Empty: the history ends before that."""
        if not 0 <= self._at + by < len(self._panes):
            return ""
        self._at += by
        return self._panes[self._at]
