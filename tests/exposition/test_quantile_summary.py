from __future__ import annotations

import math

from prometheus_client import CollectorRegistry, generate_latest

from termprom.exposition.quantile_summary import AGE_SECONDS_MAX, OBSERVATIONS_MAX, QuantileSummary
from termprom.testing.clock import ManualClock


def test_quantiles_are_of_the_last_ten_minutes_and_totals_of_all_time() -> None:
    clock, registry = ManualClock(), CollectorRegistry()
    summary = QuantileSummary("s_seconds", "Text.", (0.5, 0.99), clock=clock, registry=registry)

    def value(suffix: str = "", **labels: str) -> float | None:
        return registry.get_sample_value(f"s_seconds{suffix}", labels)

    assert math.isnan(value(quantile="0.5") or 0.0)
    assert value("_count") == 0
    for number in range(100):
        summary.observe(float(number))
    assert (value(quantile="0.5"), value(quantile="0.99")) == (50.0, 99.0)
    clock.set(clock.now_ms() + int(AGE_SECONDS_MAX * 1000) + 1)
    assert math.isnan(value(quantile="0.99") or 0.0)
    summary.observe(7.0)
    assert (value(quantile="0.5"), value("_sum"), value("_count")) == (7.0, 4957.0, 101)
    assert b'# TYPE s_seconds summary\ns_seconds{quantile="0.5"} 7.0\n' in generate_latest(registry)


def test_series_come_and_go_with_their_label() -> None:
    registry = CollectorRegistry()
    summary = QuantileSummary(
        "s", "Text.", (0.9,), clock=ManualClock(), registry=registry, label="url"
    )
    summary.observe(1.0, "nobody")
    assert generate_latest(registry) == b"# HELP s Text.\n# TYPE s summary\n"
    summary.begin("a")
    summary.begin("b")
    summary.observe(2.0, "a")
    assert registry.get_sample_value("s", {"url": "a", "quantile": "0.9"}) == 2.0
    assert registry.get_sample_value("s_count", {"url": "b"}) == 0
    summary.end("a")
    assert registry.get_sample_value("s_count", {"url": "a"}) is None


def test_its_memory_is_bounded() -> None:
    registry = CollectorRegistry()
    summary = QuantileSummary("s", "Text.", (0.0,), clock=ManualClock(), registry=registry)
    for number in range(OBSERVATIONS_MAX + 10):
        summary.observe(float(number))
    assert registry.get_sample_value("s", {"quantile": "0"}) == 10.0
