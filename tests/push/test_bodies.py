"""Protobuf bodies, as a client library sends them."""

from __future__ import annotations

import struct

import pytest

from termprom.errors import PushError
from termprom.exposition.families import MetricFamily
from termprom.model.metadata import MetricType
from termprom.push.bodies import parse_body
from tests.push.fakes import Pushes
from tests.remote.encoder import field, varint

TYPE = (
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
)
COUNTER, GAUGE, SUMMARY, HISTOGRAM = 0, 1, 2, 4
PARTS = {GAUGE: 2, COUNTER: 3, SUMMARY: 4, HISTOGRAM: 7}


def _double(number: int, value: float) -> bytes:
    return varint(number << 3 | 1) + struct.pack("<d", value)


def _metric(kind: int, body: bytes, time_ms: int = 0, **labels: str) -> bytes:
    pairs = b"".join(
        field(1, field(1, name.encode()) + field(2, value.encode()))
        for name, value in labels.items()
    )
    timed = b"\x30" + varint(time_ms) if time_ms else b""
    return field(4, pairs + field(PARTS[kind], body) + timed)


def _family(name: str, kind: int, *metrics: bytes) -> bytes:
    head = field(1, name.encode()) + field(2, b"Help.") + b"\x18" + varint(kind)
    message = head + b"".join(metrics)
    return varint(len(message)) + message


def _parsed(*families: bytes, content_type: str = TYPE) -> list[MetricFamily]:
    return parse_body(b"".join(families), content_type, utf8_names=False)


def test_every_kind() -> None:
    buckets = b"".join(
        field(3, b"\x08" + varint(count) + _double(2, bound))
        for count, bound in ((1, 0.5), (3, 1.0))
    )
    quantile = field(3, _double(1, 0.9) + _double(2, 7.0))
    found = _parsed(
        _family("c_total", COUNTER, _metric(COUNTER, _double(1, 2.0), a="b")),
        _family("g", GAUGE, _metric(GAUGE, _double(1, -1.0)), _metric(GAUGE, b"", x="y")),
        _family("s", SUMMARY, _metric(SUMMARY, b"\x08\x05" + _double(2, 9.0) + quantile)),
        _family("h", HISTOGRAM, _metric(HISTOGRAM, b"\x08\x04" + _double(2, 3.5) + buckets)),
    )
    at = Pushes()
    assert [one.metadata.type for one in found] == [
        MetricType.COUNTER,
        MetricType.GAUGE,
        MetricType.SUMMARY,
        MetricType.HISTOGRAM,
    ]
    assert {one.metadata.help for one in found} == {"Help."}
    at.store.push(at.key("job/j"), found, replace=True)
    assert at.lines() == [
        'c_total{a="b",instance="",job="j"} 2',
        'g{instance="",job="j"} -1',
        'g{instance="",job="j",x="y"} 0',
        'h_bucket{instance="",job="j",le="0.5"} 1',
        'h_bucket{instance="",job="j",le="1"} 3',
        'h_bucket{instance="",job="j",le="+Inf"} 4',
        'h_sum{instance="",job="j"} 3.5',
        'h_count{instance="",job="j"} 4',
        's{instance="",job="j",quantile="0.9"} 7',
        's_sum{instance="",job="j"} 9',
        's_count{instance="",job="j"} 5',
    ]


def test_the_later_message_of_a_name_counts() -> None:
    twice = [_family("g", GAUGE, _metric(GAUGE, _double(1, value))) for value in (1.0, 2.0)]
    (found,) = _parsed(*twice)
    assert [one.value for one in found.samples] == [2.0]


def test_a_time_is_seen() -> None:
    (found,) = _parsed(_family("g", GAUGE, _metric(GAUGE, _double(1, 1.0), 1000)))
    assert found.samples[0].timestamp_ms == 1000


@pytest.mark.parametrize(
    "body",
    [
        b"\x05",
        b"\xff" * 12,
        varint(3) + b"\x0a\x05x",
        _family("1x", GAUGE, _metric(GAUGE, b"")),
        _family("g", GAUGE, _metric(GAUGE, b"", **{"a b": "c"})),
        _family("g", 99, _metric(GAUGE, b"")),
    ],
)
def test_what_is_no_such_body_is_refused(body: bytes) -> None:
    with pytest.raises(PushError):
        _parsed(body)


@pytest.mark.parametrize(
    ("content_type", "is_protobuf"),
    [
        (TYPE, True),
        (TYPE.replace("; proto", ";proto"), True),
        (TYPE + "; q=1", True),
        (TYPE.replace("delimited", "text"), False),
        (TYPE.replace("MetricFamily", "Metric"), False),
        ("application/vnd.google.protobuf", False),
        ("text/plain", False),
        ("", False),
        (";;;\x00=", False),
    ],
)
def test_protobuf_by_its_exact_type_and_text_otherwise(
    content_type: str, is_protobuf: bool
) -> None:
    text = b"g 1\n"
    if is_protobuf:
        with pytest.raises(PushError):
            _parsed(text, content_type=content_type)
    else:
        (found,) = _parsed(text, content_type=content_type)
        assert found.name == "g"
