from __future__ import annotations

from pathlib import Path

import pytest

from termprom.errors import EvaluationError
from termprom.model.histogram import BucketSpan, FloatHistogram
from termprom.model.labels import EMPTY, Labels
from termprom.promql.engine import Engine, EngineOptions
from termprom.rules.output import Output
from termprom.rules.recording import Samples, recorded_samples
from termprom.rules.vector import Element, elements
from termprom.testing.clock import ManualClock
from termprom.tsdb.db import Database


def element(value: float = 1.0, **labels: str) -> Element:
    return Element(Labels.of(labels), value)


def test_the_name_is_replaced_and_rule_labels_win() -> None:
    found = [element(3.5, __name__="raw", job="a", env="dev", zone="z")]
    labels = Labels([("env", "prod"), ("zone", "")])
    assert recorded_samples("job:raw", labels, found, limit=0) == {
        Labels.of(__name__="job:raw", env="prod", job="a"): 3.5
    }


def test_two_elements_must_not_become_one_series() -> None:
    found = [element(__name__="a", job="x"), element(__name__="b", job="x")]
    with pytest.raises(EvaluationError, match="same labelset after applying rule labels"):
        recorded_samples("r", EMPTY, found, limit=0)


@pytest.mark.parametrize(("limit", "refused"), [(0, False), (-1, False), (2, False), (1, True)])
def test_the_limit(limit: int, refused: bool) -> None:
    found = [element(job="x"), element(job="y")]
    if refused:
        with pytest.raises(EvaluationError, match="exceeded limit of 1 with 2 series"):
            recorded_samples("r", EMPTY, found, limit=limit)
    else:
        assert len(recorded_samples("r", EMPTY, found, limit=limit)) == 2


HISTOGRAM = FloatHistogram(
    schema=0,
    count=3.0,
    sum=6.0,
    positive_spans=(BucketSpan(0, 2),),
    positive_buckets=(1.0, 2.0),
)


def test_native_histograms_are_recorded_as_they_are() -> None:
    found = [Element(Labels.of(job="a"), 0.0, HISTOGRAM), element(2.0, job="b")]
    assert recorded_samples("r", EMPTY, found, limit=0) == {
        Labels.of(__name__="r", job="a"): HISTOGRAM,
        Labels.of(__name__="r", job="b"): 2.0,
    }


def test_what_was_recorded_can_be_asked_and_ends(tmp_path: Path) -> None:
    store = Database.open(tmp_path, clock=ManualClock(100_000))
    output = Output(store, "f;g")
    samples: Samples = {Labels.of(__name__="r", job="a"): HISTOGRAM, Labels.of(__name__="s"): 7.0}
    assert output.write(60_000, samples).stored == 2
    engine = Engine(EngineOptions())

    def answer(expr: str, at_ms: int) -> list[Element]:
        return elements(engine.instant(store, expr, at_ms))

    (found,) = answer("r", 61_000)
    assert found.histogram is not None
    assert (found.histogram.count, found.histogram.positive_buckets) == (3.0, (1.0, 2.0))
    assert [one.value for one in answer("histogram_sum(r) + on () s", 61_000)] == [13.0]
    output.end_series(75_000, samples)
    assert answer("r", 76_000) == answer("s", 76_000) == []
    # The column may hold a float after a histogram, and a histogram again.
    name = Labels.of(__name__="r", job="a")
    output.write(90_000, {name: 1.0})
    output.write(105_000, {name: HISTOGRAM})
    assert [one.value for one in answer("count_over_time(r[1m])", 106_000)] == [3.0]
    store.close()
