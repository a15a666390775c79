"""Completion: which names are found, where they come from, and hints about what is allowed."""

from __future__ import annotations

import pytest

from termprom.errors import BackendUnavailable
from termprom.model.labels import Labels
from termprom.model.metadata import Metadata, MetricType
from termprom.promql.syntax.parse import parse
from termprom.testing.clock import ManualClock
from termprom.testing.fake_backend import FakeBackend
from termprom.tui.editor.context import context_at
from termprom.tui.editor.hints import hints_of
from termprom.tui.editor.names import NameIndex
from termprom.tui.editor.offers import Offers

NOW_MS = 1_777_723_471_000
SERIES = [
    Labels.of(__name__="http_total", job="api", code="500"),
    Labels.of(__name__="http_total", job="web", code="200"),
    Labels.of(__name__="node_load1", job="node"),
]


def test_prefix_then_word_then_middle_then_letters_in_order():
    index = NameIndex(["node_cpu_seconds", "cpu_time", "Process_CPU", "xcpu", "container"])
    assert index.find("cpu") == ["cpu_time", "node_cpu_seconds", "Process_CPU", "xcpu"]
    assert index.find("ndcpu") == ["node_cpu_seconds"]
    assert index.find("zz") == []
    assert len(index.find("", 3)) == 3


def test_a_name_with_a_line_break_does_not_shift_the_others():
    index = NameIndex(["a\nb", "c_d", "e_f"])
    assert index.find("d") == ["c_d"]
    assert index.find("a") == ["a\nb"]


def offers_of(backend: FakeBackend) -> Offers:
    backend.series_labels = SERIES
    backend.metadata_by_metric = {
        "http_total": [Metadata(MetricType.COUNTER, "Requests served")],
    }
    return Offers(backend, backend.clock)


async def names(offers: Offers, marked: str) -> list[str]:
    caret = marked.index("¦")
    found = await offers.at(context_at(marked.replace("¦", ""), caret))
    return [one.name for one in found]


async def test_each_place_gets_what_belongs_there():
    offers = offers_of(FakeBackend(ManualClock(NOW_MS)))
    assert await names(offers, "htt¦") == ["http_total"]
    assert (await names(offers, "rat¦"))[0] == "rate"
    assert await names(offers, "http_total{¦") == ["code", "job"]
    assert await names(offers, 'http_total{code="500",¦') == ["job"]
    assert await names(offers, 'http_total{job="¦') == ["api", "web"]
    assert await names(offers, "sum by (c¦) (http_total)") == ["code"]
    assert await names(offers, "rate(http_total[1¦") == ["1m", "15m", "1h", "1d"]
    assert offers.type_of("http_total") == "counter"


async def test_names_are_asked_for_once_a_minute():
    backend = FakeBackend(ManualClock(NOW_MS))
    offers = offers_of(backend)
    for _ in range(3):
        await names(offers, "h¦")
        await names(offers, "http_total{¦")
    assert len(backend.asked) == 3, "metrics, metadata, labels"
    await backend.clock.advance(61)
    await names(offers, "h¦")
    assert len(backend.asked) == 5


async def test_a_silent_backend_costs_offers_and_nothing_else():
    backend = FakeBackend(ManualClock(NOW_MS), failing="connection refused")
    offers = offers_of(backend)
    assert await names(offers, "http_total{¦") == []
    assert "rate" in await names(offers, "rat¦")
    with pytest.raises(BackendUnavailable):
        await backend.metadata()


@pytest.mark.parametrize(
    ("expr", "words"),
    [
        ("rate(load[5m])", "load is a gauge"),
        ("deriv(http_total[5m])", "http_total is a counter"),
        ("rate(http_total[30s])", "take 60 s or more"),
        ("rate(sum(http_total)[5m:])", "sum the rate instead"),
        ("histogram_quantile(0.9, sum by (job) (rate(x_bucket[5m])))", "needs the label le"),
        ('up{job=~"api"}', "= would do"),
        ('up{job=~".*"}', "matches everything"),
    ],
)
def test_what_is_seldom_meant_gets_a_hint(expr, words):
    types = {"load": "gauge", "http_total": "counter"}
    found = hints_of(parse(expr), lambda name: types.get(name, ""), 15.0)
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(
    "expr",
    [
        "rate(http_total[5m])",
        "histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))",
        "histogram_quantile(0.9, sum(rate(native[5m])))",
        'up{job=~"a|b", env="x"}',
    ],
)
def test_what_is_right_gets_none(expr):
    types = {"http_total": "counter"}
    assert hints_of(parse(expr), lambda name: types.get(name, ""), 15.0) == []
