"""Which rows of a list are shown, and in which order: filter, sort, groups, and the held order.

Live rows come many times a minute. While an operator reads in the middle of the list nothing may
move: values change in place, rows that are gone stay (marked), rows that are new wait. `pending`
counts what would change; `apply` lets it happen.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from termprom.tui.filters import Filter
from termprom.tui.widgets.columns import RowModel, SearchableRow

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class GroupLine:
    """The heading of a group of rows."""

    name: str
    count: int
    folded: bool


Line = Hashable  # a GroupLine, or the key of a row
Grouping = Callable[[R], str]


class RowOrder(Generic[R]):
    """The lines of a list, in order. Lines are group headings and row keys."""

    def __init__(self, model: RowModel[R]) -> None:
        self.model = model
        self.filter = Filter()
        self.keep: Callable[[R], bool] | None = None  # a pane's own filter ("problems only")
        self.sort_id = ""
        self.descending = False
        self.group: Grouping[R] | None = None
        self.folded: set[str] = set()
        self.lines: list[Line] = []
        self.pending = 0
        self.total = 0
        self._arrived: Sequence[R] = ()
        self._rows: dict[Hashable, R] = {}
        self._gone: set[Hashable] = set()
        self._taken: Sequence[R] | None = None  # what `_rows` was made of
        self._seen: dict[int, SearchableRow[R]] = {}  # by the identity of the row

    def __repr__(self) -> str:
        return f"RowOrder({len(self.lines)} lines of {self.total} rows, {self.pending} pending)"

    def put(self, rows: Sequence[R], *, hold: bool) -> None:
        """Take new rows; `hold` keeps the shown lines as they are, but for their values."""
        self._arrived = rows
        self._seen.clear()
        self.total = len(rows)
        if hold and self.lines:
            self._hold(rows)
        else:
            self.apply()

    def _hold(self, rows: Sequence[R]) -> None:
        new = dict(zip(map(self.model.key, rows), rows, strict=True))
        shown = {line for line in self.lines if not isinstance(line, GroupLine)}
        self._gone = shown - new.keys()
        order = self._ordered(new)
        kept = [line for line in self.lines if not isinstance(line, GroupLine)]
        moved = sum(a != b for a, b in zip(kept, order, strict=False))
        self.pending = max(moved, abs(len(order) - len(kept))) if kept != order else 0
        if self.group is not None:
            # Folded rows are not among the lines; only real arrivals and departures count.
            self.pending = len(self._gone) + sum(one not in self._rows for one in order)
        self._rows |= new
        self._taken = None

    def apply(self) -> None:
        """Show the newest rows in their right order."""
        arrived = self._arrived
        if self._taken is not arrived:
            self._rows = dict(zip(map(self.model.key, arrived), arrived, strict=True))
            self._taken = arrived
        self._gone = set()
        self.pending = 0
        ordered = self._ordered(self._rows)
        if self.group is None:
            self.lines = ordered
        else:
            self.lines = self._grouped([self._rows[key] for key in ordered])

    def _passes(self, row: R) -> bool:
        if self.keep is not None and not self.keep(row):
            return False
        return not self.filter or self.filter.matches(self._searchable(row))

    def _searchable(self, row: R) -> SearchableRow[R]:
        """As a filter sees it; kept, since each typed letter looks at every row again."""
        found = self._seen.get(id(row))
        if found is None or found.row is not row:
            found = self._seen[id(row)] = SearchableRow(self.model, row)
        return found

    def _ordered(self, rows: Mapping[Hashable, R]) -> list[Line]:
        """The keys of the rows that pass, sorted. Runs over 100,000 rows at every sort: each row
        is looked at once, and not at all where nothing asks for it.
        """
        keys: list[Line] = list(rows)
        values = list(rows.values())
        if self.keep is not None or self.filter:
            kept = [place for place, row in enumerate(values) if self._passes(row)]
            keys, values = [keys[place] for place in kept], [values[place] for place in kept]
        column = self.model.column(self.sort_id)
        if column is None:
            return keys
        # By places, because keys of rows are long to hash.
        by = list(map(column.text if column.sort is None else column.sort, values))
        order = sorted(range(len(by)), key=by.__getitem__, reverse=self.descending)
        return [keys[place] for place in order]

    def _grouped(self, rows: Sequence[R]) -> list[Line]:
        assert self.group is not None
        groups: dict[str, list[R]] = {}
        for row in rows:
            groups.setdefault(self.group(row), []).append(row)
        lines: list[Line] = []
        for name, members in groups.items():
            folded = name in self.folded
            lines.append(GroupLine(name, len(members), folded))
            if not folded:
                lines.extend(self.model.key(row) for row in members)
        return lines

    # --- Asking -------------------------------------------------------------------------------

    @property
    def shown(self) -> int:
        """How many rows pass the filter, folded ones included."""
        if self.group is None:
            return len(self.lines)
        return sum(line.count for line in self.lines if isinstance(line, GroupLine))

    def row(self, line: Line) -> R | None:
        """The row behind a line; None for a heading."""
        return None if isinstance(line, GroupLine) else self._rows.get(line)

    def members(self, heading: GroupLine) -> Sequence[R]:
        """The rows of a group, folded or not."""
        group = self.group
        if group is None:
            return ()
        return [one for one in self._rows.values() if group(one) == heading.name
                and self._passes(one)]  # fmt: skip

    def is_gone(self, line: Line) -> bool:
        return line in self._gone

    def index_of(self, line: Line | None, fallback: int) -> int:
        """Where the line is now; a heading is found by its name."""
        wanted = line.name if isinstance(line, GroupLine) else None
        for index, one in enumerate(self.lines):
            if one == line or (wanted and isinstance(one, GroupLine) and one.name == wanted):
                return index
        return max(min(fallback, len(self.lines) - 1), 0)

    def toggle_fold(self, name: str) -> None:
        self.folded ^= {name}
        self.apply()
