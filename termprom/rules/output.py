"""The series that a rule group writes: one storage group, one row per evaluation time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np

from termprom.errors import ColumnsDropped
from termprom.model.histogram import FloatHistogram
from termprom.model.labels import Labels
from termprom.model.values import STALE_BITS, Ints, Values, full_of
from termprom.rules.recording import Samples
from termprom.storage import Appended, Group, HistogramSample, Storage

_IDENTITY: Final = "__rule_group__"


def identity_of(key: str) -> Labels:
    """The storage group of the rule group `file;name`."""
    return Labels.of({_IDENTITY: key})


class Output:
    """A rule group's door into the store.

    A series that one rule stopped writing gets a stale marker; where another rule wrote it at the
    same time the store rejects the marker, which is what should happen.
    """

    def __init__(self, storage: Storage, key: str) -> None:
        self._group: Group = storage.group(identity_of(key))
        self._columns: dict[Labels, int] = {}

    def write(self, time_ms: int, samples: Samples) -> Appended:
        """Raises StorageError; nothing is stored then."""
        if not samples:
            return Appended()
        floats = {one: value for one, value in samples.items() if isinstance(value, float)}
        values = np.fromiter(floats.values(), np.float64)
        if len(floats) == len(samples):
            return self._append(time_ms, list(floats), values)
        histograms = {
            one: value for one, value in samples.items() if isinstance(value, FloatHistogram)
        }
        return self._append(time_ms, list(floats), values, histograms)

    def end_series(self, time_ms: int, series: Iterable[Labels]) -> None:
        """Stale markers for series that are no longer written. Raises StorageError."""
        gone = list(series)
        if gone:
            self._append(time_ms, gone, full_of(STALE_BITS, len(gone)))
            # Forgotten here, so that ever new label values do not pile up; the store keeps the
            # numbers and gives the same ones should the series come back.
            for one in gone:
                del self._columns[one]

    def close(self) -> None:
        self._group.release()

    def _append(
        self,
        time_ms: int,
        labels: Sequence[Labels],
        values: Values,
        histograms: Mapping[Labels, FloatHistogram] = MappingProxyType({}),
    ) -> Appended:
        try:
            return self._append_once(time_ms, labels, values, histograms)
        except ColumnsDropped:
            # A rule that had no result for hours: the store has given its columns back.
            self._columns = {}
            return self._append_once(time_ms, labels, values, histograms)

    def _append_once(
        self,
        time_ms: int,
        labels: Sequence[Labels],
        values: Values,
        histograms: Mapping[Labels, FloatHistogram],
    ) -> Appended:
        columns = self._numbers([*labels, *histograms])
        beside = zip(columns[len(labels) :].tolist(), histograms.values(), strict=True)
        return self._group.append(
            time_ms,
            columns[: len(labels)],
            values,
            histograms=[HistogramSample(column, one) for column, one in beside],
        )

    def _numbers(self, labels: Sequence[Labels]) -> Ints:
        new = [one for one in labels if one not in self._columns]
        if new:
            numbers = self._group.columns(new).tolist()
            self._columns.update(zip(new, numbers, strict=True))
        return np.array([self._columns[one] for one in labels], dtype=np.int64)


def rejection(appended: Appended) -> str:
    """Why samples were not stored, in the original's words; empty when all were."""
    if appended.out_of_order:
        return "out of order sample"
    if appended.too_old:
        return "too old sample"
    if appended.duplicates:
        return "duplicate sample for timestamp"
    return ""
