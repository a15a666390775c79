"""A fixed range of an immutable snapshot: the blocks and the head as they were when it was made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from termprom.model.matchers import Matcher
from termprom.model.values import Ints
from termprom.tsdb.components import COMPONENT
from termprom.tsdb.selection import TsdbSelection
from termprom.tsdb.source import Source
from termprom.tsdb.union import UnionCache


class TsdbQuerier:
    """Implements storage.Querier.

    The series of a group are seen as of the first `select` that touches them in this querier;
    blocks and what the head still owns are fixed at the start.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        unions: UnionCache,
        start_ms: int,
        end_ms: int,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self._sources = sources
        self._unions = unions
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._on_close: Callable[[], None] | None = on_close

    def __repr__(self) -> str:
        return f"TsdbQuerier([{self._start_ms}, {self._end_ms}], {len(self._sources)} sources)"

    def __del__(self) -> None:
        self.close()

    def select(
        self,
        matchers: Sequence[Matcher],
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> TsdbSelection:
        start = self._start_ms if start_ms is None else max(start_ms, self._start_ms)
        end = self._end_ms if end_ms is None else min(end_ms, self._end_ms)
        sources = [source for source in self._sources if source.overlaps(start, end)]
        return TsdbSelection(sources, self._unions.get(sources, matchers), start, end)

    def label_names(self, matchers: Sequence[Matcher] = (), *, limit: int = 0) -> list[str]:
        found: set[str] = set()
        for source in self._sources:
            found |= source.index.names(self._among(source, matchers))
        return sorted(found - {COMPONENT})[: limit or None]

    def label_values(
        self, name: str, matchers: Sequence[Matcher] = (), *, limit: int = 0
    ) -> list[str]:
        found: set[str] = set()
        if name == COMPONENT:
            return []
        for source in self._sources:
            found |= source.index.values(name, self._among(source, matchers))
        return sorted(found)[: limit or None]

    def close(self) -> None:
        done, self._on_close = self._on_close, None
        if done is not None:
            self._sources = ()
            done()

    def _among(self, source: Source, matchers: Iterable[Matcher]) -> Ints | None:
        """The matching series with samples in the range; None: all of the source's.

        Without matchers the whole source answers, as upstream: the range is that of its blocks.
        """
        chosen = list(matchers)
        if not chosen:
            return None
        series = source.select(chosen)
        present = source.pick(series, self._start_ms, self._end_ms).present
        return series[np.flatnonzero(present)]
