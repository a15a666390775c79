"""What the two line formats share: a place in a body, the current TYPE, quoting and errors.

A scanner reads one entry at a time from any line start. It carries a single piece of state between
lines, the current type, because `le` and `quantile` are rewritten only under their own types. So a
caller that knows a line may skip it, and come back to the scanner at the next one that it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NoReturn, Protocol

from termprom.errors import ExpositionError
from termprom.exposition.entries import Entry, LabelPairs, Tail
from termprom.exposition.numbers import normalize_bound, parse_number, shown
from termprom.model.labels import METRIC_NAME
from termprom.model.metadata import MetricType

# The label whose values are rewritten to one spelling, by current type.
BOUND_LABELS: Final = {MetricType.HISTOGRAM: "le", MetricType.SUMMARY: "quantile"}

_ESCAPE: Final = re.compile(rb'\\([\\n"])')
_REPLACEMENTS: Final = {b"\\": b"\\", b"n": b"\n", b'"': b'"'}


class Scanner(Protocol):
    """Reads the entries of one body. `body` may be the input with a final newline added."""

    body: bytes
    type: MetricType

    def entry(self, at: int) -> tuple[Entry | None, int]:
        """The entry whose line starts at `at`, and where the next line starts.

        None for lines that say nothing (blank, comment, end). The body is finished when the second
        value reaches its length. Raises ExpositionError.
        """
        ...

    def tail(self, start: int, at: int) -> Tail:
        """What stands from the value at `at` to the end of the line that starts at `start`.

        Raises ExpositionError.
        """
        ...

    def finish(self) -> None:
        """Say that every entry was read. Raises ExpositionError for a body that breaks off."""
        ...


def scan(scanner: Scanner) -> Iterator[Entry]:
    """All entries of the scanner's body, in order. Raises ExpositionError at the first mistake."""
    at = 0
    length = len(scanner.body)
    while at < length:
        found, at = scanner.entry(at)
        if found is not None:
            yield found
    scanner.finish()


def fail(body: bytes, line_start: int, at: int, expectation: str) -> NoReturn:
    """Raise the syntax error found at byte `at` of the line that starts at `line_start`."""
    end = body.find(b"\n", at, at + 64)
    got = body[at : end if end > at else at + 1]
    so_far = body[line_start : at + 1]
    raise ExpositionError(
        f'{expectation}, got "{shown(got[:40])}" while parsing: "{shown(so_far[:200])}"',
        line=body.count(b"\n", 0, line_start) + 1,
        column=at - line_start + 1,
    )


def fail_plainly(body: bytes, line_start: int, at: int, message: str) -> NoReturn:
    """Raise a complaint about what a line means, rather than about its syntax."""
    line = body[line_start : at + 1]
    raise ExpositionError(
        f'{message} while parsing: "{shown(line[:200])}"',
        line=body.count(b"\n", 0, line_start) + 1,
        column=at - line_start + 1,
    )


def unescape(content: bytes) -> bytes:
    """`content` with `\\\\`, `\\n` and `\\"` resolved; any other backslash stays."""
    if b"\\" not in content:
        return content
    return _ESCAPE.sub(lambda escape: _REPLACEMENTS[escape[1]], content)


def number_at(body: bytes, line_start: int, start: int, end: int) -> float:
    """The float that body[start:end] spells. Raises ExpositionError."""
    try:
        return parse_number(body[start:end])
    except ValueError as problem:
        fail_plainly(body, line_start, end - 1, str(problem))


def text_at(body: bytes, line_start: int, start: int, end: int) -> str:
    """The quoted text in body[start:end], unescaped. Raises ExpositionError unless UTF-8."""
    content = body[start:end]
    try:
        return unescape(content).decode("utf-8")
    except UnicodeDecodeError:
        fail_plainly(body, line_start, end, f'invalid UTF-8 label value: "{shown(content)}"')


def with_bound(pairs: list[tuple[str, str]], current: MetricType) -> LabelPairs:
    """The pairs of a line with its bound label in the one spelling, if the type has one."""
    bound = BOUND_LABELS.get(current)
    if bound is None:
        return tuple(pairs)
    return tuple(
        (name, normalize_bound(value)) if name == bound else (name, value) for name, value in pairs
    )


def named(metric: str | None, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """`pairs` with the metric's name in front."""
    return [(METRIC_NAME, metric or ""), *pairs]
