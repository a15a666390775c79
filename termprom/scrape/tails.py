"""What stands behind the series of a body: values, and here and there timestamps and exemplars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import orjson

from termprom.errors import ExpositionError
from termprom.exposition.entries import Exemplar
from termprom.exposition.negotiate import Format, scanner_for
from termprom.exposition.numbers import parse_joined_numbers
from termprom.exposition.scanner import Scanner
from termprom.model.histogram import FloatHistogram
from termprom.model.values import Ints, TimesMs, Values
from termprom.scrape.layout import Cut

_NONE: Final = np.empty(0, dtype=np.int64)
# JSON would take more than the formats allow: other blanks, brackets, true, null.
_STAMP_BYTES: Final = {Format.TEXT: b"0123456789,", Format.OPENMETRICS: b"0123456789+-.eE,"}


@dataclass(frozen=True, slots=True)
class Readings:
    """The numbers of a body.

    Shapes: values (K,); stamped (L,) are the lines that brought timestamps, times_ms (L,) those;
    starts_ms (K,), where the target tells, since when each line counts, 0 where it does not.
    Lines among `histograms` are native histograms and have no value.
    """

    values: Values
    stamped: Ints = field(default_factory=lambda: _NONE)
    times_ms: TimesMs = field(default_factory=lambda: _NONE)
    exemplars: Sequence[tuple[int, Exemplar]] = ()
    histograms: Sequence[tuple[int, FloatHistogram]] = ()
    starts_ms: Ints | None = None


def read_tails(cut: Cut, kind: Format) -> Readings | None:
    """The readings of a body that was taken apart; None if there is a mistake in it."""
    values = parse_joined_numbers(cut.tails, len(cut.ends))
    if values is not None:
        return Readings(values)
    try:
        return _read_mixed(cut, kind)
    except ExpositionError:
        return None


def _read_mixed(cut: Cut, kind: Format) -> Readings:
    """Plain values and values with timestamps in bulk, what is left line by line."""
    tails = [
        cut.body[start:end]
        for start, end in zip(cut.value_starts.tolist(), cut.ends.tolist(), strict=True)
    ]
    blanks = np.array([text.count(b" ") for text in tails], dtype=np.int64)
    values = np.empty(len(tails), dtype=np.float64)
    times = np.zeros(len(tails), dtype=np.int64)
    stamped = np.zeros(len(tails), dtype=np.bool_)
    odd = blanks > 1

    plain = np.flatnonzero(blanks == 0)
    numbers = parse_joined_numbers(b",".join(tails[n] for n in plain.tolist()), len(plain))
    if numbers is not None:
        values[plain] = numbers
    else:
        odd[plain] = True

    timed = np.flatnonzero(blanks == 1)
    read = _read_timed([tails[number] for number in timed.tolist()], kind)
    if read is not None:
        values[timed], times[timed] = read
        stamped[timed] = True
    else:
        odd[timed] = True

    exemplars: list[tuple[int, Exemplar]] = []
    scanner = scanner_for(cut.body, kind)
    for number in np.flatnonzero(odd).tolist():
        tail = _scan_tail(scanner, int(cut.value_starts[number]))
        values[number] = tail.value
        if tail.timestamp_ms is not None:
            times[number], stamped[number] = tail.timestamp_ms, True
        if tail.exemplar is not None:
            exemplars.append((number, tail.exemplar))
    lines = np.flatnonzero(stamped)
    return Readings(values, lines, times[lines], tuple(exemplars))


def _scan_tail(scanner: Scanner, at: int):  # type: ignore[no-untyped-def]
    return scanner.tail(scanner.body.rfind(b"\n", 0, at) + 1, at)


def _read_timed(tails: Sequence[bytes], kind: Format) -> tuple[Values, TimesMs] | None:
    """Values and Unix milliseconds of `value timestamp` texts; None where JSON's numbers differ."""
    if not tails:
        return np.empty(0), _NONE
    parts = [text.partition(b" ") for text in tails]
    values = parse_joined_numbers(b",".join(value for value, _, _ in parts), len(tails))
    joined = b",".join(stamp for _, _, stamp in parts)
    if values is None or joined.translate(None, _STAMP_BYTES[kind]):
        return None
    try:
        stamps = orjson.loads(b"[%b]" % joined)
    except orjson.JSONDecodeError:
        return None
    if len(stamps) != len(tails):
        return None
    if kind is Format.TEXT:
        return (values, np.array(stamps, dtype=np.int64)) if _all_int64(stamps) else None
    try:
        seconds = np.array(stamps, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    milliseconds = seconds * 1000
    if not bool((np.abs(milliseconds) < 2.0**63).all()):
        return None
    # The conversion cuts towards zero, as the scanner does.
    return values, milliseconds.astype(np.int64)


def _all_int64(numbers: Sequence[object]) -> bool:
    return all(type(number) is int and number < 2**63 for number in numbers)
