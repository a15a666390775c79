"""A protobuf body reads the same by the last one as by itself."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termprom.exposition.protobuf import HistogramForms
from termprom.model.values import NAN_BITS, STALE_BITS, float_from_bits
from termprom.scrape.keyed import KeyedLayout
from termprom.scrape.page import Page
from termprom.scrape.proto_page import ProtoReader
from tests.exposition.messages import (
    bucket,
    double,
    exemplar,
    family,
    label,
    message,
    metric,
    number,
    span,
    timestamp,
    zigzag,
)

ALL = HistogramForms(native=True, keep_classic=True)


def same(one: Page, other: Page) -> None:
    assert str(one.error) == str(other.error)
    assert tuple(one.layout.pairs()) == tuple(other.layout.pairs())
    assert one.layout.series_keys() == other.layout.series_keys()
    assert one.layout.families() == other.layout.families()
    mine, theirs = one.readings, other.readings
    assert mine.values.tobytes() == theirs.values.tobytes()
    assert mine.stamped.tolist() == theirs.stamped.tolist()
    assert mine.times_ms.tolist() == theirs.times_ms.tolist()
    assert (mine.exemplars, mine.histograms) == (theirs.exemplars, theirs.histograms)
    assert (mine.starts_ms is None) == (theirs.starts_ms is None)
    if mine.starts_ms is not None and theirs.starts_ms is not None:
        assert mine.starts_ms.tolist() == theirs.starts_ms.tolist()


def families(choose: random.Random) -> list[bytes]:
    """A page in pieces; values differ each time, the rest does now and then."""
    value = choose.choice([1.0, -0.0, 1e300, float("nan"), choose.random()])
    gauges = [
        metric(label("a", str(n)), message(2, double(1, value + n)))
        for n in range(choose.randint(1, 3))
    ]
    traced = exemplar(2, choose.random(), timestamp(3, choose.randrange(9)), label("t", "x"))
    counted = double(1, choose.random()) + (traced if choose.random() < 0.3 else b"")
    started = timestamp(3, 5) if choose.random() < 0.3 else b""
    stamp = number(6, choose.randrange(1, 3)) if choose.random() < 0.3 else b""
    count = choose.randrange(300)
    native = number(5, zigzag(1)) + span(12, 0, 1) + number(13, zigzag(count))
    return [
        family("g", 1, *gauges, help_text=choose.choice(["", "h"])),
        family("c_total", 0, metric(label("b", "é"), message(3, counted + started), stamp)),
        family(
            "u", 3, metric(message(5, double(1, value))), metric(label("q", ""), message(5, b""))
        ),
        family(
            "h", 4, metric(message(7, number(1, count) + double(2, 1.5) + bucket(1.0, 1) + native))
        ),
        family("s", 2, metric(message(4, number(1, count) + double(2, value)))),
        family("only", 1, metric(message(2, double(1, value)))),
    ]


def damaged(body: bytes, choose: random.Random) -> bytes:
    data = bytearray(body)
    match choose.randrange(4):
        case 0 if data:
            data[choose.randrange(len(data))] = choose.randrange(256)
        case 1:
            del data[choose.randrange(len(data) + 1) :]
        case 2:
            data.insert(choose.randrange(len(data) + 1), choose.randrange(256))
        case _:
            pass
    return bytes(data)


@settings(max_examples=max(200, settings().max_examples))
@given(st.integers(0, 2**32))
def test_what_was_before_makes_no_difference(seed: int) -> None:
    choose = random.Random(seed)
    reader = ProtoReader()
    for _ in range(6):
        pieces = families(choose)
        if choose.random() < 0.3:
            choose.shuffle(pieces)
        if choose.random() < 0.3:
            del pieces[choose.randrange(len(pieces))]
        body = b"".join(pieces)
        if choose.random() < 0.3:
            body = damaged(body, choose)
        page = reader.read(body, ALL, starts=True)
        same(page, ProtoReader().read(body, ALL, starts=True))
        if page.error is None:
            assert isinstance(page.layout, KeyedLayout)
            reader.keep(page.layout)


def test_new_values_of_the_same_series_keep_the_layout() -> None:
    reader = ProtoReader()
    for value in (1.0, 2.0, float_from_bits(STALE_BITS)):
        body = family("g", 1, metric(label("a", "b"), message(2, double(1, value))))
        page = reader.read(body, ALL, starts=False)
        assert isinstance(page.layout, KeyedLayout)
        if value > 1.0:
            assert page.derived_from is None, "the layout is the one of the page before"
        reader.keep(page.layout)
    assert page.readings.values.view("u8").tolist() == [NAN_BITS], "no NaN passes for a marker"


@pytest.mark.parametrize("cut", range(1, 12))
def test_what_came_before_a_cut_counts(cut: int) -> None:
    whole = family("a", 1, metric(message(2, double(1, 1.0))))
    more = family("b", 1, metric(message(2, double(1, 2.0))))
    reader = ProtoReader()
    first = reader.read(whole + more, ALL, starts=False)
    assert isinstance(first.layout, KeyedLayout)
    reader.keep(first.layout)
    page = reader.read((whole + more)[:-cut], ALL, starts=False)
    assert page.error is not None
    assert [dict(pairs)["__name__"] for pairs in page.layout.pairs()] == ["a"]
