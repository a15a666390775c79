"""The past as a rule would have recorded it: the same as evaluating it slot by slot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from termprom.errors import EvaluationError, StorageError
from termprom.model.histogram import BucketSpan, FloatHistogram
from termprom.model.labels import Labels
from termprom.model.values import STALE_BITS, bits_of
from termprom.promql.engine import Engine, EngineOptions
from termprom.promql.syntax.parse import parse
from termprom.rules.backfill import PastRecording, PastRule, past_rules, rounds
from termprom.rules.backfill_store import RANGE_MS, BackfillStore, whole_ranges
from termprom.rules.recording import recorded_samples
from termprom.rules.rule import merged_labels
from termprom.rules.schedule import Schedule
from termprom.rules.vector import elements
from termprom.storage import HistogramSample, Queryable
from termprom.testing.clock import ManualClock
from termprom.testing.memory_storage import MemoryStorage
from termprom.tsdb.db import Database
from tests.rules.fakes import START_MS, alerting, group, recording

MINUTE, HOUR = 60_000, 3_600_000
FROM = START_MS // RANGE_MS * RANGE_MS + 10 * MINUTE
TO = FROM + 5 * HOUR


def past() -> MemoryStorage:
    """Two series; one of them is away for a while, over the border of a range too."""
    storage = MemoryStorage()
    times = range(FROM - HOUR, TO, 30_000)
    storage.add(Labels.of(__name__="load", cpu="0"), list(times), [float(t % 977) for t in times])
    there = [t for t in times if not FROM + 100 * MINUTE < t < FROM + 130 * MINUTE]
    storage.add(Labels.of(__name__="load", cpu="1"), there, [1.0] * len(there))
    return storage


def slot_by_slot(queryable: Queryable, rule: PastRule) -> dict[Labels, dict[int, float]]:
    """What the rule writes when it is evaluated at each of its slots, ends of series too."""
    engine = Engine(EngineOptions())
    schedule = Schedule.of(rule.group.file, rule.group.name, rule.interval_ms)
    labels = merged_labels(rule.group, rule.config)
    offset_ms = rule.group.query_offset or 0
    written: dict[Labels, dict[int, float]] = {}
    before: dict[Labels, float] = {}
    slot_ns = schedule.slot((FROM - HOUR) * 1_000_000)
    while (at_ms := slot_ns // 1_000_000 - offset_ms) <= TO:
        slot_ns += schedule.interval_ns
        if at_ms < FROM:
            continue
        result = elements(engine.instant(queryable, rule.config.expr, at_ms))
        samples = recorded_samples(rule.config.record, labels, result, limit=0)
        for one, value in samples.items():
            written.setdefault(one, {})[at_ms] = value
        for one in before.keys() - samples.keys():
            written[one][at_ms] = float(np.array([STALE_BITS], np.uint64).view(np.float64)[0])
        before = samples
    return written


def everything(store: Queryable) -> dict[Labels, dict[int, float]]:
    from termprom.model.matchers import Matcher, MatchOp
    from termprom.model.values import is_absent

    querier = store.querier(0, 2**53)
    selection = querier.select([Matcher("__name__", MatchOp.REGEX, ".+")])
    found: dict[Labels, dict[int, float]] = {}
    for frame in selection.frames():
        for number, row in zip(frame.series.tolist(), frame.values, strict=True):
            used = ~is_absent(row)
            cells = zip(frame.times_ms[used].tolist(), row[used], strict=True)
            found[selection.labels[number]] = {at: float(value) for at, value in cells}
    querier.close()
    return found


def same(left: dict[Labels, dict[int, float]], right: dict[Labels, dict[int, float]]) -> bool:
    def bits(all_: dict[Labels, dict[int, float]]) -> dict[Labels, dict[int, int]]:
        return {
            one: {at: bits_of(value) for at, value in samples.items()}
            for one, samples in all_.items()
        }

    return bits(left) == bits(right)


@pytest.mark.parametrize(
    ("expr", "changes"),
    [
        ("load", {}),
        ("sum(rate(load[5m]))", {"interval": 15_000}),
        ("load offset 1h", {"query_offset": 7_000, "labels": Labels.of(src="past")}),
        ('load{cpu="1"} > 0', {"interval": 20 * MINUTE}),
        ("vector(time())", {"interval": 7 * MINUTE}),
        ("nothing", {}),
    ],
)
def test_it_is_what_evaluating_slot_by_slot_would_write(
    tmp_path: Path, expr: str, changes: dict[str, object]
) -> None:
    (rule,) = past_rules([group(recording("r", expr), **changes)], MINUTE)
    engine, queryable = Engine(EngineOptions()), past()
    clock = ManualClock(TO)
    past_recording = PastRecording(rule)
    with BackfillStore(tmp_path, clock=clock) as store:
        count = 0
        for start_ms, end_ms in whole_ranges(FROM, TO):
            grid = rule.grid(start_ms, end_ms)
            if grid is not None:
                recorded = past_recording.record(engine.range(queryable, expr, grid))
                count += store.add([(rule, recorded)])
        names = store.publish()
    wanted = slot_by_slot(queryable, rule)
    assert count == sum(map(len, wanted.values()))
    found = Database.open_read_only(tmp_path, clock=clock)
    assert same(everything(found), wanted)
    assert sorted(block.id for block in found.view().blocks) == names
    assert not (tmp_path / "backfill.tmp").exists()


def test_ranges_end_where_blocks_do() -> None:
    assert whole_ranges(RANGE_MS + 5, 3 * RANGE_MS) == [
        (RANGE_MS + 5, 2 * RANGE_MS - 1),
        (2 * RANGE_MS, 3 * RANGE_MS - 1),
        (3 * RANGE_MS, 3 * RANGE_MS),
    ]


def test_a_rule_that_is_never_due_in_the_span_has_no_grid() -> None:
    (rule,) = past_rules([group(recording("r", "up"), interval=24 * HOUR)], MINUTE)
    first = rule.grid(FROM, FROM + 24 * HOUR - 1)
    assert first is not None
    assert first.count == 1
    at_ms = first.start_ms
    assert rule.grid(at_ms + 1, at_ms + HOUR) is None
    again = rule.grid(at_ms, at_ms)
    assert again is not None
    assert again.start_ms == at_ms


def test_rounds_by_what_rules_read_and_without_alerts() -> None:
    groups = [
        group(recording("a", "up"), alerting("X", "a"), recording("b", "a")),
        group(recording("c", "up"), recording("d", "b + c"), name="h"),
    ]
    names = [
        [one.config.record for one in together]
        for together in rounds(past_rules(groups, MINUTE), parse)
    ]
    assert names == [["a", "c"], ["b"], ["d"]]
    anything = [group(recording("a", '{job="x"}'), recording("b", "up"))]
    assert len(rounds(past_rules(anything, MINUTE), parse)) == 2


def test_two_series_must_not_become_one() -> None:
    (rule,) = past_rules([group(recording("r", "load", cpu="x"))], MINUTE)
    grid = rule.grid(FROM, FROM + HOUR)
    assert grid is not None
    with pytest.raises(EvaluationError, match="same labelset"):
        PastRecording(rule).record(Engine(EngineOptions()).range(past(), "load", grid))


def test_two_rules_that_record_one_series_are_an_error(tmp_path: Path) -> None:
    one, two = past_rules([group(recording("r", "vector(1)"), recording("r", "vector(2)"))], MINUTE)
    grid = one.grid(FROM, FROM + HOUR)
    assert grid is not None
    engine = Engine(EngineOptions())
    found = [
        (rule, PastRecording(rule).record(engine.range(past(), rule.config.expr, grid)))
        for rule in (one, two)
    ]
    with (
        BackfillStore(tmp_path, clock=ManualClock(TO)) as store,
        pytest.raises(StorageError, match="duplicate sample"),
    ):
        store.add(found)
    assert not list((tmp_path / "blocks").iterdir())


def test_histograms_are_backfilled_too(tmp_path: Path) -> None:
    clock = ManualClock(TO)
    source = Database.open(tmp_path / "source", clock=clock)
    target = source.group(Labels.of(job="a"))
    column = int(target.columns([Labels.of(__name__="h", job="a")])[0])
    none, values = np.zeros(0, dtype=np.int64), np.zeros(0)
    for number in range(60):
        one = FloatHistogram(
            count=number, positive_spans=(BucketSpan(0, 1),), positive_buckets=(float(number),)
        )
        sample = HistogramSample(column, one)
        target.append(FROM + number * MINUTE, none, values, histograms=[sample])
    (rule,) = past_rules([group(recording("r", "h", src="past"))], MINUTE)
    engine, past_recording = Engine(EngineOptions()), PastRecording(rule)
    with BackfillStore(tmp_path / "out", clock=clock) as store:
        for start_ms, end_ms in whole_ranges(FROM, FROM + 3 * HOUR):
            grid = rule.grid(start_ms, end_ms)
            assert grid is not None
            result = engine.range(source, rule.config.expr, grid)
            store.add([(rule, past_recording.record(result))])
        store.publish()
    source.close()
    found = Database.open_read_only(tmp_path / "out", clock=clock)

    def count(at_ms: int) -> list[float]:
        query = 'histogram_count(r{src="past",job="a"})'
        return [one.value for one in elements(engine.instant(found, query, at_ms))]

    first = rule.grid(FROM, FROM + HOUR)
    assert first is not None
    assert count(first.start_ms + 10 * MINUTE) == [10.0]
    # The last sample is looked back on for five minutes; then the series has ended.
    assert count(FROM + 63 * MINUTE) == [59.0]
    assert count(FROM + 66 * MINUTE) == []
