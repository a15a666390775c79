"""A new layout from an old one: only the lines that came, or moved under another TYPE, are scanned.

Every physical line is cut at its last blank and looked up among the lines of the old layout. What
is found there means the same here, provided that the TYPE in force is of the same kind, for `le`
and `quantile` depend on it. Whatever does not fit this picture (a sample over two lines, a mistake,
the end mark in the wrong place) is left to the scanner as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from termprom.errors import ExpositionError
from termprom.exposition.entries import LabelPairs, SeriesEntry
from termprom.exposition.negotiate import Format, scanner_for
from termprom.model.metadata import MetricType
from termprom.model.values import Ints
from termprom.scrape.layout import (
    BOUND_CODES,
    TextLayout,
    line_starts_of,
    newlines_of,
    take_apart,
)
from termprom.scrape.tails import Readings, read_tails

_BLANK: Final = 0x20
_HASH: Final = 0x23
_UNKNOWN: Final = -1
_SILENT: Final = -2  # a line without a sample
_TYPE_LINE: Final = b"# TYPE "
_TYPES: Final = {
    b"histogram": 1,
    b"summary": 2,
}
_BOUND_TYPES: Final = {1: MetricType.HISTOGRAM, 2: MetricType.SUMMARY, 0: MetricType.UNKNOWN}


@dataclass(slots=True)
class _Lines:
    """The physical lines of a body. Shapes: all (P,); `known` is a line of the old layout."""

    starts: Ints
    ends: Ints
    cuts: Ints
    heads: list[bytes]
    known: Ints
    bounds: NDArray[np.uint8]


def derive(old: TextLayout, body: bytes) -> tuple[TextLayout, Readings, Ints] | None:
    """The layout and readings of `body`, and for each sample its line in `old`, -1 where new.

    None where the scanner has to do it.
    """
    if not old.simple or not old.count or not body or b"\0" in body:
        return None
    lines = _look_up(old, body)
    if lines is None or np.count_nonzero(lines.known >= 0) * 2 < len(lines.starts) // 2:
        return None
    try:
        fresh = _scan_unknown(body, old.kind, lines)
    except ExpositionError:
        return None
    if fresh is None:
        return None
    samples = np.flatnonzero(lines.known != _SILENT)
    kept = lines.known[samples]
    cut = take_apart(body, lines.cuts[samples], lines.ends[samples])
    readings = read_tails(cut, old.kind)
    if readings is None:
        return None
    before = old.pairs()
    pairs: tuple[LabelPairs, ...] = tuple(
        before[number] if number >= 0 else fresh[line]
        for number, line in zip(kept.tolist(), samples.tolist(), strict=True)
    )
    layout = TextLayout(old.kind, cut, lines.starts[samples], lines.bounds[samples], pairs)
    return layout, readings, kept


def _look_up(old: TextLayout, body: bytes) -> _Lines | None:
    """Each line's place in `old`, where it has one and its TYPE is of the same kind."""
    ends = newlines_of(body)
    starts = line_starts_of(ends)
    array = np.frombuffer(body, dtype=np.uint8)
    blanks = np.flatnonzero(array == _BLANK)
    before = np.searchsorted(blanks, ends) - 1
    cuts = np.where(before >= 0, blanks[np.maximum(before, 0)] + 1 if len(blanks) else 0, 0)
    silent = (array[starts] == _HASH) | (starts == ends)
    # A comment counts with all of its text; a line without a blank has no known shape.
    cuts = np.where(silent | (cuts <= starts), ends, cuts)
    heads = [body[a:b] for a, b in zip(starts.tolist(), cuts.tolist(), strict=True)]

    table: dict[bytes, int] = {}
    skeleton = old.skeleton.split(b"\n")[:-1]
    samples = old.end_lines.tolist()
    table.update(dict.fromkeys(skeleton, _SILENT))
    # Of a series that is exposed twice the first line is the one that counts.
    for number in range(len(samples) - 1, -1, -1):
        table[skeleton[samples[number]]] = number
    known = np.array([table.get(head, _UNKNOWN) for head in heads], dtype=np.int64)
    # A line of blanks says nothing, but with a number behind them it is a mistake.
    known[(known == _SILENT) & (cuts < ends)] = _UNKNOWN
    if old.kind is Format.OPENMETRICS and not _ends_well(heads):
        return None
    bounds = _bounds(heads, known)
    if bounds is None:
        return None
    elsewhere = known >= 0
    elsewhere[elsewhere] = old.bounds[known[elsewhere]] != bounds[elsewhere]
    known[elsewhere] = _UNKNOWN
    return _Lines(starts, ends, cuts, heads, known, bounds)


def _ends_well(heads: list[bytes]) -> bool:
    return heads[-1] == b"# EOF" and heads.count(b"# EOF") == 1


def _bounds(heads: list[bytes], known: Ints) -> NDArray[np.uint8] | None:
    """The BOUND_CODES in force at each line; None where a TYPE line has no plain shape."""
    codes = np.zeros(len(heads), dtype=np.uint8)
    places = [n for n, head in enumerate(heads) if head.startswith(b"#") or known[n] == _SILENT]
    last = np.zeros(len(heads), dtype=np.int64)
    for number in places:
        head = heads[number]
        if head.startswith(_TYPE_LINE) and b"\t" not in head:
            codes[number] = _TYPES.get(head.rpartition(b" ")[2], 0)
            last[number] = number
        elif b"TYPE" in head and head.lstrip(b" \t#").startswith(b"TYPE"):
            return None
    return codes[np.maximum.accumulate(last)]


def _scan_unknown(body: bytes, kind: Format, lines: _Lines) -> dict[int, LabelPairs] | None:
    """Scan the unknown lines; their labels by line number. None where one is more than a line."""
    fresh: dict[int, LabelPairs] = {}
    scanner = scanner_for(body, kind)
    for number in np.flatnonzero(lines.known == _UNKNOWN).tolist():
        start, end = int(lines.starts[number]), int(lines.ends[number])
        bound = int(lines.bounds[number])
        scanner.type = _BOUND_TYPES[bound]
        found, behind = scanner.entry(start)
        if behind != end + 1:
            return None
        if isinstance(found, SeriesEntry):
            fresh[number] = found.pairs
            lines.cuts[number] = found.value_start
        elif BOUND_CODES.get(scanner.type, 0) != bound:
            # A TYPE line that was not recognised as one; never seen, and not worth guessing.
            return None
        else:
            lines.known[number] = _SILENT
    return fresh
