"""The protobuf decoder: the rows of the reference, damage of every kind, and what is forgiven."""

from __future__ import annotations

import contextlib
import math
import random

import pytest

from termprom.errors import ExpositionError
from termprom.exposition.entries import Exemplar
from termprom.exposition.protobuf import (
    HistogramForms,
    ProtoFamily,
    ProtoSample,
    read_protobuf,
)
from termprom.model.histogram import BucketSpan, CounterResetHint
from termprom.model.metadata import Metadata, MetricType
from termprom.model.values import NAN_BITS, STALE_BITS, bits_of, float_from_bits
from tests.exposition.messages import (
    bucket,
    double,
    exemplar,
    family,
    label,
    message,
    metric,
    number,
    packed_doubles,
    packed_varints,
    span,
    timestamp,
    varint,
    zigzag,
)

CLASSIC = HistogramForms()
NATIVE = HistogramForms(native=True)
CONVERT = HistogramForms(convert=True)
BOTH = HistogramForms(native=True, keep_classic=True)

# Buckets 1: 1, 2: 3, +Inf: 4, and the same observations in native buckets.
BUCKETS = bucket(1.0, 1) + bucket(2.0, 3)
TOTALS = number(1, 4) + double(2, 6.5)
NATIVE_PARTS = (
    number(5, zigzag(0))
    + double(6, 0.001)
    + number(7, 1)
    + span(12, 0, 2)
    + number(13, zigzag(1))
    + number(13, zigzag(1))
)


def samples(body: bytes, forms: HistogramForms = CLASSIC) -> list[ProtoSample]:
    return [one for one in read_protobuf(body, forms) if isinstance(one, ProtoSample)]


def shown(body: bytes, forms: HistogramForms = CLASSIC) -> list[tuple[str, float]]:
    """Name with labels, and value, of each sample."""
    return [
        (
            one.pairs()[0][1] + "".join(f" {name}={value}" for name, value in one.pairs()[1:]),
            one.histogram.count if one.histogram is not None else one.value,
        )
        for one in samples(body, forms)
    ]


def histogram(*parts: bytes, kind: int = 4) -> bytes:
    return family("h", kind, metric(message(7, b"".join(parts))))


def test_values_come_from_the_part_that_belongs_to_the_type() -> None:
    body = (
        family("c", 0, metric(label("a", "b"), message(3, double(1, 2.0))))
        + family("g", 1, metric(message(2, double(1, 3.0))))
        + family("u", 3, metric(message(5, double(1, 4.0))))
        + family("wrong", 0, metric(message(2, double(1, 5.0))))
        + family("untold", None, metric(message(3, double(1, 6.0))))
    )
    assert shown(body) == [("c a=b", 2.0), ("g", 3.0), ("u", 4.0), ("wrong", 0.0), ("untold", 6.0)]
    kinds = [one.metadata.type for one in read_protobuf(body, CLASSIC) if hasattr(one, "metadata")]
    assert kinds == [
        MetricType.COUNTER,
        MetricType.GAUGE,
        MetricType.UNKNOWN,
        MetricType.COUNTER,
        MetricType.COUNTER,
    ]


def test_a_summary_is_counts_sums_and_quantiles() -> None:
    quantiles = message(3, double(1, 0.5) + double(2, 7.0)) + message(
        3, double(1, 1.0) + double(2, 9.0)
    )
    body = family("s", 2, metric(message(4, number(1, 3) + double(2, 12.5) + quantiles)))
    assert shown(body) == [
        ("s_count", 3.0),
        ("s_sum", 12.5),
        ("s quantile=0.5", 7.0),
        ("s quantile=1.0", 9.0),
    ]


@pytest.mark.parametrize("kind", [4, 5])
def test_the_classic_view_has_an_infinite_bucket_in_any_case(kind: int) -> None:
    expected = [
        ("h_count", 4.0),
        ("h_sum", 6.5),
        ("h_bucket le=1.0", 1.0),
        ("h_bucket le=2.0", 3.0),
        ("h_bucket le=+Inf", 4.0),
    ]
    assert shown(histogram(TOTALS, BUCKETS, kind=kind)) == expected
    whole = histogram(TOTALS, BUCKETS, bucket(math.inf, 4), kind=kind)
    assert shown(whole) == expected


NATIVE_ONLY = histogram(TOTALS, NATIVE_PARTS)
CLASSIC_ONLY = histogram(TOTALS, BUCKETS)
BOTH_VIEWS = histogram(TOTALS, BUCKETS, NATIVE_PARTS)


@pytest.mark.parametrize(
    ("body", "forms", "names"),
    [
        (CLASSIC_ONLY, NATIVE, "h_count h_sum h_bucket h_bucket h_bucket"),
        (CLASSIC_ONLY, CONVERT, "h"),
        (CLASSIC_ONLY, HistogramForms(convert=True, keep_classic=True),
         "h h_count h_sum h_bucket h_bucket h_bucket"),
        (NATIVE_ONLY, CLASSIC, "h_count h_sum h_bucket"),
        (NATIVE_ONLY, CONVERT, "h"),
        (NATIVE_ONLY, HistogramForms(convert=True, keep_classic=True),
         "h h_count h_sum h_bucket"),
        (NATIVE_ONLY, NATIVE, "h"),
        (NATIVE_ONLY, BOTH, "h"),
        (BOTH_VIEWS, CLASSIC, "h_count h_sum h_bucket h_bucket h_bucket"),
        (BOTH_VIEWS, NATIVE, "h"),
        (BOTH_VIEWS, BOTH, "h h_count h_sum h_bucket h_bucket h_bucket"),
        (BOTH_VIEWS, HistogramForms(True, True, True),
         "h h_count h_sum h_bucket h_bucket h_bucket"),
    ],
)  # fmt: skip
def test_which_forms_of_a_histogram_there_are(
    body: bytes, forms: HistogramForms, names: str
) -> None:
    """Source: reference of scraping, section 11.1."""
    assert [one.pairs()[0][1] for one in samples(body, forms)] == names.split()


def test_a_native_histogram_in_absolute_counts() -> None:
    (one,) = samples(NATIVE_ONLY, NATIVE)
    assert one.histogram is not None
    assert one.histogram.count == 4.0
    assert one.histogram.sum == 6.5
    assert one.histogram.zero_count == 1.0
    assert one.histogram.positive_spans == (BucketSpan(0, 2),)
    assert one.histogram.positive_buckets == (1.0, 2.0)
    assert one.histogram.hint is CounterResetHint.UNKNOWN
    (gauge,) = samples(histogram(TOTALS, NATIVE_PARTS, kind=5), NATIVE)
    assert gauge.histogram is not None
    assert gauge.histogram.hint is CounterResetHint.GAUGE


def test_repeated_numbers_come_packed_or_not() -> None:
    deltas = packed_varints(13, map(zigzag, [1, 1]))
    packed = histogram(TOTALS, number(5, 0), double(6, 0.001), number(7, 1), span(12, 0, 2), deltas)
    assert samples(packed, NATIVE)[0].histogram == samples(NATIVE_ONLY, NATIVE)[0].histogram


def test_a_float_histogram_is_told_by_its_count() -> None:
    parts = double(4, 3.5) + double(2, 1.0) + span(9, -1, 1) + packed_doubles(11, [1.25])
    parts += span(12, 3, 2) + packed_doubles(14, [1.0, 0.0])
    (one,) = samples(histogram(parts), NATIVE)
    assert one.histogram is not None
    assert one.histogram.count == 3.5
    assert one.histogram.negative_spans == (BucketSpan(-1, 1),)
    assert one.histogram.negative_buckets == (1.25,)
    assert one.histogram.positive_spans == (BucketSpan(3, 1),), "empty buckets are left out"


def test_a_span_of_nothing_makes_a_histogram_native() -> None:
    (one,) = samples(histogram(span(12, 0, 0)), NATIVE)
    assert one.histogram is not None
    assert one.histogram.positive_spans == ()
    assert one.histogram.count == 0.0
    plain = samples(histogram(double(6, 0.0), number(7, 0)), NATIVE)
    assert [sample.histogram for sample in plain] == [None] * 3


def test_a_schema_from_a_later_version_is_read_at_the_finest_known() -> None:
    parts = number(1, 2) + double(2, 1.0) + number(5, zigzag(9)) + span(12, 1, 2)
    (one,) = samples(histogram(parts, packed_varints(13, [zigzag(1), 0])), NATIVE)
    assert one.histogram is not None
    assert (one.histogram.schema, one.histogram.positive_buckets) == (8, (2.0,))


def test_buckets_become_one_histogram_with_custom_bounds() -> None:
    (one,) = samples(CLASSIC_ONLY, CONVERT)
    assert one.histogram is not None
    assert one.histogram.schema == -53
    assert one.histogram.custom_values == (1.0, 2.0)
    assert one.histogram.positive_buckets == (1.0, 2.0, 1.0)
    assert (one.histogram.count, one.histogram.sum) == (4.0, 6.5)


def test_times() -> None:
    body = family(
        "c",
        0,
        metric(message(3, double(1, 1.0) + timestamp(3, 12, 345_678_901)), number(6, 99)),
        metric(label("a", "0"), message(3, double(1, 1.0)), number(6, 0)),
        metric(label("a", "-"), message(3, double(1, 1.0)), number(6, -5)),
    )
    found = samples(body)
    assert [one.time_ms for one in found] == [99, None, -5]
    assert [one.start_ms for one in found] == [12_345, 0, 0]


def test_exemplars_of_counters_buckets_and_whole_histograms() -> None:
    traced = exemplar(2, 0.5, timestamp(3, 7), label("id", "x"))
    (counter,) = samples(family("c", 0, metric(message(3, double(1, 1.0) + traced))))
    assert counter.exemplars == (Exemplar((("id", "x"),), 0.5, 7_000),)
    in_bucket = exemplar(3, 0.7, b"", label("id", "y"))
    timed = exemplar(3, 1.7, timestamp(3, 8), label("id", "z"))
    parts = TOTALS + bucket(1.0, 1, in_bucket) + bucket(2.0, 3, timed)
    classic = samples(histogram(parts))
    assert [len(one.exemplars) for one in classic] == [0, 0, 1, 1, 0]
    (converted,) = samples(histogram(parts), CONVERT)
    assert converted.exemplars == (Exemplar((("id", "z"),), 1.7, 8_000),)
    own = exemplar(16, 2.5, timestamp(3, 9), label("id", "w"))
    (native,) = samples(histogram(parts, NATIVE_PARTS, own), NATIVE)
    assert native.exemplars == (Exemplar((("id", "w"),), 2.5, 9_000),)


def test_no_nan_passes_for_a_marker() -> None:
    stale = float_from_bits(STALE_BITS)
    body = family("g", 1, metric(message(2, double(1, stale))))
    assert bits_of(samples(body)[0].value) == NAN_BITS


def test_metadata_and_families_without_metrics() -> None:
    body = family("empty", 1, help_text="unsaid") + family(
        "g", 1, metric(message(2, double(1, 1.0))), message(5, "seconds"), help_text="Some help."
    )
    headers = [one for one in read_protobuf(body, CLASSIC) if isinstance(one, ProtoFamily)]
    assert headers == [ProtoFamily("g", Metadata(MetricType.GAUGE, "Some help.", "seconds"))]


def test_what_is_unknown_is_skipped_and_what_comes_in_pieces_is_put_together() -> None:
    unknown = number(40, 5) + double(41, 1.0) + message(42, b"xyz") + varint(43 << 3 | 5) + b"1234"
    group = varint(44 << 3 | 3) + number(1, 7) + varint(44 << 3 | 4)
    value = message(2, double(1, 1.0)) + message(2, double(1, 2.0))
    body = family("g", 1, metric(label("a", "b"), unknown, group, value, label("c", "d")), unknown)
    assert shown(body) == [("g a=b c=d", 2.0)]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\xff\xff\xff\xff\xff\xff", "clientpb: invalid varint encountered"),
        (b"\x80", "clientpb: invalid varint encountered"),
        (b"\x05ab", "insufficient length of buffer, expected at least 6 bytes, got 3 bytes"),
        (b"# TYPE foo counter\nfoo 1\n", "expected at least 36 bytes, got 25 bytes"),
        (family("", 1, metric()), "invalid metric name: "),
        (family(b"\xff", 1, metric()), "invalid metric name: "),
        (family("m", 9, metric()), 'unknown metric type for metric "m": 9'),
        (family("m", 1, metric(), message(2, b"\xff")), 'invalid help for metric "m"'),
        (family("m", 1, metric(label("", "x"))), "invalid label name: "),
        (family("m", 1, metric(message(1, message(1, b"\xff")))), "invalid label name: "),
        (family("m", 1, metric(label("a", b"\xff"))), "invalid label value: "),
        (family("m", 1, message(4, b"\x12\x09\x09")), "unexpected EOF"),
        (family("m", 1, metric(number(1, 5))), "proto: wrong wireType = 0 for field Label"),
        (family("m", 1, number(4, 5)), "proto: wrong wireType = 0 for field Metric"),
        (histogram(TOTALS, span(12, 0, 3), number(13, 2)), "spans require 3 buckets, have 1"),
        (histogram(TOTALS, span(9, 0, 3)), "negative side: spans require 3 buckets, have 0"),
        (histogram(number(1, 9), NATIVE_PARTS), "the Count field is 9"),
        (histogram(number(1, 1), number(5, zigzag(-7)), span(12, 0, 1), number(13, 2)),
         "invalid schema -7"),
        (histogram(span(12, 0, 2), span(12, -3, 0), packed_varints(13, [2, 1])),
         "span number 2 with offset -3"),
    ],
)  # fmt: skip
def test_what_is_wrong_fails_the_page(body: bytes, words: str) -> None:
    with pytest.raises(ExpositionError, match=words):
        shown(body, NATIVE)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (number(1, 2) + bucket(1.0, 2) + bucket(2.0, 1), "count is not cumulative: 1 < 2"),
        (number(1, 5) + bucket(math.inf, 4), r"count mismatch: count=5 != le=\+Inf count=4"),
        (number(1, 1) + bucket(math.nan, 1), "bucket boundary must not be NaN"),
    ],
)
def test_buckets_that_do_not_fit_together_cannot_be_converted(parts: bytes, words: str) -> None:
    assert samples(histogram(parts), CLASSIC)
    with pytest.raises(ExpositionError, match=words):
        samples(histogram(parts), CONVERT)


def test_every_damage_is_an_error_and_never_a_crash() -> None:
    whole = BOTH_VIEWS + family("c", 0, metric(label("a", "b"), message(3, double(1, 2.0))))
    choose = random.Random(7)
    for _ in range(3_000):
        body = bytearray(whole)
        for _ in range(choose.randint(1, 4)):
            match choose.randrange(3):
                case 0:
                    body[choose.randrange(len(body))] = choose.randrange(256)
                case 1:
                    del body[choose.randrange(len(body)) :]
                case _:
                    body.insert(choose.randrange(len(body) + 1), choose.randrange(256))
            if not body:
                break
        forms = choose.choice([CLASSIC, NATIVE, CONVERT, BOTH])
        with contextlib.suppress(ExpositionError):
            shown(bytes(body), forms)
