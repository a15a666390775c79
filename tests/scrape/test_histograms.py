"""Histograms, exemplars and start times on their way from a page into the store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from termprom.exposition.entries import LabelPairs
from termprom.exposition.negotiate import Format
from termprom.exposition.protobuf import HistogramForms
from termprom.model.histogram import FloatHistogram
from termprom.model.labels import Labels
from termprom.scrape.layouts import Layouts
from termprom.scrape.page import Page
from termprom.scrape.reader import PageReader, Reading
from termprom.scrape.series import Extras
from tests.exposition.messages import (
    bucket,
    double,
    exemplar,
    family,
    label,
    message,
    metric,
    number,
    packed_varints,
    span,
    timestamp,
    zigzag,
)
from tests.scrape.fakes import STALE, Bench, FakeTarget

PROTO = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
CONVERT = Reading(HistogramForms(convert=True))
KEEP = Reading(HistogramForms(convert=True, keep_classic=True))

CLASSIC = """# TYPE h histogram
h_bucket{le="1"} 1
h_bucket{le="2"} 3
h_bucket{le="+Inf"} 4
h_sum 6.5
h_count 4
"""


def read(text: str, how: Reading, kind: Format = Format.TEXT) -> Page:
    return PageReader(Layouts()).read(text.encode(), kind, how)


def stored(page: Page) -> list[tuple[LabelPairs, float | FloatHistogram]]:
    histograms = dict(page.readings.histograms)
    values = page.readings.values.tolist()
    return [
        (pairs, histograms.get(line, values[line]))
        for line, pairs in enumerate(page.layout.pairs())
    ]


def names(page: Page) -> list[str]:
    return [dict(pairs)["__name__"] for pairs, _ in stored(page)]


def native(buckets: list[int], *, schema: int = 0, zero: int = 0) -> bytes:
    """A protobuf page with one native histogram `h`."""
    deltas = [now - before for before, now in zip([0, *buckets], buckets, strict=False)]
    parts = number(1, sum(buckets) + zero) + double(2, 1.5) + number(5, zigzag(schema))
    parts += double(6, 0.001) + number(7, zero)
    parts += span(12, 1, len(buckets)) + packed_varints(13, map(zigzag, deltas))
    return family("h", 4, metric(message(7, parts)))


def bench_of(
    *answers: bytes | str, content_type: str = PROTO, extras: Extras | None = None, **job: object
) -> Bench:
    fake = FakeTarget(*answers)
    fake.content_type = content_type
    bench = Bench(fake, **job)  # type: ignore[arg-type]
    if extras is not None:
        bench.use_extras(extras)
    return bench


def histograms_of(bench: Bench, text: str) -> list[FloatHistogram]:
    for labels, samples in bench.storage.histograms.items():
        if str(labels.without("instance", "job")) == text:
            return [samples[time] for time in sorted(samples)]
    return []


# --- Native histograms ------------------------------------------------------------------------


async def test_a_native_histogram_is_stored_and_ends_like_any_series() -> None:
    bench = bench_of(native([1, 2]), native([2, 2]), family("g", 1), scrape_native_histograms=True)
    await bench.scrape(4)
    found = histograms_of(bench, "h")
    assert [one.positive_buckets for one in found] == [(1.0, 2.0), (2.0, 2.0)]
    assert bench.values("h") == [STALE]
    assert bench.values("up") == [1.0] * 4
    assert bench.values("scrape_samples_scraped") == [1.0, 1.0, 0.0, 0.0]
    assert bench.values("scrape_series_added") == [1.0, 0.0, 0.0, 0.0]


async def test_without_the_option_it_is_its_classic_view() -> None:
    bench = bench_of(native([1, 2]))
    await bench.scrape()
    assert bench.values("h_count") == [3.0]
    assert bench.values('h_bucket{le="+Inf"}') == [3.0]
    assert not bench.storage.histograms


async def test_a_broken_protobuf_body_ends_only_what_it_did_not_reach() -> None:
    a, b = (family(name, 1, metric(message(2, double(1, 1.0)))) for name in ("a", "b"))
    bench = bench_of(a + b, a + b"\xff" + b, b)
    await bench.scrape(2)
    assert bench.values("a") == [1.0]
    assert bench.values("b") == [1.0, STALE]
    assert bench.values("up") == [1.0, 0.0]
    await bench.scrape()
    assert bench.values("a") == [1.0, STALE]


async def test_the_bucket_limit_costs_resolution_first() -> None:
    many = [1] * 16
    bench = bench_of(
        native(many, schema=3), scrape_native_histograms=True, native_histogram_bucket_limit=4
    )
    await bench.scrape()
    (one,) = histograms_of(bench, "h")
    assert (one.schema, one.positive_buckets) == (1, (4.0,) * 4)


async def test_a_bucket_limit_that_nothing_fits_fails_the_scrape() -> None:
    bench = bench_of(
        CLASSIC, "", content_type="text/plain",
        convert_classic_histograms_to_nhcb=True, native_histogram_bucket_limit=2,
    )  # fmt: skip
    await bench.scrape()
    assert bench.loop.view().last_error == "histogram bucket limit exceeded"
    assert bench.values("up") == [0.0]
    assert not bench.storage.histograms


async def test_the_least_growth_of_buckets() -> None:
    bench = bench_of(
        native([1] * 8, schema=3), scrape_native_histograms=True,
        native_histogram_min_bucket_factor=1.3,
    )  # fmt: skip
    await bench.scrape()
    (one,) = histograms_of(bench, "h")
    assert (one.schema, one.positive_buckets) == (1, (4.0, 4.0))


async def test_labels_and_metadata_of_a_protobuf_target() -> None:
    page = family(
        "c_total",
        0,
        metric(label("instance", "own"), message(3, double(1, 2.0))),
        help_text="Help.",
    )
    bench = bench_of(page)
    await bench.scrape(2)
    assert bench.values('c_total{exported_instance="own"}') == [2.0, 2.0]
    assert bench.loop.metadata()["c_total"].help == "Help."


# --- Classic histograms converted -------------------------------------------------------------


def test_a_classic_histogram_becomes_one_sample() -> None:
    ((pairs, value),) = stored(read(CLASSIC, CONVERT))
    assert pairs == (("__name__", "h"),)
    assert isinstance(value, FloatHistogram)
    assert value.custom_values == (1.0, 2.0)
    assert value.positive_buckets == (1.0, 2.0, 1.0)
    assert (value.count, value.sum) == (4.0, 6.5)


def test_with_the_classic_series_beside_it_it_comes_last() -> None:
    assert names(read(CLASSIC, KEEP)) == ["h_bucket"] * 3 + ["h_sum", "h_count", "h"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Without a TYPE, or under another one, lines are what they are.
        (CLASSIC.replace("# TYPE h histogram\n", ""), ["h_bucket"] * 3 + ["h_sum", "h_count"]),
        (CLASSIC.replace("TYPE h ", "TYPE x "), ["h_bucket"] * 3 + ["h_sum", "h_count"]),
        # A comment in the middle makes two of one; a blank line does not.
        (CLASSIC.replace("h_sum", "# why\nh_sum"), ["h", "h"]),
        (CLASSIC.replace("h_sum", "\nh_sum"), ["h"]),
        # Buckets in any order; counts that do not fit together are dropped without a word.
        (CLASSIC.replace('{le="2"} 3', '{le="2"} 9'), []),
        (CLASSIC.replace("h_count 4", "h_count 5"), []),
        ("# TYPE h histogram\nh_sum 1\nh_count 2\n", ["h"]),
        # A bound that is no number: the line is an ordinary sample.
        (CLASSIC.replace('le="2"', 'le="two"'), ["h", "h_bucket", "h"]),
        (CLASSIC + 'h_bucket{x="1",le="1"} 1\nh_count{x="1"} 1\nother 3\n', ["h", "h", "other"]),
    ],
)  # fmt: skip
def test_what_is_collected_into_one(text: str, expected: list[str]) -> None:
    assert names(read(text, CONVERT)) == expected


def test_it_takes_the_timestamp_of_the_line_that_ends_it() -> None:
    """Source: reference of scraping, 11.2 (5), a quirk of the original."""
    stamped = CLASSIC.replace("h_count 4", "h_count 4 111") + "next 1 222\n"
    page = read(stamped, CONVERT)
    assert page.readings.stamped.tolist() == [0, 1]
    assert page.readings.times_ms.tolist() == [222, 222]
    last = read(CLASSIC.replace("h_count 4", "h_count 4 111"), CONVERT)
    assert last.readings.times_ms.tolist() == [111]


async def test_converted_histograms_live_through_changes_of_the_page() -> None:
    more = CLASSIC + "extra 1\n"
    odd = CLASSIC.replace("h_count 4", "h_count 5")
    bench = bench_of(
        CLASSIC, more, odd, CLASSIC, "", content_type="text/plain",
        convert_classic_histograms_to_nhcb=True,
    )  # fmt: skip
    await bench.scrape(5)
    assert len(histograms_of(bench, "h")) == 3
    assert bench.values("h") == [STALE, STALE], "ends in the odd page, and at the end"
    assert bench.values("extra") == [1.0, STALE]
    assert bench.values("up") == [1.0] * 5
    assert bench.values("scrape_series_added")[:2] == [1.0, 1.0]


async def test_one_converted_histogram_is_one_sample_to_the_limit() -> None:
    bench = bench_of(
        CLASSIC, content_type="text/plain", convert_classic_histograms_to_nhcb=True, sample_limit=1
    )
    await bench.scrape()
    assert bench.values("up") == [1.0]


# --- Exemplars and start times ----------------------------------------------------------------

TRACED = """# TYPE c counter
c_total 5 # {trace_id="a"} 0.5 1700000000.5
c_created 1699999000.25
# TYPE h histogram
h_bucket{le="1"} 1 # {trace_id="b"} 0.25
h_bucket{le="+Inf"} 2 # {trace_id="c"} 3 1700000001
h_sum 4
h_count 2
h_created 1699999001
# EOF
"""


async def test_exemplars_are_kept_where_the_operator_wants_them() -> None:
    bench = bench_of(TRACED, content_type=OPENMETRICS)
    await bench.scrape()
    assert bench.storage.exemplars == []
    bench = bench_of(TRACED, content_type=OPENMETRICS, extras=Extras(exemplars=True))
    await bench.scrape()
    found = [(labels.metric, str(one.labels), one.value, one.time_ms)
             for labels, one in bench.storage.exemplars]  # fmt: skip
    assert found == [
        ("c_total", '{trace_id="a"}', 0.5, 1_700_000_000_500),
        ("h_bucket", '{trace_id="b"}', 0.25, bench.time_ms),
        ("h_bucket", '{trace_id="c"}', 3.0, 1_700_000_001_000),
    ]


async def test_of_a_converted_histogram_only_exemplars_with_a_time_are_kept() -> None:
    bench = bench_of(
        TRACED, content_type=OPENMETRICS, extras=Extras(exemplars=True),
        convert_classic_histograms_to_nhcb=True,
    )  # fmt: skip
    await bench.scrape()
    found = {(labels.metric, one.labels.get("trace_id")) for labels, one in bench.storage.exemplars}
    assert found == {("c_total", "a"), ("h", "c")}


async def test_created_lines_are_series_unless_start_times_are_of_interest() -> None:
    bench = bench_of(TRACED, content_type=OPENMETRICS)
    await bench.scrape()
    assert bench.values("c_created") == [1699999000.25]
    bench = bench_of(TRACED, content_type=OPENMETRICS, extras=Extras(starts=True))
    await bench.scrape()
    assert bench.values("c_created") == []
    counter = Labels.of(__name__="c_total", instance="host:1", job="j")
    assert list(bench.storage.starts_ms[counter].values()) == [1_699_999_000_250]


async def test_a_counter_gets_a_zero_at_its_beginning_once() -> None:
    later = TRACED.replace("c_total 5", "c_total 7")
    restarted = later.replace("c_created 1699999000.25", "c_created 1700000015")
    bench = bench_of(
        TRACED, later, restarted, content_type=OPENMETRICS, extras=Extras(zero_samples=True)
    )
    await bench.scrape(3)
    # The second beginning lies before a sample that is stored already.
    assert bench.values("c_total") == [0.0, 5.0, 7.0, 7.0]
    times = sorted(
        time
        for labels, samples in bench.storage.samples.items()
        if labels.metric == "c_total"
        for time in samples
    )
    assert times[0] == 1_699_999_000_250


async def test_a_histogram_begins_empty() -> None:
    start = timestamp(15, 1_699_999_000)
    parts = number(1, 3) + double(2, 1.5) + double(6, 0.001) + span(12, 1, 1)
    body = family("h", 4, metric(message(7, parts + number(13, zigzag(3)) + start)))
    bench = bench_of(body, extras=Extras(zero_samples=True), scrape_native_histograms=True)
    await bench.scrape(2)
    assert [one.count for one in histograms_of(bench, "h")] == [0.0, 3.0, 3.0]
    assert min(time for samples in bench.storage.histograms.values() for time in samples) == (
        1_699_999_000_000
    )


def test_which_created_line_belongs_to_which_series() -> None:
    """Source: reference of exposition, 3.2."""
    how = Reading(starts=True)
    each = '# TYPE c counter\nc_total{a="1"} 1\nc_created{a="1"} 5\n'
    each += 'c_total{a="2"} 1\nc_created{a="2"} 6\n# EOF\n'
    assert read(each, how, Format.OPENMETRICS).readings.starts_ms is not None
    page = read(each, how, Format.OPENMETRICS)
    assert page.readings.starts_ms is not None
    assert page.readings.starts_ms.tolist() == [5000, 6000]
    after = '# TYPE c counter\nc_total{a="1"} 1\nc_total{a="2"} 1\n'
    after += 'c_created{a="1"} 5\nc_created{a="2"} 6\n# EOF\n'
    page = read(after, how, Format.OPENMETRICS)
    assert page.readings.starts_ms is not None
    assert page.readings.starts_ms.tolist() == [5000, 0]
    before = "# TYPE c counter\nc_created 5\nc_total 1\n# EOF\n"
    page = read(before, how, Format.OPENMETRICS)
    assert names(page) == ["c_total"]
    assert page.readings.starts_ms is None


async def test_protobuf_tells_start_times_and_exemplars_too() -> None:
    value = double(1, 5.0) + exemplar(2, 0.5, timestamp(3, 1_700_000_000), label("id", "x"))
    body = family("c_total", 0, metric(message(3, value + timestamp(3, 1_699_999_000))))
    bench = bench_of(body, extras=Extras(exemplars=True, starts=True))
    await bench.scrape()
    counter = Labels.of(__name__="c_total", instance="host:1", job="j")
    assert list(bench.storage.starts_ms[counter].values()) == [1_699_999_000_000]
    assert [one.time_ms for _, one in bench.storage.exemplars] == [1_700_000_000_000]


async def test_a_target_that_changes_its_format_keeps_its_series() -> None:
    text = 'h_bucket{le="1"} 1\n'
    bench = bench_of(family("h", 4, metric(message(7, number(1, 1) + bucket(1.0, 1)))))
    await bench.scrape()
    bench.fake.answers, bench.fake.content_type = [f"# TYPE h histogram\n{text}"], "text/plain"
    await bench.scrape()
    assert bench.values('h_bucket{le="1.0"}') == [1.0, 1.0]
    assert bench.values("h_count") == [1.0, STALE]


def test_options_of_the_target_are_part_of_how_a_page_is_read() -> None:
    reader = PageReader(Layouts())
    plain = reader.read(CLASSIC.encode(), Format.TEXT, Reading())
    reader.keep(plain)
    converted = reader.read(CLASSIC.encode(), Format.TEXT, CONVERT)
    reader.keep(converted)
    assert names(converted) == ["h"]
    kept = reader.read(CLASSIC.encode(), Format.TEXT, replace(CONVERT, forms=KEEP.forms))
    assert len(names(kept)) == 6
    again = reader.read(CLASSIC.encode(), Format.TEXT, Reading())
    assert again.layout is plain.layout
