"""One target's series in the store: what was written last, and what has to end.

Everything here happens on the event loop and without waiting, so a scrape is stored as a whole.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from termprom.config.schema import ScrapeConfig
from termprom.errors import LimitExceeded, ScrapeError, StorageError
from termprom.model.values import STALE, Ints, Mask, TimesMs, Values
from termprom.scrape.binding import DROPPED, Binding, bind
from termprom.scrape.labelling import Labelling
from termprom.scrape.layout import TextLayout
from termprom.scrape.page import Page
from termprom.scrape.report import Report, report_labels, report_values
from termprom.scrape.target import Target
from termprom.storage import Appended, Group

log = logging.getLogger("termprom.scrape")

_NONE: Ints = np.empty(0, dtype=np.int64)
_NO_VALUES: Values = np.empty(0, dtype=np.float64)


class TargetSeries:
    """The series of one target under one configuration, and the layout cache that serves them."""

    def __init__(self, target: Target, job: ScrapeConfig, group: Group) -> None:
        self.group = group
        self.tracked: Ints = _NONE  # columns that end when the next scrape lacks them
        self.layout: TextLayout | None = None  # of the last page that was read to its end
        self._binding: Binding | None = None  # of the last scrape that was stored
        self._latest: Binding | None = None  # of the last page that was read to its end
        self._steady: Binding | None = None  # the binding that `tracked` comes from, unchanged
        self.reconfigure(target, job)

    def __repr__(self) -> str:
        return f"TargetSeries({self.layout}, {len(self.tracked)} tracked)"

    def reconfigure(self, target: Target, job: ScrapeConfig) -> None:
        """Store under a changed job from now on; what is tracked stays so."""
        self._target = target
        self._job = job
        self._labelling = Labelling(job, target.public)
        self._reports = self.group.columns(
            report_labels(target.public, extra=job.extra_scrape_metrics)
        )
        self._binding = self._latest = self._steady = None

    def store(self, page: Page | None, time_ms: int, report: Report) -> Appended:
        """Store a scrape: its page (None where there is none) and the report. Fills in the report.

        A page that breaks a rule is not stored; its series that were reached do not end yet.
        """
        error = page.error if page is not None else None
        columns, values = _NONE, _NO_VALUES
        loose: tuple[Ints, Ints, Values] | None = None
        seen = _NONE
        binding: Binding | None = None
        if page is not None and error is None:
            binding = self._latest = self._bind(page)
            self.layout = binding.layout
            report.scraped = binding.reached
            report.post = binding.kept
            problem = binding.error or self._over_limit(binding)
            if problem is None:
                report.added = self._added(page, binding)
                columns, values, loose, seen = self._samples(page, binding)
            else:
                report.error = str(problem)
                seen = self._reached(binding, problem)
        elif page is not None:
            report.error = str(error)
            seen = self._reached_of_broken(page)
            report.scraped = page.layout.count
            report.post = len(seen)
        stale = self._ending(binding, seen, loose is not None)
        appended = self._append(time_ms, columns, values, stale, report)
        if loose is not None:
            appended = _sum(appended, self._append_loose(*loose))
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
                return bind(page.layout, self._labelling, self.group, known, page.kept)
        return bind(page.layout, self._labelling, self.group)

    def _over_limit(self, binding: Binding) -> ScrapeError | None:
        limit = self._job.sample_limit
        if limit and binding.kept > limit:
            return LimitExceeded("sample limit exceeded")
        return None

    def _added(self, page: Page, binding: Binding) -> int:
        """How many series the scrape before did not have."""
        before = self._binding
        if before is binding:
            return 0
        if before is None:
            return len(binding.stored)
        return len(np.setdiff1d(binding.targets, before.targets, assume_unique=True))

    def _samples(
        self, page: Page, binding: Binding
    ) -> tuple[Ints, Values, tuple[Ints, Ints, Values] | None, Ints]:
        """Columns and values of the row, times, columns and values beside it, tracked columns."""
        readings = page.readings
        if not len(readings.stamped) or not self._job.honor_timestamps:
            values = readings.values if binding.whole else readings.values[binding.stored]
            return binding.targets, values, None, binding.targets
        own_time: Mask = np.zeros(binding.layout.count, dtype=np.bool_)
        own_time[readings.stamped] = True
        kept: Mask = binding.columns != DROPPED
        in_row = binding.stored[~own_time[binding.stored]]
        beside = own_time[readings.stamped] & kept[readings.stamped]
        lines = readings.stamped[beside]
        loose = (readings.times_ms[beside], binding.columns[lines], readings.values[lines])
        row = binding.columns[in_row]
        tracked = row
        if self._job.track_timestamps_staleness:
            tracked = np.unique(np.concatenate([row, loose[1]]))
        return row, readings.values[in_row], loose, tracked

    def _ending(self, binding: Binding | None, seen: Ints, has_loose: bool) -> Ints:
        """The tracked columns that end now; `seen` are tracked from here on."""
        steady = binding if binding is not None and seen is binding.targets else None
        if steady is not None and steady is self._steady:
            return _NONE
        ending = np.setdiff1d(self.tracked, seen)
        self.tracked, self._steady = seen, steady
        return ending

    def _reached(self, binding: Binding, problem: ScrapeError) -> Ints:
        """Columns of the series that a scrape read before it failed."""
        kept = np.flatnonzero(binding.columns != DROPPED)
        if binding.error is None:
            kept = kept[: self._job.sample_limit]
        return np.intersect1d(binding.columns[kept], self.tracked)

    def _reached_of_broken(self, page: Page) -> Ints:
        before = self._binding
        if before is None:
            return _NONE
        columns = dict(zip(before.layout.line_heads(), before.columns.tolist(), strict=True))
        reached = {columns.get(head, DROPPED) for head in page.layout.line_heads()} - {DROPPED}
        return np.intersect1d(np.array(sorted(reached), dtype=np.int64), self.tracked)

    def _append(
        self, time_ms: int, columns: Ints, values: Values, stale: Ints, report: Report
    ) -> Appended:
        """One row: samples, ends, report. An exposed series of the report's name goes first."""
        job = self._job
        figures = report_values(
            report,
            extra=job.extra_scrape_metrics,
            timeout_ms=self._target.timeout_ms,
            sample_limit=job.sample_limit,
        )
        reports = self._reports
        if len(columns) and int(reports.max()) >= int(columns.min()):
            free: Mask = ~np.isin(reports, columns)
            reports = reports[free]
            own = np.array(figures, dtype=np.float64)[free]
        else:
            own = np.array(figures, dtype=np.float64)
        if len(stale):
            stale = np.setdiff1d(stale, reports)
        parts = [values, np.repeat(STALE, len(stale)), own]
        try:
            return self.group.append(
                time_ms, np.concatenate([columns, stale, reports]), np.concatenate(parts)
            )
        except StorageError as problem:
            return self._lost(problem)

    def _append_loose(self, times_ms: TimesMs, columns: Ints, values: Values) -> Appended:
        try:
            return self.group.append_loose(times_ms, columns, values)
        except StorageError as problem:
            return self._lost(problem)

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
