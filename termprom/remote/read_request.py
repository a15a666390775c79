"""`prometheus.ReadRequest`, the question of a remote read.

    ReadRequest   1: repeated Query   2: repeated ResponseType (0 samples, 1 streamed chunks)
    Query         1: start   2: end, both int64 Unix milliseconds and inclusive
                  3: repeated LabelMatcher   4: hints, which need not be heeded and are not
    LabelMatcher  1: type (0 =, 1 !=, 2 =~, 3 !~)   2: name   3: value

Source: prometheus/prompb, remote.proto.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from termprom.errors import ExpositionError
from termprom.exposition.wire import BYTES, VARINT, Field, fields, signed, varints
from termprom.model.matchers import Matcher, MatchOp
from termprom.remote.write_request import BadMessage

SAMPLES: Final = 0
_TYPE_NAMES: Final = {0: "SAMPLES", 1: "STREAMED_XOR_CHUNKS"}
_OPS: Final = (MatchOp.EQUAL, MatchOp.NOT_EQUAL, MatchOp.REGEX, MatchOp.NOT_REGEX)
_QUERY: Final = 1 << 3 | BYTES
_MATCHER: Final = 3 << 3 | BYTES


@dataclass(frozen=True, slots=True)
class ReadQuery:
    """Window: [start_ms, end_ms]"""

    start_ms: int
    end_ms: int
    matchers: tuple[Matcher, ...]


def decode_read_request(body: bytes) -> list[ReadQuery]:
    """The queries of a request that takes samples for an answer. Raises BadMessage."""
    queries: list[ReadQuery] = []
    accepted: list[int] = []
    try:
        for field in fields(body, 0, len(body)):
            if field.tag == _QUERY:
                queries.append(_query(body, field))
            elif field.tag >> 3 == 2 and field.tag & 7 in (VARINT, BYTES):
                accepted += varints(body, field)
    except (ExpositionError, ValueError) as problem:
        raise BadMessage(str(problem)) from problem
    if accepted and SAMPLES not in accepted:
        raise BadMessage(_unsupported(accepted))
    return queries


def _unsupported(accepted: Sequence[int]) -> str:
    names = " ".join(_TYPE_NAMES.get(one, str(one)) for one in accepted)
    return (
        f"server does not support any of the requested response types: [{names}]; "
        "supported: map[SAMPLES:{}]"
    )


def _query(body: bytes, message: Field) -> ReadQuery:
    times = {1: 0, 2: 0}
    matchers: list[Matcher] = []
    for field in fields(body, message.first, message.end):
        if field.tag == _MATCHER:
            matchers.append(_matcher(body, field))
        elif field.tag & 7 == VARINT and field.tag >> 3 in times:
            times[field.tag >> 3] = signed(field.first)
    return ReadQuery(times[1], times[2], tuple(matchers))


def _matcher(body: bytes, message: Field) -> Matcher:
    """Raises ValueError."""
    kind, texts = 0, {2: "", 3: ""}
    for field in fields(body, message.first, message.end):
        if field.tag == 1 << 3 | VARINT:
            kind = field.first
        elif field.tag & 7 == BYTES and field.tag >> 3 in texts:
            texts[field.tag >> 3] = body[field.first : field.end].decode()
    if kind >= len(_OPS):
        raise ValueError(f"invalid matcher type {kind}")
    return Matcher(texts[2], _OPS[kind], texts[3])
