"""The envelope around every answer of the HTTP API, and how errors and notices travel in it.

    {"status":"success","data":...,"warnings":["..."],"infos":["..."]}
    {"status":"error","errorType":"bad_data","error":"..."}

The shapes inside `data` live next door, one module per noun: wire_result (and wire_decode),
wire_histogram, wire_targets, wire_rules, wire_metadata, wire_status, wire_views. The server
encodes with them, `backend.remote` decodes with them, so each shape is written once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from termprom.backend.wire_result import encode_pieces, encode_result
from termprom.backend.wire_text import Json, dumps, text, texts
from termprom.errors import (
    BackendUnavailable,
    EvaluationError,
    NotImplementedYet,
    ParseError,
    QueryCanceled,
    QueryTimeout,
    StorageError,
    TermpromError,
    TooManySamples,
)
from termprom.model.notices import Notice, NoticeLevel

__all__ = [
    "NOTICES_MAX",
    "Envelope",
    "decode_envelope",
    "decode_error",
    "decode_notices",
    "encode_pieces",
    "encode_result",
    "failure",
    "success",
    "success_pieces",
    "with_place",
]

NOTICES_MAX: Final = 10  # of each level in one answer; the rest is only counted, as upstream

_PARSE_ERROR: Final = re.compile(
    r"(?:invalid parameter \"[^\"]*\": )?(?:(\d+):(\d+)|unknown position): parse error: (.*)", re.S
)
_PLACE: Final = re.compile(r" \((\d+):(\d+)\)\Z")
_NOT_IMPLEMENTED: Final = "not implemented: "


# --- Success ----------------------------------------------------------------------------------


def success(data: Json, notices: Sequence[Notice] = (), expr: str = "") -> bytes:
    """The whole answer around one JSON document."""
    return b"".join(success_pieces([dumps(data)], notices, expr))


def success_pieces(
    data: Iterable[bytes], notices: Sequence[Notice] = (), expr: str = ""
) -> Iterator[bytes]:
    """The answer around `data`, which comes in pieces of finished JSON."""
    yield b'{"status":"success","data":'
    yield from data
    for key, level in (("warnings", NoticeLevel.WARNING), ("infos", NoticeLevel.INFO)):
        found = [with_place(notice, expr) for notice in notices if notice.level is level]
        if len(found) > NOTICES_MAX:
            more = len(found) - NOTICES_MAX
            kind = "warning" if level is NoticeLevel.WARNING else "info"
            found = [*found[:NOTICES_MAX], f"{more} more {kind} annotations omitted"]
        if found:
            yield f',"{key}":'.encode() + dumps(texts(found))
    yield b"}"


def with_place(notice: Notice, expr: str) -> str:
    """The notice's text with its place in `expr`: ` (line:column)`, both from 1, in bytes."""
    if notice.start < 0 or not expr:
        return notice.text
    before = expr.encode("utf-8", "replace")[: notice.start]
    column = len(before) - (before.rfind(b"\n") + 1) + 1
    line = before.count(b"\n") + 1
    return f"{notice.text} ({line}:{column})"


# --- Failure ----------------------------------------------------------------------------------


def failure(error_type: str, message: str) -> bytes:
    return dumps({"status": "error", "errorType": error_type, "error": text(message)})


# --- Reading ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Envelope:
    """A decoded answer; `error_type` is empty for a success."""

    data: Json = None
    error_type: str = ""
    error: str = ""
    warnings: Sequence[str] = ()
    infos: Sequence[str] = ()


def decode_envelope(body: bytes) -> Envelope:
    """Raises ValueError for anything that is not an envelope."""
    found = orjson.loads(body)
    if not isinstance(found, dict) or found.get("status") not in ("success", "error"):
        raise ValueError("not an answer of the Prometheus API")
    if found["status"] == "error":
        return Envelope(
            error_type=str(found.get("errorType") or "internal"), error=str(found.get("error", ""))
        )
    return Envelope(
        found.get("data"),
        warnings=tuple(map(str, found.get("warnings") or ())),
        infos=tuple(map(str, found.get("infos") or ())),
    )


def decode_error(error_type: str, message: str, expr: str = "") -> TermpromError:
    """The error that a server's answer stands for; `expr` gives parse errors their span."""
    if error_type == "bad_data":
        found = _PARSE_ERROR.fullmatch(message)
        if found is None:
            return EvaluationError(message)
        line, column = int(found[1] or 0), int(found[2] or 0)
        start = byte_offset(expr, line, column)
        end = start + 1 if start >= 0 else -1
        return ParseError(found[3], start=start, end=end, line=line, column=column)
    if error_type == "execution" and message.startswith(_NOT_IMPLEMENTED):
        return NotImplementedYet(message.removeprefix(_NOT_IMPLEMENTED))
    if error_type == "execution" and "too many samples" in message:
        return TooManySamples(message)
    kinds: dict[str, Callable[[str], TermpromError]] = {
        "execution": EvaluationError,
        "timeout": QueryTimeout,
        "canceled": QueryCanceled,
        "internal": StorageError,
    }
    return kinds.get(error_type, BackendUnavailable)(message)


def decode_notices(envelope: Envelope, expr: str) -> tuple[Notice, ...]:
    found = []
    for level, lines in (
        (NoticeLevel.WARNING, envelope.warnings),
        (NoticeLevel.INFO, envelope.infos),
    ):
        for line in lines:
            place = _PLACE.search(line)
            start = byte_offset(expr, int(place[1]), int(place[2])) if place else -1
            plain = line[: place.start()] if place and start >= 0 else line
            found.append(Notice(level, plain, start, start + 1 if start >= 0 else -1))
    return tuple(found)


def byte_offset(expr: str, line: int, column: int) -> int:
    """Where `line:column` (both from 1, in bytes) is in `expr`; -1 where it is not."""
    lines = expr.encode("utf-8", "replace").split(b"\n")
    if not 1 <= line <= len(lines) or not 1 <= column <= len(lines[line - 1]) + 1:
        return -1
    return sum(len(one) + 1 for one in lines[: line - 1]) + column - 1
