"""What some matchers select, over all sources of a querier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from termprom.model.labels import Labels
from termprom.model.values import Ints, Mask
from termprom.storage import Frame, HistogramFrame
from termprom.tsdb.merge import frames_of
from termprom.tsdb.source import Picked, Piece, Source
from termprom.tsdb.union import Union

# Cells that are decoded at once: 16 MB, enough that the price of a batch does not show.
_BATCH_CELLS: Final = 1 << 21


class TsdbSelection:
    """Implements storage.Selection. Fixed when it is made; samples are read batch by batch."""

    def __init__(self, sources: Sequence[Source], union: Union, start_ms: int, end_ms: int) -> None:
        self._picked: list[tuple[Picked, Ints]] = []
        count = len(union.labels)
        present: Mask = np.zeros(count, dtype=np.bool_)
        self._rows: Ints = np.zeros(count, dtype=np.int64)
        for source, (series, places) in zip(sources, union.members, strict=True):
            if not series.size:
                continue
            picked = source.pick(series, start_ms, end_ms)
            present[places] |= picked.present
            self._rows[places] += picked.rows
            self._picked.append((picked, places))
        self._order = union.order
        if present.all():
            self._labels: Sequence[Labels] = union.labels
            self._numbers: Ints | None = None
        else:
            kept = np.flatnonzero(present)
            self._labels = [union.labels[place] for place in kept.tolist()]
            self._numbers = np.cumsum(present) - 1
            self._order = self._order[present[self._order]]

    @property
    def labels(self) -> Sequence[Labels]:
        return self._labels

    def frames(self, *, series_max: int = 4096) -> Iterator[Frame]:
        for batch in self._batches(series_max):
            wanted = np.zeros(self._rows.size, dtype=np.bool_)
            wanted[batch] = True
            pieces: list[Piece] = []
            for picked, places in self._picked:
                chosen = np.flatnonzero(wanted[places])
                if not chosen.size:
                    continue
                pieces += (
                    Piece(piece.timeline, places[piece.series], piece.times_ms, piece.bits)
                    for piece in picked.read(chosen)
                )
            for frame in frames_of(pieces, series_max):
                if self._numbers is None:
                    yield frame
                else:
                    series = self._numbers[frame.series]
                    yield Frame(series, frame.times_ms, frame.values, frame.dense)

    def histograms(self) -> Iterator[HistogramFrame]:
        return iter(())

    def _batches(self, series_max: int) -> Iterator[Ints]:
        """Places in runs of one metric after the other, so that a page is decoded once."""
        ends = np.cumsum(self._rows[self._order])
        start = 0
        while start < self._order.size:
            before = int(ends[start - 1]) if start else 0
            end = int(np.searchsorted(ends, before + _BATCH_CELLS, side="right"))
            end = max(end, start + 1)
            yield self._order[start:end]
            start = end
