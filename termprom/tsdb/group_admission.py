"""What becomes of samples that one group is offered, decided before anything is changed.

Admission first, by what each series has already; what passed is then shaped into rows, and what
does not make a row is loose or late.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from termprom.model.values import AnyArray, Ints, Mask, TimesMs
from termprom.storage import Appended
from termprom.tsdb.admission import Verdict, admit
from termprom.tsdb.group_columns import GroupColumns
from termprom.tsdb.group_samples import GroupSamples
from termprom.tsdb.incoming import Incoming
from termprom.tsdb.layout import Layout
from termprom.tsdb.sample_columns import SampleColumns

# A timestamp that fewer columns share is not worth a row across all of them.
_ROW_SHARE: Final = 4


@dataclass(slots=True)
class Batch:
    """Samples that passed admission, on their way to log and memory.

    Shapes: rows: (layout, time, bits (K,)); loose, late: times, columns, bits (N,) each or None;
            beside: times and columns (B,) of series whose samples are in other columns.
    """

    rows: list[tuple[Layout, int, AnyArray]]
    loose: tuple[TimesMs, Ints, AnyArray] | None = None
    late: tuple[TimesMs, Ints, AnyArray] | None = None
    beside: tuple[TimesMs, Ints] | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.rows or self.loose or self.late)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to store, what to say of it, and the verdict on each sample (N,)."""

    batch: Batch
    appended: Appended
    verdicts: AnyArray


class GroupAdmission:
    """Looks at a group's columns and samples, under the head's write lock; changes neither.

    `beside` tells in which other columns a series may have samples.
    """

    def __init__(self, columns: GroupColumns, samples: GroupSamples, beside: SampleColumns) -> None:
        self._columns = columns
        self._samples = samples
        self._beside = beside

    def __repr__(self) -> str:
        return f"GroupAdmission({self._columns!r})"

    def decide_sorted(
        self, incoming: Incoming, *, valid_from_ms: int, late_from_ms: int | None
    ) -> Decision:
        """Samples by series, then time; of equal ones the first decides."""
        times, series = incoming.times_ms, incoming.series
        again = np.zeros(times.size, dtype=np.bool_)
        again[1:] = (times[1:] == times[:-1]) & (series[1:] == series[:-1])
        if not again.any():
            return self.decide(incoming, valid_from_ms=valid_from_ms, late_from_ms=late_from_ms)
        # The rest are the same again or duplicates.
        once = ~again
        firsts = np.flatnonzero(once)
        decided = self.decide(
            incoming.only(firsts), valid_from_ms=valid_from_ms, late_from_ms=late_from_ms
        )
        first = np.cumsum(once)[again] - 1
        repeated = incoming.only(np.flatnonzero(again))
        if incoming.is_plain:
            same = repeated.bits == incoming.bits[firsts][first]
        else:
            pairs = zip(np.flatnonzero(again).tolist(), firsts[first].tolist(), strict=True)
            same = np.array([incoming.equal(*pair) for pair in pairs], dtype=np.bool_)
        # Where the first was refused for another value, that value decides on the rest.
        verdicts = decided.verdicts[first]
        stored = verdicts == Verdict.SAME_TIME
        if stored.any():
            same[stored] = self._is_held(repeated.only(np.flatnonzero(stored)))
        return Decision(
            decided.batch, _with_repeated(decided.appended, verdicts, same), decided.verdicts
        )

    def decide(
        self, incoming: Incoming, *, valid_from_ms: int, late_from_ms: int | None
    ) -> Decision:
        """Any samples (N,), each series at most once per time; a series' times ascend.

        Raises ColumnsDropped.
        """
        series = incoming.series
        verdicts = admit(
            incoming.times_ms,
            self._columns.last_ms()[series],
            valid_from_ms=valid_from_ms,
            late_from_ms=late_from_ms,
        )
        in_order: Mask = verdicts == Verdict.IN_ORDER
        late: Mask = verdicts == Verdict.LATE
        created = 0
        if self._columns.unborn_count:
            created = self._columns.unborn_among(np.unique(series[in_order | late]))
        same = np.flatnonzero(verdicts == Verdict.SAME_TIME)
        duplicates = 0
        if same.size:
            duplicates = int(np.count_nonzero(~self._is_held(incoming.only(same))))
        batch = Batch([])
        if in_order.any():
            self._shape(batch, *incoming.cells_of(in_order))
            batch.beside = incoming.only(np.flatnonzero(in_order)).beside()
        fresh = self._without_present(incoming, late) if self._beside else late
        if fresh.any():
            batch.late = incoming.cells_of(fresh)
        appended = Appended(
            int(np.count_nonzero(in_order | late)) + same.size - duplicates,
            duplicates,
            int(np.count_nonzero(verdicts == Verdict.OUT_OF_ORDER)),
            int(np.count_nonzero(verdicts == Verdict.TOO_OLD)),
            created,
        )
        return Decision(batch, appended, verdicts)

    def _without_present(self, incoming: Incoming, late: Mask) -> Mask:
        """`late` less the samples at whose time their series has one of any kind.

        For plain floats the first of two counts when they are read; the cells of two histograms
        would be mixed.
        """
        fresh = late.copy()
        for place in np.flatnonzero(late).tolist():
            time_ms, series = int(incoming.times_ms[place]), int(incoming.series[place])
            fresh[place] = all(
                self._samples.cell_at(time_ms, column) is None
                for column in self._beside.places_of(series)
            )
        return fresh

    def _is_held(self, incoming: Incoming) -> Mask:
        """Which of samples that are their series' newest are stored with these very bits."""
        times = incoming.times_ms[incoming.owners]
        held = self._samples.newest_cells(times, incoming.columns)
        return incoming.all_of(held == incoming.bits)

    def _shape(self, batch: Batch, times: TimesMs, columns: Ints, bits: AnyArray) -> None:
        """Make rows of in-order samples that share a time; the rest is loose."""
        distinct, place, counts = np.unique(times, return_inverse=True, return_counts=True)
        width = self._samples.open_width
        if width is None:
            width = self._columns.count
        is_row = (distinct >= self._samples.row_from_ms) & (counts * _ROW_SHARE >= width)
        for number in np.flatnonzero(is_row).tolist():
            here = np.flatnonzero(place == number)
            layout = self._columns.live_layout(columns[here])
            batch.rows.append((layout, int(distinct[number]), bits[here]))
        rest = ~is_row[place]
        if rest.any():
            batch.loose = times[rest], columns[rest], bits[rest]


def _with_repeated(appended: Appended, verdicts: AnyArray, same: Mask) -> Appended:
    """`appended` and samples that repeat a time of the same call.

    Shapes: verdicts (R,) on the sample that came first; same (R,) whether the value is its value.
    """
    counts = {
        verdict: int(np.count_nonzero(verdicts == verdict))
        for verdict in (Verdict.OUT_OF_ORDER, Verdict.TOO_OLD, Verdict.LATE)
    }
    is_newest = (verdicts == Verdict.IN_ORDER) | (verdicts == Verdict.SAME_TIME)
    kept = int(np.count_nonzero(is_newest & same))
    return Appended(
        appended.stored + kept + counts[Verdict.LATE],
        appended.duplicates + int(np.count_nonzero(is_newest & ~same)),
        appended.out_of_order + counts[Verdict.OUT_OF_ORDER],
        appended.too_old + counts[Verdict.TOO_OLD],
        appended.created,
    )
