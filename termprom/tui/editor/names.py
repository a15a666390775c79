"""Finding a name among a hundred thousand while somebody types it.

Names that begin with the typed text come first (bisect on the sorted names), then those with a
word that does (`rate_total` finds `a_rate_total`), then those that hold it anywhere. The latter two
are one search through all names joined to one string, which stops at the limit. A search that finds
next to nothing looks for the typed letters in order, over a bounded number of names.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

_ENOUGH: Final = 5  # with fewer hits the letters are searched for in order
_IN_ORDER_MAX: Final = 500  # names that such a search looks at
_SCAN_MAX: Final = 2_000  # hits that are looked at for the beginning of a word


class NameIndex:
    """Names without repetition, searched without regard to case."""

    def __init__(self, names: Iterable[str]) -> None:
        # Sorted by what is compared; the joined string holds the same in the same order.
        pairs = sorted({name.replace("\n", " "): name for name in names}.items(), key=_folded)
        self._names = [name for _, name in pairs]
        self._lower = [shown.lower() for shown, _ in pairs]
        self._joined = "\n" + "\n".join(self._lower) + "\n"
        self._starts: list[int] = []
        at = 1
        for lower in self._lower:
            self._starts.append(at)
            at += len(lower) + 1

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"NameIndex({len(self)} names)"

    def find(self, typed: str, limit: int = 50) -> list[str]:
        """At most `limit` names, the best first."""
        wanted = typed.lower()
        if not wanted:
            return self._names[:limit]
        first = bisect_left(self._lower, wanted)
        last = first
        while last < len(self) and last - first < limit and self._lower[last].startswith(wanted):
            last += 1
        found = dict.fromkeys(range(first, last))
        if len(found) < limit:
            for place in self._inside(wanted, limit):
                found.setdefault(place)
        if len(found) < min(_ENOUGH, limit) and len(wanted) > 1:
            for place in self._in_order(wanted):
                found.setdefault(place)
        return [self._names[place] for place in list(found)[:limit]]

    def _inside(self, wanted: str, limit: int) -> list[int]:
        """Places of the names that hold `wanted`, those at the beginning of a word first."""
        words: list[int] = []
        others: list[int] = []
        joined, at = self._joined, 0
        for _ in range(_SCAN_MAX):
            at = joined.find(wanted, at)
            if at < 0 or len(words) >= limit:
                break
            place = bisect_left(self._starts, at + 1) - 1
            (words if joined[at - 1] in "_:\n" else others).append(place)
            at += len(wanted)
        return words + others

    def _in_order(self, wanted: str) -> list[int]:
        pattern = re.compile(".*?".join(map(re.escape, wanted)), re.DOTALL)
        first = bisect_left(self._lower, wanted[0])
        found = []
        for place in range(first, min(first + _IN_ORDER_MAX, len(self))):
            if not self._lower[place].startswith(wanted[0]):
                break
            if pattern.match(self._lower[place]) is not None:
                found.append(place)
        return found


def _folded(pair: tuple[str, str]) -> tuple[str, str]:
    return pair[0].lower(), pair[0]
