"""The groups that were pushed: what they are, when they changed, and the file that keeps them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from termprom.clock import Clock
from termprom.errors import PushError
from termprom.exposition.families import MetricFamily
from termprom.exposition.write import write_text
from termprom.push.bodies import parse_body
from termprom.push.consistency import (
    TIMESTAMPED,
    describe_conflicts,
    describe_problems,
    find_conflicts,
    has_timestamps,
    twin_of,
)
from termprom.push.gather import gather
from termprom.push.group import PushGroup, with_group_labels
from termprom.push.grouping import GroupingKey
from termprom.push.journal import Groups, Journal
from termprom.push.metrics import PushMetrics, own_families
from termprom.push.queue import WriteQueue
from termprom.views import PushGroupView

log = logging.getLogger("termprom.push")


def _nobody(text: str) -> None:
    """Stands in where nobody wants to hear of changes."""


@dataclass(frozen=True, slots=True)
class PushOptions:
    """checked: a push that contradicts another group is refused; utf8_names: any names are taken"""

    checked: bool = True
    utf8_names: bool = False


CHECKED: Final = PushOptions()


class PushStore:
    """Groups by key. Writes come one at a time and block; readers see whole pushes only.

    An accepted push is in the file, synced, when `push` returns. All methods may be called from
    any thread. `on_change` gets a sentence, on the event loop that uses the queue.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        clock: Clock,
        registry: CollectorRegistry,
        on_change: Callable[[str], None] = _nobody,
        options: PushOptions = CHECKED,
    ) -> None:
        """Loads the groups from `path`; None keeps them in memory only. Blocking.

        A file that cannot be read is logged, and the store starts empty and unsaved.
        """
        self.options = options
        self.metrics = PushMetrics(registry)
        self.queue = WriteQueue()
        self.started_ms = clock.now_ms()
        self._clock = clock
        self._on_change = on_change
        self._lock = threading.Lock()
        self._groups: Groups = {}
        self._journal = Journal(path) if path is not None else None
        if self._journal is not None:
            try:
                self._groups = self._journal.load()
            except OSError as problem:
                fields = {"file": path, "error": problem.strerror}
                log.error("could not load persisted metrics", extra={"fields": fields})
                self._journal = None

    def __repr__(self) -> str:
        return f"PushStore({len(self._groups)} groups)"

    def parse(self, body: bytes, content_type: str) -> list[MetricFamily]:
        """The families of a body. Raises PushError."""
        return parse_body(body, content_type, utf8_names=self.options.utf8_names)

    def push(self, key: GroupingKey, families: Sequence[MetricFamily], *, replace: bool) -> None:
        """PUT (`replace`) puts them in place of the group, POST in place of its families of the
        same names. Raises PushError; then nothing changed but perhaps the failure time.
        """
        now_ms = self._clock.now_ms()
        with self._lock:
            others = [group for group in self._groups.values() if group.key != key]
            before = self._groups.get(key, PushGroup(key))
            complete = with_group_labels(families, key)
            after = before.pushed(complete, now_ms, keep=not replace)
            problems = [TIMESTAMPED] if has_timestamps(families) else []
            if self.options.checked and not problems:
                problems = find_conflicts(after, complete, others, self._own(complete))
            if problems:
                self._note_failure(before.refused(now_ms), others)
                raise PushError(describe_conflicts(problems))
            self._commit([after])
        self._tell(f"pushed: {key}")

    def delete(self, key: GroupingKey) -> None:
        """Forget the group with exactly this key, if there is one. Raises PushError."""
        with self._lock:
            if key not in self._groups:
                return
            self._commit([key])
        self._tell(f"deleted: {key}")

    def wipe(self) -> None:
        """Forget every group. Raises PushError."""
        with self._lock:
            self._commit(list(self._groups))
        self._tell("all groups deleted")

    def groups(self) -> tuple[PushGroup, ...]:
        """All groups, sorted by key."""
        return tuple(sorted(self._groups.values(), key=lambda group: group.key))

    def gather(self, own: Sequence[MetricFamily] = ()) -> list[MetricFamily]:
        """Everything pushed, merged with `own` families of the process.

        Raises PushError where it contradicts itself, which only unchecked pushes can bring about.
        """
        groups = self.groups()
        if not self.options.checked:
            self._require_consistent(groups)
        return gather(groups, own)

    def _require_consistent(self, groups: Sequence[PushGroup]) -> None:
        problems: list[str] = []
        for number, group in enumerate(groups):
            families = [stored.family for stored in group.families.values()]
            problems += find_conflicts(group, families, groups[:number], self._own(families))
        if problems:
            raise PushError(describe_problems(problems), 500)

    def render(self) -> bytes:
        """Everything pushed as text format 0.0.4, without the process's own metrics. Blocking.

        Raises PushError as `gather`.
        """
        return write_text(self.gather())

    def view(self) -> tuple[PushGroupView, ...]:
        return tuple(
            PushGroupView(
                labels=group.key.labels(),
                series=sum(len(one.family.samples) for one in group.families.values()),
                last_push_ms=max(group.pushed_ms, group.failed_ms),
                last_push_ok=group.last_push_ok,
                families={name: one.family.metadata for name, one in group.families.items()},
            )
            for group in self.groups()
        )

    def close(self) -> None:
        """Finish what is queued and let go of the file. Blocking."""
        self.queue.close()
        with self._lock:
            if self._journal is not None:
                self._journal.close()

    def _tell(self, text: str) -> None:
        loop = self.queue.loop
        if loop is None:
            self._on_change(text)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(self._on_change, text)

    def _own(self, families: Sequence[MetricFamily]) -> list[MetricFamily]:
        names = {sample.labels.metric for family in families for sample in family.samples}
        names.update(family.name for family in families)
        return own_families(self.metrics.registry, names)

    def _note_failure(self, group: PushGroup, others: Sequence[PushGroup]) -> None:
        """A refused push makes a group too, unless its generated series exist in another one:
        upstream makes it even then, and breaks its own exposition.
        """
        if twin_of(group, others) is None:
            self._commit([group])

    def _commit(self, changes: Sequence[PushGroup | GroupingKey]) -> None:
        """To disk first. The dictionary is replaced, never changed: readers hold the old one."""
        groups = dict(self._groups)
        for change in changes:
            if isinstance(change, GroupingKey):
                groups.pop(change, None)
            else:
                groups[change.key] = change
        if self._journal is not None:
            self._journal.write(changes, groups)
        self._groups = groups
