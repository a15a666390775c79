"""Metrics: names with type and help, and a query that suits the type."""

from __future__ import annotations

import pytest

from termprom.model.labels import Labels
from termprom.model.metadata import Metadata, MetricType
from termprom.promql.syntax.parse import parse
from termprom.testing.fake_backend import FakeBackend
from termprom.tui.panes.metrics import metric_rows, query_for
from tests.tui.panes.screen import fake, showing

METADATA = {
    "http_seconds": [Metadata(MetricType.HISTOGRAM, "How long requests take.", "seconds")],
    "hits_total": [Metadata(MetricType.COUNTER, "Hits.")],
    "om": [Metadata(MetricType.COUNTER, "OpenMetrics names the family.")],
    "temp": [Metadata(MetricType.GAUGE, "Degrees \x1b[31m.")],
    "gc": [Metadata(MetricType.SUMMARY, "Pauses.")],
    "native": [Metadata(MetricType.HISTOGRAM, "Native.")],
}
NAMES = [
    "gc", "gc_count", "hits_total", "http_seconds_bucket", "http_seconds_sum", "native",
    "odd.näme", "om_total", "temp", "up", "x_total",
]  # fmt: skip


def _backend(**more: object) -> FakeBackend:
    series = [Labels.of(__name__=name, job="a") for name in NAMES]
    return fake(series_labels=series, metadata_by_metric=METADATA, **more)


def test_the_query_suits_the_type() -> None:
    queries = {row.name: query_for(row) for row in metric_rows(NAMES, METADATA)}
    assert queries == {
        "gc": "gc",
        "gc_count": "rate(gc_count[5m])",
        "hits_total": "rate(hits_total[5m])",
        "http_seconds_bucket":
            "histogram_quantile(0.99, sum by (le) (rate(http_seconds_bucket[5m])))",
        "http_seconds_sum": "rate(http_seconds_sum[5m])",
        "native": "histogram_quantile(0.99, sum(rate(native[5m])))",
        "odd.näme": '{"odd.näme"}',
        "om_total": "rate(om_total[5m])",
        "temp": "temp",
        "up": "up",
        "x_total": "rate(x_total[5m])",
    }  # fmt: skip
    for expr in queries.values():
        parse(expr)


async def test_names_have_type_and_help_and_can_be_filtered() -> None:
    async with showing(_backend(), "metrics") as screen:
        line = next(line for line in screen.lines if "http_seconds_bucket" in line)
        assert "histogram" in line
        assert "How long requests take." in line
        assert "\x1b" not in screen.text
        await screen.press("slash", *"type=gauge", "enter")
        assert "hits_total" not in screen.text
        assert "temp" in screen.text


async def test_enter_opens_the_query() -> None:
    backend = _backend()
    async with showing(backend, "metrics") as screen:
        await screen.press("j", "j", "enter")
        assert screen.pane.PANE_ID == "query"
        assert "query_range rate(hits_total[5m])" in backend.asked


async def test_no_metrics_is_said() -> None:
    async with showing(fake(), "metrics") as screen:
        assert "no metrics in the last hour" in screen.text


@pytest.mark.parametrize("size", [(40, 10), (60, 15), (80, 24), (200, 60)])
async def test_every_size_is_drawn(size: tuple[int, int]) -> None:
    async with showing(_backend(), "metrics", size) as screen:
        await screen.press("j", "d", "d", "x")
        assert len(screen.lines) == size[1]
