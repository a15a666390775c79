"""Short ways to a store and to pushes."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry

from termprom.errors import PushError
from termprom.push.grouping import GroupingKey, parse_path
from termprom.push.store import CHECKED, PushOptions, PushStore
from termprom.testing.clock import ManualClock

BEGAN_MS = 1_700_000_000_000


class Pushes:
    """A store whose clock moves on by a second with each push."""

    def __init__(
        self,
        path: Path | None = None,
        registry: CollectorRegistry | None = None,
        options: PushOptions = CHECKED,
    ) -> None:
        self.clock = ManualClock(BEGAN_MS)
        self.heard: list[str] = []
        self.store = PushStore(
            path,
            clock=self.clock,
            registry=registry or CollectorRegistry(),
            on_change=self.heard.append,
            options=options,
        )

    def put(self, path: str, body: str) -> str:
        """The words of the refusal; empty when the push was accepted."""
        return self._push(path, body, replace=True)

    def post(self, path: str, body: str) -> str:
        return self._push(path, body, replace=False)

    def _push(self, path: str, body: str, *, replace: bool) -> str:
        self.clock.set(self.clock.now_ms() + 1000)
        try:
            families = self.store.parse(body.encode(), "")
            self.store.push(self.key(path), families, replace=replace)
        except PushError as problem:
            return str(problem)
        return ""

    def key(self, path: str) -> GroupingKey:
        utf8_names = self.store.options.utf8_names
        return parse_path(f"/metrics/{path}", utf8_names=utf8_names)

    def delete(self, path: str) -> None:
        self.store.delete(self.key(path))

    def lines(self, *names: str) -> list[str]:
        """The samples of the page whose line begins with one of `names`; all without the generated
        ones where there are none.
        """
        samples = [line for line in self.page().splitlines() if not line.startswith("#")]
        if names:
            return [line for line in samples if line.startswith(names)]
        return [line for line in samples if not line.startswith("push_")]

    def times(self, path: str) -> tuple[int, int]:
        """Seconds since the start of the clock of the last good and the last failed push of a
        group; 0 for never.
        """
        key = parse_path(f"/metrics/{path}")
        group = next(group for group in self.store.groups() if group.key == key)
        good, failed = (at and (at - BEGAN_MS) // 1000 for at in (group.pushed_ms, group.failed_ms))
        return good, failed

    def group_names(self) -> list[str]:
        return [str(group.key) for group in self.store.groups()]

    def page(self) -> str:
        return self.store.render().decode()
