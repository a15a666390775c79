"""Responses are the same in whatever pieces they come, and broken ones are told in Go's words."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.errors import BodyTooLarge, ScrapeError
from termprom.scrape.http_response import Response, ResponseReader

OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = {
    "length": OK + b"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nup 1\n",
    "chunks": OK
    + b"Transfer-Encoding: chunked\r\n\r\n3\r\nup \r\n2;x=y\r\n1\n\r\n0\r\nT: 1\r\n\r\n",
    "bare newlines": b"HTTP/1.1 200 OK\nContent-Length: 5\n\nup 1\n",
    "folded header": OK + b"X: a\r\n b\r\nContent-Length: 5\r\n\r\nup 1\n",
    "interim answer": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    + OK
    + b"Content-Length: 5\r\n\r\nup 1\n",
}


def read(pieces: list[bytes], limit: int = 1000) -> Response:
    reader = ResponseReader(limit)
    for number, piece in enumerate(pieces):
        response = reader.feed(piece)
        if response is not None:
            assert number == len(pieces) - 1, "done before its end"
            return response
    return reader.end()


@pytest.mark.parametrize("raw", WHOLE.values(), ids=WHOLE)
@given(cuts=st.sets(st.integers(1, 120)))
def test_pieces_do_not_matter(raw: bytes, cuts: set[int]) -> None:
    places = [0, *sorted(cut for cut in cuts if cut < len(raw)), len(raw)]
    response = read([raw[a:b] for a, b in pairwise(places)])
    assert (response.status, response.reason, response.body) == (200, "OK", b"up 1\n")
    assert response.reusable


@pytest.mark.parametrize(
    ("head", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n", True),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.1 404\r\nContent-Length: 1\r\n", True),
    ],
)
def test_who_may_be_asked_again(head: bytes, reusable: bool) -> None:
    response = read([head + b"\r\nx"])
    assert response.reusable is reusable
    assert response.body == b"x"


def test_what_follows_an_answer_spoils_the_connection() -> None:
    response = read([WHOLE["length"] + b"HTTP/1.1 200 OK\r\n"])
    assert response.body == b"up 1\n"
    assert not response.reusable


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "EOF"),
        (b"HTTP/1.1 200 OK\r\nCont", "unexpected EOF"),
        (OK + b"Content-Length: 9\r\n\r\nup 1\n", "unexpected EOF"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nup", "unexpected EOF"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", "invalid byte in chunk length"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", "malformed chunked encoding"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 'malformed HTTP response "SSH-2.0-OpenSSH_9.2"'),
        (OK + b"Content-Length: -1\r\n\r\n", 'bad Content-Length "-1"'),
        (OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "multiple Content-Length"),
        (OK + b"nonsense\r\n\r\n", "malformed MIME header line: nonsense"),
        (OK + b"Transfer-Encoding: gzip\r\n\r\n", "unsupported transfer encoding"),
        (OK + b"X: " + b"y" * 300_000, "headers exceeded the limit"),
    ],
)
def test_broken_responses(raw: bytes, words: str) -> None:
    with pytest.raises(ScrapeError) as problem:
        read([raw] if raw else [])
    assert words in str(problem.value)


@pytest.mark.parametrize(
    "raw",
    [
        OK + b"Content-Length: 10\r\n\r\n",
        OK + b"\r\n0123456789",
        OK + b"Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n",
    ],
)
def test_a_body_at_the_limit_is_too_large(raw: bytes) -> None:
    with pytest.raises(BodyTooLarge):
        ResponseReader(10).feed(raw)


def test_an_error_without_end_is_told_by_its_status() -> None:
    response = ResponseReader(10).feed(b"HTTP/1.1 503 Service Unavailable\r\n\r\nWe are")
    assert response is not None
    assert (response.status, response.reusable) == (503, False)
