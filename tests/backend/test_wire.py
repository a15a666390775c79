"""The envelope: success, failure, and what errors and notices become at the other end."""

from __future__ import annotations

import orjson
import pytest

from termprom.backend.wire import (
    Envelope,
    byte_offset,
    decode_envelope,
    decode_error,
    decode_notices,
    failure,
    success,
)
from termprom.errors import (
    BackendUnavailable,
    EvaluationError,
    NotImplementedYet,
    ParseError,
    QueryCanceled,
    QueryTimeout,
    StorageError,
    TooManySamples,
)
from termprom.model.notices import Notice, NoticeLevel

WARNING, INFO = NoticeLevel.WARNING, NoticeLevel.INFO


def test_a_success_in_upstreams_bytes() -> None:
    assert success([]) == b'{"status":"success","data":[]}'
    notices = [Notice(INFO, "PromQL info: <a>", 5, 7), Notice(WARNING, "w")]
    assert success({"a": 1}, notices, "sum(\nup)") == (
        b'{"status":"success","data":{"a":1},"warnings":["w"],'
        b'"infos":["PromQL info: \\u003ca\\u003e (2:1)"]}'
    )


def test_a_failure_in_upstreams_bytes() -> None:
    assert failure("bad_data", "a < b") == (
        b'{"status":"error","errorType":"bad_data","error":"a \\u003c b"}'
    )


def test_text_that_is_no_unicode_still_leaves_as_json() -> None:
    assert orjson.loads(failure("bad_data", "a\ud800b"))["error"] == "a?b"


def test_ten_notices_of_a_level_are_told_and_the_rest_counted() -> None:
    notices = [Notice(WARNING, f"w{number}") for number in range(13)]
    found = orjson.loads(success(None, notices))["warnings"]
    assert found[9:] == ["w9", "3 more warning annotations omitted"]


def test_notices_read_back_with_their_place() -> None:
    expr = "höhe +\n rate(up[5m])"
    notices = (Notice(WARNING, "w", 14, 15), Notice(INFO, "i"))
    body = success(None, notices, expr)
    assert decode_notices(decode_envelope(body), expr) == notices


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"status":"maybe"}', b"<html>", b"\xff"])
def test_what_is_no_envelope_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        decode_envelope(body)


def test_an_envelope_reads_back() -> None:
    assert decode_envelope(success({"a": [1]})) == Envelope({"a": [1]})
    assert decode_envelope(failure("execution", "no")) == Envelope(
        error_type="execution", error="no"
    )


@pytest.mark.parametrize(
    ("kind", "message", "wanted"),
    [
        ("execution", "multiple matches", EvaluationError),
        ("execution", "not implemented: info()", NotImplementedYet),
        (
            "execution",
            "query processing would load too many samples into memory in x",
            TooManySamples,
        ),
        ("timeout", "query timed out in x", QueryTimeout),
        ("canceled", "query was canceled in x", QueryCanceled),
        ("internal", "corrupt", StorageError),
        ("unavailable", "TSDB not ready", BackendUnavailable),
        ("strange", "x", BackendUnavailable),
        ("bad_data", "limit must be non-negative", EvaluationError),
    ],
)
def test_an_error_becomes_its_class_again(kind: str, message: str, wanted: type) -> None:
    found = decode_error(kind, message)
    assert type(found) is wanted
    assert str(found) == message


def test_a_parse_error_gets_its_span_back() -> None:
    found = decode_error(
        "bad_data",
        'invalid parameter "query": 2:3: parse error: unexpected end of input',
        "sum(\nup",
    )
    assert found == ParseError("unexpected end of input", start=7, end=8, line=2, column=3)
    nowhere = decode_error("bad_data", "unknown position: parse error: what", "x")
    assert nowhere == ParseError("what")


@pytest.mark.parametrize(
    ("line", "column", "offset"),
    [(1, 1, 0), (1, 3, 2), (2, 1, 3), (2, 4, 6), (3, 1, -1), (0, 0, -1)],
)
def test_a_place_in_bytes(line: int, column: int, offset: int) -> None:
    assert byte_offset("ab\ncde"[:6], line, column) == offset
