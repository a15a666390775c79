"""What we write in any of the three formats is read back as it was."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from termprom.exposition.entries import SeriesEntry
from termprom.exposition.families import MetricFamily, Sample
from termprom.exposition.negotiate import Format, accept_header, scanner_for
from termprom.exposition.numbers import normalize_bound
from termprom.exposition.protobuf import HistogramForms, ProtoSample, read_protobuf
from termprom.exposition.scanner import scan
from termprom.exposition.writers import OPENMETRICS, PROTOBUF, TEXT, Writer, writer_for
from termprom.model.labels import Labels
from termprom.model.metadata import Metadata, MetricType

NUMBERS = st.one_of(
    st.integers(0, 2**53).map(float),
    st.floats(allow_nan=False),
    st.sampled_from([0.0, -0.0, math.inf, -math.inf, 1e-320, 1e6, 0.1]),
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.one_of(
    st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6),
)
LABEL_NAMES = NAMES.filter(lambda name: name not in ("le", "quantile", "__name__"))
LABELS = st.dictionaries(LABEL_NAMES, TEXTS.filter(bool), max_size=3)
STAMPS = st.none() | st.integers(1, 2**42)
SIMPLE = (MetricType.COUNTER, MetricType.GAUGE, MetricType.UNKNOWN)


@st.composite
def simple_family(draw: st.DrawFn) -> MetricFamily:
    kind = draw(st.sampled_from(SIMPLE))
    name = draw(NAMES) + ("_total" if kind is MetricType.COUNTER else "")
    samples = tuple(
        Sample(Labels.of({**labels, "__name__": name}), draw(NUMBERS), draw(STAMPS))
        for labels in draw(st.lists(LABELS, min_size=1, max_size=3))
    )
    return MetricFamily(name, Metadata(kind, draw(TEXTS)), samples)


@st.composite
def composed_family(draw: st.DrawFn) -> MetricFamily:
    """A histogram or a summary, with every part."""
    kind = draw(st.sampled_from([MetricType.HISTOGRAM, MetricType.SUMMARY]))
    name, labels, stamp = draw(NAMES), draw(LABELS), draw(STAMPS)
    samples: list[Sample] = []

    def add(suffix: str, value: float, **bound: str) -> None:
        found = Labels.of({**labels, **bound, "__name__": name + suffix})
        samples.append(Sample(found, value, stamp))

    if kind is MetricType.HISTOGRAM:
        counts = sorted(draw(st.lists(st.integers(0, 1000), min_size=1, max_size=4)))
        bounds = sorted(draw(st.sets(st.floats(-1e9, 1e9), min_size=len(counts) - 1,
                                     max_size=len(counts) - 1)))  # fmt: skip
        for bound, count in zip([*bounds, math.inf], counts, strict=True):
            add("_bucket", float(count), le=normalize_bound(repr(bound)))
        total = float(counts[-1])
    else:
        for quantile in sorted(draw(st.sets(st.floats(0, 1), max_size=3))):
            add("", draw(NUMBERS), quantile=normalize_bound(repr(quantile)))
        total = float(draw(st.integers(0, 2**53)))
    add("_sum", draw(NUMBERS))
    add("_count", total)
    return MetricFamily(name, Metadata(kind, draw(TEXTS)), tuple(samples))


def read(body: bytes, writer: Writer) -> list[tuple[Labels, float, int | None]]:
    """Labels, value and time of each sample, in any order."""
    if writer is PROTOBUF:
        found = [
            (Labels.of(dict(one.pairs())), one.value, one.time_ms)
            for one in read_protobuf(body, HistogramForms())
            if isinstance(one, ProtoSample)
        ]
    else:
        kind = Format.OPENMETRICS if writer is OPENMETRICS else Format.TEXT
        found = [
            (Labels.of(dict(one.pairs)), one.value, one.timestamp_ms)
            for one in scan(scanner_for(body, kind))
            if isinstance(one, SeriesEntry)
        ]
    return sorted(((labels, value + 0.0, time) for labels, value, time in found), key=repr)


def arriving(time_ms: int | None, writer: Writer) -> int | None:
    """A time as it is read: OpenMetrics writes seconds, and readers cut what they make of them."""
    return int(time_ms / 1000 * 1000) if time_ms is not None and writer is OPENMETRICS else time_ms


@pytest.mark.parametrize("writer", [TEXT, OPENMETRICS, PROTOBUF], ids=["text", "om", "proto"])
@given(st.lists(st.one_of(simple_family(), composed_family()), max_size=4,
                unique_by=lambda family: family.name))  # fmt: skip
def test_what_is_written_is_read(writer: Writer, families: list[MetricFamily]) -> None:
    written = writer.write(families)
    expected = sorted(
        (
            (sample.labels, sample.value + 0.0, arriving(sample.timestamp_ms, writer))
            for family in families
            for sample in family.samples
        ),
        key=repr,
    )
    assert read(written, writer) == expected


@given(simple_family())
def test_another_client_s_parsers_read_what_we_write(family: MetricFamily) -> None:
    (theirs,) = text_string_to_metric_families(TEXT.write([family]).decode())
    assert len(theirs.samples) == len({sample.labels for sample in family.samples}) or (
        len(theirs.samples) == len(family.samples)
    )
    sound = MetricFamily("name_total", Metadata(MetricType.COUNTER, "help"), (
        Sample(Labels.of(__name__="name_total", a="b"), 1.0),))  # fmt: skip
    (openmetrics,) = openmetrics_families(OPENMETRICS.write([sound]).decode())
    assert openmetrics.name == "name"


@pytest.mark.parametrize(
    ("accept", "writer"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/html", TEXT),
        ("text/plain;version=1.0.0;q=0.5, application/openmetrics-text;q=0.4", OPENMETRICS),
        ("text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.9", TEXT),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/vnd.google.protobuf;proto=other;encoding=delimited", TEXT),
        (accept_header(["PrometheusProto", "OpenMetricsText1.0.0"], "allow-utf-8"), PROTOBUF),
        (accept_header(["OpenMetricsText1.0.0", "PrometheusProto"], "allow-utf-8"), OPENMETRICS),
        (accept_header(["PrometheusText0.0.4"], "underscores"), TEXT),
    ],
)
def test_who_asks_decides(accept: str, writer: Writer) -> None:
    assert writer_for(accept) is writer
