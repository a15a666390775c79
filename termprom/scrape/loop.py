"""One target: waits for its turn, asks, reads, stores, and remembers how it went."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

from termprom import limits
from termprom.clock import Clock
from termprom.config.schema import ScrapeConfig
from termprom.errors import BodyTooLarge, ExpositionError, ScrapeError
from termprom.exposition.negotiate import body_format
from termprom.exposition.protobuf import HistogramForms
from termprom.model.metadata import Metadata
from termprom.scrape.answer import Answer, Fetch
from termprom.scrape.failure_log import FailureLog
from termprom.scrape.layouts import Layouts
from termprom.scrape.metrics import ScrapeMetrics
from termprom.scrape.page import Page
from termprom.scrape.reader import PageReader, Reading
from termprom.scrape.report import BODY_SIZE_EXCEEDED, Report
from termprom.scrape.schedule import next_due_ms, take_turn
from termprom.scrape.series import NO_EXTRAS, Extras, TargetSeries
from termprom.scrape.target import Target
from termprom.storage import Appended
from termprom.views import Health, TargetView

log = logging.getLogger("termprom.scrape")


@dataclass(slots=True)
class Surroundings:
    """What the loops of one process share. `on_change` gets a sentence, or nothing much."""

    clock: Clock
    metrics: ScrapeMetrics
    layouts: Layouts
    on_change: Callable[[str], None]
    executor: Executor | None = None
    extras: Extras = NO_EXTRAS
    stored: int = 0  # samples that the store took since the process started
    failure_logs: dict[str, FailureLog] = field(default_factory=dict)


class TargetLoop:
    """Lives on the event loop. `start` it once; a running scrape is finished before `stop` ends."""

    def __init__(
        self,
        target: Target,
        job: ScrapeConfig,
        series: TargetSeries,
        fetch: Fetch,
        around: Surroundings,
        *,
        offset_ms: int,
    ) -> None:
        self.target = target
        self.series = series
        self.forced_error = ""  # why the target is not even asked
        self.job = job
        self.fetch = fetch
        self._around = around
        self._offset_ms = offset_ms
        self._task: asyncio.Task[None] | None = None
        self._waiting = False
        self._stopping = False
        self._last = Report()
        self._last_ms = 0
        self._started: float | None = None
        self._health = Health.UNKNOWN
        self._recent: deque[bool] = deque(maxlen=limits.SCRAPE_RECENT_MAX)
        self._view: TargetView | None = None
        self._reader = PageReader(around.layouts)

    def __repr__(self) -> str:
        return f"TargetLoop({self.target.url}, {self._health})"

    def start(self, prompt_ms: int | None = None) -> None:
        """Scrape from now on; first after `prompt_ms`, if the rhythm is later than that."""
        self._stopping = False
        self._task = asyncio.create_task(self._run(prompt_ms), name=f"scrape {self.target.url}")

    async def stop(self) -> None:
        """No scrape begins after this; one that runs is finished."""
        self._stopping = True
        if self._task is None:
            return
        if self._waiting:
            self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None

    def kill(self) -> None:
        """The process ends: a running scrape is given up."""
        self._stopping = True
        if self._task is not None:
            self._task.cancel()

    async def reconfigure(
        self, target: Target, job: ScrapeConfig, fetch: Fetch, offset_ms: int
    ) -> None:
        """Go on under another configuration, with the state, the cache and what is tracked."""
        new_rhythm = (target.interval_ms, offset_ms) != (self.target.interval_ms, self._offset_ms)
        running = self._task is not None
        if running and (new_rhythm or fetch is not self.fetch or job != self.job):
            await self.stop()
        self.target, self.fetch, self._offset_ms = target, fetch, offset_ms
        if job != self.job:
            self.job = job
            self.series.reconfigure(target, job)
        self._view = None
        if running and self._task is None:
            self.start()

    # --- Time ---------------------------------------------------------------------------------

    async def _run(self, prompt_ms: int | None) -> None:
        clock = self._around.clock
        now_ms = clock.now_ms()
        due_ms = next_due_ms(now_ms, self.target.interval_ms, self._offset_ms)
        if prompt_ms is not None and now_ms + prompt_ms < due_ms:
            await self._wait_until(now_ms + prompt_ms)
            now_ms = clock.now_ms()
            await self._scrape_safely(now_ms)
            due_ms = next_due_ms(
                max(now_ms, clock.now_ms() - 1), self.target.interval_ms, self._offset_ms
            )
        while not self._stopping:
            await self._wait_until(due_ms)
            turn = take_turn(due_ms, clock.now_ms(), self.target.interval_ms)
            due_ms = turn.next_due_ms
            await self._scrape_safely(turn.time_ms)

    async def _wait_until(self, due_ms: int) -> None:
        """Wait, but never longer than an interval: the machine's clock may have been set back."""
        clock = self._around.clock
        self._waiting = True
        try:
            left_ms = due_ms - clock.now_ms()
            if left_ms > 0:
                await clock.sleep(min(left_ms, self.target.interval_ms) / 1000)
                # Timers may be early by a fraction of a millisecond.
                left_ms = due_ms - clock.now_ms()
                if 0 < left_ms <= 5:
                    await clock.sleep(left_ms / 1000)
            else:
                # A target that is always late must still let others run.
                await asyncio.sleep(0)
        finally:
            self._waiting = False

    async def _scrape_safely(self, time_ms: int) -> None:
        try:
            await self.scrape(time_ms)
        except Exception:
            # Our own mistake with one target must not end its loop for ever.
            log.exception("a scrape of %s broke", self.target.url)

    # --- One scrape ---------------------------------------------------------------------------

    async def scrape(self, time_ms: int) -> None:
        """Ask the target and store what it says, dated `time_ms`."""
        around = self._around
        began = around.clock.monotonic()
        if self._started is not None:
            interval = _go_text(self.target.interval_ms)
            around.metrics.interval_passed(interval, began - self._started)
        self._started = began
        report = Report()
        page = await self._page(report, time_ms)
        report.duration_seconds = around.clock.monotonic() - began
        appended = self.series.store(page, time_ms, report)
        if page is not None and page.error is None:
            self._reader.keep(page)
        self._count(appended, report)
        self._remember(report, time_ms)

    async def _page(self, report: Report, time_ms: int) -> Page | None:
        """The target's page; None, and the reason in the report, where there is none."""
        try:
            if self.forced_error:
                raise ScrapeError(self.forced_error)
            answer = await self.fetch.fetch(self.target)
            report.body_bytes = len(answer.body)
        except ScrapeError as problem:
            report.error = str(problem)
            if isinstance(problem, BodyTooLarge):
                report.body_bytes = BODY_SIZE_EXCEEDED
                self._around.metrics.body_too_large.inc()
            failures = self._around.failure_logs.get(self.job.scrape_failure_log_file)
            if failures is not None and not self.forced_error:
                failures.write(self.target, report.error, time_ms)
            return None
        if not answer.body:
            return None
        try:
            return await self._read(answer)
        except ExpositionError as problem:
            report.error = problem.message
            return None

    async def _read(self, answer: Answer) -> Page:
        kind = body_format(answer.content_type, self.job.fallback_scrape_protocol)
        body, how = answer.body, self._how()
        if len(body) <= limits.SCRAPE_INLINE_BYTES:
            return self._reader.read(body, kind, how)

        def read() -> Page:
            page = self._reader.read(body, kind, how)
            self.series.prepare(page)
            return page

        loop, executor = asyncio.get_running_loop(), self._around.executor
        return await loop.run_in_executor(executor, read)

    def _how(self) -> Reading:
        target, extras = self.target, self._around.extras
        return Reading(
            HistogramForms(
                native=target.native_histograms,
                convert=target.convert_classic,
                keep_classic=target.keep_classic,
            ),
            starts=extras.starts or extras.zero_samples,
        )

    def _count(self, appended: Appended, report: Report) -> None:
        around, metrics = self._around, self._around.metrics
        around.stored += appended.stored
        if report.error == "sample limit exceeded":
            metrics.too_many_samples.inc()
        elif report.error == "histogram bucket limit exceeded":
            metrics.too_many_buckets.inc()
        elif report.error.startswith("label_"):
            metrics.label_limits_exceeded.inc()
        if self.job.extra_scrape_metrics:
            metrics.durations.observe(report.duration_seconds)
        for count, counter, text in (
            (
                appended.duplicates,
                metrics.duplicates,
                "Error on ingesting samples with different value but same timestamp",
            ),
            (
                appended.out_of_order,
                metrics.out_of_order,
                "Error on ingesting out-of-order samples",
            ),
            (
                appended.too_old,
                metrics.out_of_bounds,
                "Error on ingesting samples that are too old or are too far into the future",
            ),
            (
                self.series.exemplars_out_of_order,
                metrics.exemplars_out_of_order,
                "Error on ingesting out-of-order exemplars",
            ),
        ):
            if count:
                counter.inc(count)
                fields = {"target": self.target.url, "num_dropped": count}
                log.warning(text, extra={"fields": fields})

    def _remember(self, report: Report, time_ms: int) -> None:
        health = Health.DOWN if report.error else Health.UP
        text = ""
        if health is not self._health and health is Health.DOWN:
            text = f"{self.target.pool} {self.target.url} is down: {report.error}"
        elif health is not self._health and self._health is Health.DOWN:
            text = f"{self.target.pool} {self.target.url} is up again"
        if text:
            log.info(text)
        self._health = health
        self._last, self._last_ms = report, time_ms
        self._recent.append(not report.error)
        self._view = None
        self._around.on_change(text)

    @property
    def scraped(self) -> bool:
        """Whether there ever was a scrape."""
        return self._last_ms > 0

    # --- Pictures -----------------------------------------------------------------------------

    def view(self) -> TargetView:
        if self._view is None:
            target, last = self.target, self._last
            self._view = TargetView(
                pool=target.pool,
                url=target.url,
                labels=target.public,
                discovered=target.discovered,
                health=self._health,
                last_error=last.error,
                last_scrape_ms=self._last_ms,
                last_duration_seconds=last.duration_seconds,
                interval_seconds=target.interval_ms / 1000,
                timeout_seconds=target.timeout_ms / 1000,
                samples=last.scraped,
                samples_after_relabel=last.post,
                series_added=last.added,
                body_bytes=max(last.body_bytes, 0),
                recent=tuple(self._recent),
            )
        return self._view

    def metadata(self) -> Mapping[str, Metadata]:
        """What the target's last whole page said about its families."""
        return self._reader.families()


def _go_text(interval_ms: int) -> str:
    """A duration as the original labels it: 15s, 1m0s, 1.5s, 500ms."""
    if interval_ms < 1000:
        return f"{interval_ms}ms"
    minutes, rest_ms = divmod(interval_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest_ms / 1000:g}s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds
