"""One target's series in the store: what was written last, and what has to end.

Everything here happens on the event loop and without waiting, so a scrape is stored as a whole.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from termprom.config.schema import ScrapeConfig
from termprom.errors import ColumnsDropped, LimitExceeded, ScrapeError, StorageError
from termprom.exposition.native import empty_like
from termprom.model.values import STALE, Ints, Mask
from termprom.scrape.batch import EMPTY, Batch, make_batch
from termprom.scrape.binding import DROPPED, Binding, Labelled, bind, label_lines
from termprom.scrape.keyed import PageLayout
from termprom.scrape.labelling import Labelling
from termprom.scrape.page import Page
from termprom.scrape.report import Report, report_labels, report_values
from termprom.scrape.target import Target
from termprom.storage import Appended, Exemplar, Group

log = logging.getLogger("termprom.scrape")

_NONE: Final[Ints] = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Extras:
    """What of a page is stored beside its samples, as the operator's feature flags say."""

    exemplars: bool = False
    starts: bool = False  # since when a series counts, with each sample
    zero_samples: bool = False  # a 0 at the moment since when a series counts
    metadata: bool = False


NO_EXTRAS: Final = Extras()


def extras_of(features: Collection[str]) -> Extras:
    """What the names of --enable-feature switch on."""
    return Extras(
        exemplars="exemplar-storage" in features,
        starts="st-storage" in features,
        zero_samples="created-timestamp-zero-ingestion" in features,
        metadata="metadata-wal-records" in features,
    )


class TargetSeries:
    """The series of one target under one configuration."""

    def __init__(
        self, target: Target, job: ScrapeConfig, group: Group, extras: Extras = NO_EXTRAS
    ) -> None:
        self.group = group
        self.tracked: Ints = _NONE  # columns that end when the next scrape lacks them
        self.exemplars_out_of_order = 0  # of the last scrape
        self._extras = extras
        self._binding: Binding | None = None  # of the last scrape that was stored
        self._latest: Binding | None = None  # of the last page that was read to its end
        self._steady: Binding | None = None  # the binding that `tracked` comes from, unchanged
        self._counted: tuple[Binding, bytes] | None = None  # the starts that were stored last
        self._prepared: tuple[PageLayout, Labelling, Labelled] | None = None
        self._stored_ms = 0  # when the last scrape was stored
        self.reconfigure(target, job)

    def __repr__(self) -> str:
        return f"TargetSeries({self._binding}, {len(self.tracked)} tracked)"

    def reconfigure(self, target: Target, job: ScrapeConfig) -> None:
        """Store under a changed job from now on; what is tracked stays so."""
        self._target = target
        self._job = job
        self._labelling = Labelling(job, target.public)
        self._forget()

    def _forget(self) -> None:
        """Ask for all columns again."""
        self._reports = self.group.columns(
            report_labels(self._target.public, extra=self._job.extra_scrape_metrics)
        )
        self._binding = self._latest = self._steady = None
        self._counted = None

    def prepare(self, page: Page) -> None:
        """Label the lines of a page that is new as a whole; may run in another thread."""
        known = (self._latest, self._binding)
        layouts = [binding.layout for binding in known if binding is not None]
        if not any(one is page.layout or one is page.derived_from for one in layouts):
            labelled = label_lines(page.layout.pairs(), self._labelling)
            self._prepared = (page.layout, self._labelling, labelled)

    def store(self, page: Page | None, time_ms: int, report: Report) -> Appended:
        """Store a scrape: its page (None where there is none) and the report. Fills in the report.

        A page that breaks a rule is not stored; its series that were reached do not end yet.
        """
        given = replace(report)
        try:
            return self._store(page, time_ms, report)
        except ColumnsDropped:
            # Series that were gone for hours are back, and the store has forgotten them.
            self._forget()
        for field in ("scraped", "post", "added", "error"):
            setattr(report, field, getattr(given, field))
        try:
            return self._store(page, time_ms, report)
        except StorageError as problem:
            return self._lost(problem)

    def _store(self, page: Page | None, time_ms: int, report: Report) -> Appended:
        batch, binding = EMPTY, None
        seen = _NONE
        if page is not None and page.error is None:
            binding = self._latest = self._bind(page)
            report.scraped = binding.reached
            report.post = binding.kept
            problem = binding.error or self._over_limit(binding)
            if problem is None:
                try:
                    batch = make_batch(page.readings, binding, self._job, time_ms)
                except LimitExceeded as too_many:
                    problem = too_many
            if problem is None:
                report.added = self._added(binding)
                seen = batch.tracked
            else:
                report.error = str(problem)
                seen = self._reached(binding, problem)
        elif page is not None:
            report.error = str(page.error)
            seen = self._reached_of_broken(page)
            report.scraped = page.layout.count
            report.post = len(seen)
        steady = binding if binding is not None and seen is binding.targets else None
        unchanged = steady is not None and steady is self._steady
        ending = _NONE if unchanged else np.setdiff1d(self.tracked, seen)
        appended = self._append(batch, binding, ending, time_ms, report)
        self.tracked, self._steady = seen, steady
        if binding is not None and not report.error:
            self._binding = binding
            appended = replace(appended, duplicates=appended.duplicates + binding.duplicates)
        return appended

    def end(self, time_ms: int, still_written: Iterable[Ints] = ()) -> None:
        """Write the end of everything at `time_ms`, but for columns that others write."""
        columns = np.unique(np.concatenate([self.tracked, self._reports]))
        for others in still_written:
            columns = np.setdiff1d(columns, others)
        if len(columns):
            self.group.append(time_ms, columns, np.repeat(STALE, len(columns)))
        self.tracked = _NONE

    @property
    def written(self) -> Ints:
        """The columns of the latest scrape, the report's included."""
        return np.concatenate([self.tracked, self._reports])

    # --- One scrape ---------------------------------------------------------------------------

    def _bind(self, page: Page) -> Binding:
        for known in (self._latest, self._binding):
            if known is not None and known.layout is page.layout:
                return known
            if known is not None and page.derived_from is known.layout:
                self._tell(page)
                return bind(page.layout, self._labelling, self.group, known, page.kept)
        self._tell(page)
        labelled: Labelled | None = None
        if self._prepared is not None:
            layout, labelling, labelled = self._prepared
            self._prepared = None
            if layout is not page.layout or labelling is not self._labelling:
                labelled = None
        return bind(page.layout, self._labelling, self.group, labelled=labelled)

    def _tell(self, page: Page) -> None:
        """Tell the store what a page with a new layout says of its families."""
        if self._extras.metadata:
            self.group.set_metadata(page.layout.families())

    def _over_limit(self, binding: Binding) -> ScrapeError | None:
        limit = self._job.sample_limit
        if limit and binding.kept > limit:
            return LimitExceeded("sample limit exceeded")
        return None

    def _added(self, binding: Binding) -> int:
        """How many series the scrape before did not have."""
        before = self._binding
        if before is binding:
            return 0
        if before is None:
            return len(binding.stored)
        return len(np.setdiff1d(binding.targets, before.targets, assume_unique=True))

    def _reached(self, binding: Binding, problem: ScrapeError) -> Ints:
        """Columns of the series that a scrape read before it failed."""
        kept = np.flatnonzero(binding.columns != DROPPED)
        if binding.error is None and self._over_limit(binding) is not None:
            kept = kept[: self._job.sample_limit]
        return np.intersect1d(binding.columns[kept], self.tracked)

    def _reached_of_broken(self, page: Page) -> Ints:
        before = self._binding
        if before is None:
            return _NONE
        columns = dict(zip(before.layout.series_keys(), before.columns.tolist(), strict=True))
        reached = {columns.get(key, DROPPED) for key in page.layout.series_keys()} - {DROPPED}
        return np.intersect1d(np.array(sorted(reached), dtype=np.int64), self.tracked)

    # --- Into the store -----------------------------------------------------------------------

    def _append(
        self,
        batch: Batch,
        binding: Binding | None,
        stale: Ints,
        time_ms: int,
        report: Report,
    ) -> Appended:
        """Everything that a scrape writes. Raises ColumnsDropped, before anything is stored."""
        try:
            if binding is not None and self._extras.zero_samples:
                self._append_zeros(batch, binding, time_ms)
            appended = self._append_row(batch, stale, time_ms, report)
            loose = batch.loose
            if loose is not None:
                starts = loose.starts_ms if self._extras.starts else None
                appended = _sum(
                    appended,
                    self.group.append_loose(
                        loose.times_ms,
                        loose.columns,
                        loose.values,
                        histograms=loose.histograms,
                        starts_ms=starts,
                    ),
                )
            self._append_exemplars(batch.exemplars)
            self._stored_ms = time_ms
        except ColumnsDropped:
            raise
        except StorageError as problem:
            return self._lost(problem)
        return appended

    def _append_row(self, batch: Batch, stale: Ints, time_ms: int, report: Report) -> Appended:
        """One row: samples, ends, report. An exposed series of the report's name goes first."""
        job, columns = self._job, batch.columns
        figures = report_values(
            report,
            extra=job.extra_scrape_metrics,
            timeout_ms=self._target.timeout_ms,
            sample_limit=job.sample_limit,
        )
        reports, own = self._reports, np.array(figures, dtype=np.float64)
        taken = columns
        if batch.histograms:
            taken = np.concatenate([columns, [one.column for one in batch.histograms]])
        if len(taken) and int(reports.max()) >= int(taken.min()):
            free: Mask = ~np.isin(reports, taken)
            reports, own = reports[free], own[free]
        if len(stale):
            stale = np.setdiff1d(stale, reports)
        everything = np.concatenate([columns, stale, reports])
        values = np.concatenate([batch.values, np.repeat(STALE, len(stale)), own])
        if not batch.histograms and not (self._extras.starts and batch.starts_ms is not None):
            return self.group.append(time_ms, everything, values)
        starts = None
        if self._extras.starts and batch.starts_ms is not None:
            starts = np.zeros(len(everything), dtype=np.int64)
            starts[: len(columns)] = batch.starts_ms
        return self.group.append(
            time_ms, everything, values, histograms=batch.histograms, starts_ms=starts
        )

    def _append_zeros(self, batch: Batch, binding: Binding, time_ms: int) -> None:
        """A 0 where a counter began to count, so that its first increase is seen.

        Only once per beginning, and only where nothing of the series is stored since then.
        """
        of_histograms = [one.start_ms for one in batch.histograms]
        starts = np.array(of_histograms, dtype=np.int64)
        if batch.starts_ms is not None:
            starts = np.concatenate([batch.starts_ms, starts])
        known = starts.tobytes()
        if not starts.any() or self._counted == (binding, known):
            return
        self._counted = (binding, known)
        histograms = [
            (one.start_ms, replace(one, histogram=empty_like(one.histogram), start_ms=0))
            for one in batch.histograms
            if 0 < one.start_ms < time_ms
            and (one.start_ms > self._stored_ms or one.column not in self.tracked)
        ]
        times = columns = _NONE
        if batch.starts_ms is not None:
            fresh: Mask = (batch.starts_ms > 0) & (batch.starts_ms < time_ms)
            late: Mask = np.isin(batch.columns, self.tracked)
            late &= batch.starts_ms <= self._stored_ms
            chosen = np.flatnonzero(fresh & ~late)
            times, columns = batch.starts_ms[chosen], batch.columns[chosen]
        if len(times) or histograms:
            zeros = np.zeros(len(times), dtype=np.float64)
            self.group.append_loose(times, columns, zeros, histograms=histograms)

    def _append_exemplars(self, exemplars: Sequence[tuple[int, Exemplar]]) -> None:
        self.exemplars_out_of_order = 0
        if exemplars and self._extras.exemplars:
            outcome = self.group.append_exemplars(exemplars)
            self.exemplars_out_of_order = outcome.out_of_order

    def _lost(self, problem: StorageError) -> Appended:
        """The store took nothing; the target is as healthy as it was."""
        fields = {"target": self._target.url, "error": str(problem)}
        log.error("scrape commit failed", extra={"fields": fields})
        return Appended()


def _sum(one: Appended, other: Appended) -> Appended:
    return Appended(
        one.stored + other.stored,
        one.duplicates + other.duplicates,
        one.out_of_order + other.out_of_order,
        one.too_old + other.too_old,
        one.created + other.created,
    )
