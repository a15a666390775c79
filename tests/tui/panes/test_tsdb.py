"""TSDB: head, log, blocks and cardinality in figures with units."""

from __future__ import annotations

import pytest

from termprom.backend.interface import Feature
from termprom.promql.syntax.parse import parse
from termprom.testing.fake_backend import FakeBackend
from termprom.tui.panes.tsdb_rows import cardinality_expr, cardinality_rows
from termprom.tui.widgets.text_box import TextBox
from termprom.views import BlockView, BuildView, CardinalityView, StatusView, StorageView
from tests.tui.panes.screen import NOW_MS, fake, showing

HOUR = 3_600_000

CARDINALITY = CardinalityView(
    series=1000,
    label_pairs=321,
    by_metric=(("http_bucket", 320), ("odd-näme", 3)),
    by_label_values=(("instance", 12), ("a.b", 2)),
    by_label_bytes=(("path", 2048),),
    by_pair=(("job=api", 500), ('le="0.5"', 10)),
)


def _backend(**more: object) -> FakeBackend:
    store = StorageView(
        path="/data",
        head_series=1000,
        head_groups=3,
        head_samples=128_412,
        head_start_ms=NOW_MS - HOUR,
        head_end_ms=NOW_MS,
        wal_bytes=64 * 2**20,
        blocks=(BlockView("01ABC", NOW_MS - 3 * HOUR, NOW_MS - HOUR, 900, 100_000, 150_000),),
        samples_appended=5_000,
        out_of_order=7,
        replay_dropped="the last 12 bytes of segment 3",
        retention_ms=15 * 24 * HOUR,
    )
    options: dict[str, object] = {
        "status_view": StatusView(BuildView("1"), storage=store, samples_per_second=412.0),
        "cardinality_view": CARDINALITY,
    }
    return fake(**(options | more))


async def test_the_store_in_figures_with_units() -> None:
    async with showing(_backend(), "tsdb") as screen:
        for part in (
            "1 000 series in 3 groups", "128 412 samples", "412 samples/s", "64 MiB",
            "7 out of order", "the last 12 bytes of segment 3", "15d", "1h",
        ):  # fmt: skip
            assert part in screen.text


async def test_cardinality_under_headings_with_shares() -> None:
    backend = _backend()
    async with showing(backend, "tsdb") as screen:
        await screen.press("m")
        assert "metrics with the most series (2)" in screen.text
        assert "32.0%" in screen.text
        assert "2 KiB" in screen.text
        assert "1000 series, 321 label pairs" in screen.text
        await screen.press("j", "o")
        assert screen.pane.PANE_ID == "query"
        assert 'query count({__name__="http_bucket"})' in backend.asked


@pytest.mark.parametrize("row", cardinality_rows(CARDINALITY), ids=lambda row: row.name)
def test_every_drill_down_is_a_good_query(row) -> None:
    parse(cardinality_expr(row))


async def test_blocks_with_bytes_a_sample() -> None:
    async with showing(_backend(), "tsdb") as screen:
        await screen.press("m", "m")
        line = next(line for line in screen.lines if "01ABC" in line)
        for part in ("2h", "100 000", "146 KiB", "1.50"):
            assert part in line
        assert "1.50 B a sample" in screen.pane.query_one("#detail", TextBox).text


async def test_an_empty_store_and_a_server_that_does_not_count() -> None:
    empty = StatusView(BuildView("1"), storage=StorageView(path="/data", head_groups=1))
    async with showing(fake(status_view=empty), "tsdb") as screen:
        assert "no samples yet" in screen.text
        await screen.press("m", "m")
        assert "no block yet" in screen.text
    without = _backend(features=frozenset(Feature) - {Feature.CARDINALITY})
    async with showing(without, "tsdb") as screen:
        await screen.press("m")
        assert "does not count its series: unavailable" in screen.text


@pytest.mark.parametrize("size", [(40, 10), (60, 15), (80, 24), (200, 60)])
async def test_every_size_is_drawn(size: tuple[int, int]) -> None:
    async with showing(_backend(), "tsdb", size) as screen:
        await screen.press("m", "enter", "escape", "m", "enter", "m")
        assert len(screen.lines) == size[1]


async def test_a_server_that_does_not_tell_of_its_store_is_not_called_empty() -> None:
    flags = {"storage.tsdb.retention.time": "15d", "storage.tsdb.retention.size": "0B"}
    status = StatusView(BuildView("3.6"), data_folder="/prometheus", flags=flags)
    async with showing(_backend(status_view=status), "tsdb") as screen:
        text = screen.text
        assert "1 000 series, 321 label pairs" in text, "from its own count"
        assert "kept        15d" in text
        assert text.count("not told") == 5
        assert "for ever" not in text
        assert "0 B" not in text
