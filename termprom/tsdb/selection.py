"""What some matchers select, over all sources of a querier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from termprom.model.label_table import LabelTable
from termprom.model.labels import Labels
from termprom.model.values import Ints, Mask
from termprom.storage import Frame, HistogramFrame
from termprom.tsdb.components import START
from termprom.tsdb.histogram_frames import Part, gather, histogram_frames, since
from termprom.tsdb.merge import frames_of
from termprom.tsdb.source import ByTimeline, Picked, Piece, Source
from termprom.tsdb.starts import Starts, aligned_starts
from termprom.tsdb.union import Union

# Cells that are decoded at once: 16 MB, enough that the price of a batch does not show.
_BATCH_CELLS: Final = 1 << 21
_SMALL: Final = 64  # series that are one batch in any order
_EVERY_SERIES: Final = 1 << 40
_BEFORE_MS: Final = 300_000  # how far back the histogram before the first one may be


class TsdbSelection:
    """Implements storage.Selection. Fixed when it is made; samples are read batch by batch."""

    def __init__(self, sources: Sequence[Source], union: Union, start_ms: int, end_ms: int) -> None:
        self._sources = sources
        self._union = union
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._picked: list[tuple[Picked, Ints]] = []
        count = len(union.labels)
        present: Mask = np.zeros(union.place_count, dtype=np.bool_)
        self._rows: Ints = np.zeros(union.place_count, dtype=np.int64)
        for source, (series, places) in zip(sources, union.members, strict=True):
            if not series.size:
                continue
            picked = source.pick(series, start_ms, end_ms)
            present[places] |= picked.present
            self._rows[places] += picked.rows
            self._picked.append((picked, places))
        self._components = union.components
        self._present = present
        self._order = self._by_timeline(union.order)
        self._has_floats = present[:count]
        shown = self._has_floats
        if union.components is not None:
            shown = shown.copy()
            shown[union.components.bases[present[count:]]] = True
        if shown.all():
            self._labels: Sequence[Labels] = union.labels
            self._numbers: Ints | None = None
        else:
            self._labels = _some(union.labels, np.flatnonzero(shown))
            self._numbers = np.cumsum(shown) - 1
        if not self._has_floats.all():
            self._order = self._order[self._has_floats[self._order]]

    @property
    def labels(self) -> Sequence[Labels]:
        return self._labels

    def _by_timeline(self, order: Ints) -> Ints:
        """`order` with series that share times beside each other within their metric.

        Batches then hold whole targets: wide matrices instead of many narrow ones, which is worth
        half the time of a query over all of a hundred hosts' CPUs.
        """
        if order.size <= _SMALL:
            return order
        numbers = np.zeros(self._rows.size, dtype=np.int64)
        for picked, places in self._picked:
            if isinstance(picked, ByTimeline):
                numbers[places[picked.present]] = picked.timelines[picked.present]
        return order[np.lexsort((numbers[order], self._union.metrics[order]))]

    def frames(self, *, series_max: int = 4096) -> Iterator[Frame]:
        for batch in self._batches(self._order):
            starts = self._starts_of(batch)
            for frame in frames_of(_read(self._picked, batch, self._rows.size), series_max):
                starts_ms = None
                if starts is not None:
                    starts_ms = aligned_starts(frame.series, frame.times_ms, starts)
                series = frame.series if self._numbers is None else self._numbers[frame.series]
                yield Frame(series, frame.times_ms, frame.values, frame.dense, starts_ms)

    def histograms(self) -> Iterator[HistogramFrame]:
        found = self._components
        if found is None:
            return
        first = self._has_floats.size
        is_part = np.array([name != START for name in found.names], dtype=np.bool_)
        parts = np.flatnonzero(self._present[first:] & is_part)
        if not parts.size:
            return
        parts = parts[np.argsort(found.bases[parts], kind="stable")]
        picked = self._pick_early(first + parts)
        for batch in self._batches(first + parts, found.bases[parts]):
            bases = np.unique(found.bases[batch - first])
            starts = self._starts_of(bases)
            gathered: dict[int, list[Part]] = {place: [] for place in bases.tolist()}
            # Floats of the same series come between histograms: part of what is known of resets.
            read = np.concatenate([bases[self._has_floats[bases]], batch])
            for frame in frames_of(_read(picked, read, self._rows.size), _EVERY_SERIES):
                gather(frame, first, found, gathered)
            for place in bases.tolist():
                number = place if self._numbers is None else int(self._numbers[place])
                frames = histogram_frames(number, place, gathered[place], starts)
                yield from since(frames, self._start_ms)

    def _pick_early(self, components: Ints) -> list[tuple[Picked, Ints]]:
        """Components and the floats of their series, from some time before the range on.

        The first histogram of a range is compared with the one before it.
        """
        found = self._union.components
        assert found is not None
        wanted = np.zeros(self._rows.size, dtype=np.bool_)
        wanted[components] = True
        wanted[found.bases[components - len(self._union.labels)]] = True
        picked: list[tuple[Picked, Ints]] = []
        for source, (series, places) in zip(self._sources, self._union.members, strict=True):
            here = np.flatnonzero(wanted[places])
            if here.size:
                start_ms = self._start_ms - _BEFORE_MS
                picked.append((source.pick(series[here], start_ms, self._end_ms), places[here]))
        return picked

    def _starts_of(self, bases: Ints) -> Starts | None:
        """The start timestamps of these series, None where there are none at all."""
        if self._components is None:
            return None
        places = self._components.starts[bases]
        bases, places = bases[places >= 0], places[places >= 0]
        kept = self._present[places]
        if not kept.any():
            return None
        owner = dict(zip(places[kept].tolist(), bases[kept].tolist(), strict=True))
        pieces = _read(self._picked, places[kept], self._rows.size)
        return Starts.of(frames_of(pieces, _EVERY_SERIES), owner)

    def _batches(self, places: Ints, together: Ints | None = None) -> Iterator[Ints]:
        """`places` in runs of a batch of cells; those of one number in `together` stay together.

        Places run metric after metric, so that a page is decoded once.
        """
        ends = np.cumsum(self._rows[places])
        start = 0
        while start < places.size:
            before = int(ends[start - 1]) if start else 0
            end = int(np.searchsorted(ends, before + _BATCH_CELLS, side="right"))
            end = max(end, start + 1)
            if together is not None:
                end = int(np.searchsorted(together, together[end - 1], side="right"))
            yield places[start:end]
            start = end


def _some(labels: Sequence[Labels], places: Ints) -> Sequence[Labels]:
    if isinstance(labels, LabelTable):
        return labels.take(places)
    return [labels[place] for place in places.tolist()]


def _read(picked: Sequence[tuple[Picked, Ints]], batch: Ints, count: int) -> list[Piece]:
    """The pieces of the series in these of `count` places."""
    wanted = np.zeros(count, dtype=np.bool_)
    wanted[batch] = True
    pieces: list[Piece] = []
    for one, places in picked:
        chosen = np.flatnonzero(wanted[places])
        if chosen.size:
            pieces += (
                Piece(piece.timeline, places[piece.series], piece.times_ms, piece.bits)
                for piece in one.read(chosen)
            )
    return pieces
