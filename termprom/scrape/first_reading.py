"""A text body that no layout fits, read line by line in one go.

The scanner looks at every part of every line. Here a line whose name and labels have the plain
shape is taken apart by one pattern, and its value waits until all values are read together; lines
of any other shape go to the scanner. Five times as fast, and the same page in the end: whatever
does not come out clean is left to the scanner as a whole.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from termprom.errors import ExpositionError
from termprom.exposition.entries import LabelPairs, SeriesEntry
from termprom.exposition.negotiate import Format, scanner_for
from termprom.exposition.scanner import with_bound
from termprom.model.labels import METRIC_NAME
from termprom.scrape.layout import BOUND_CODES, TextLayout, take_apart
from termprom.scrape.tails import Readings, read_tails

_LABEL: Final = rb'[a-zA-Z_][a-zA-Z0-9_]*+="[^"\\\n]*+"'
# Name, labels without escapes, one blank, and the first byte of a value.
_HEAD: Final = re.compile(
    rb"([a-zA-Z_:][a-zA-Z0-9_:]*+)(?:\{((?:%b(?:,%b)*+,?+)?+)\})?+ (?=[^ \t\n{])" % (_LABEL, _LABEL)
)
_PAIR: Final = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*+)="([^"]*+)"')


def read_first(body: bytes, kind: Format) -> tuple[TextLayout, Readings] | None:
    """Layout and readings of a body that ends with a newline; None where the scanner must do it."""
    scanner = scanner_for(body, kind)
    starts: list[int] = []
    value_starts: list[int] = []
    ends: list[int] = []
    bounds: list[int] = []
    labels: list[LabelPairs] = []
    match, find_pairs, newline = _HEAD.match, _PAIR.findall, body.find
    at, length = 0, len(body)
    try:
        while at < length:
            head = match(body, at)
            if head is None:
                entry, behind = scanner.entry(at)
                if isinstance(entry, SeriesEntry):
                    starts.append(entry.start)
                    value_starts.append(entry.value_start)
                    ends.append(entry.end)
                    bounds.append(BOUND_CODES.get(scanner.type, 0))
                    labels.append(entry.pairs)
                at = behind
                continue
            name, inside = head.groups()
            pairs = [(METRIC_NAME, name.decode("ascii"))]
            if inside:
                pairs += find_pairs(inside.decode("utf-8"))
            end = newline(b"\n", head.end())
            starts.append(at)
            value_starts.append(head.end())
            ends.append(end)
            bound = BOUND_CODES.get(scanner.type, 0)
            bounds.append(bound)
            labels.append(with_bound(pairs, scanner.type) if bound else tuple(pairs))
            at = end + 1
        scanner.finish()
    except (ExpositionError, UnicodeDecodeError):
        return None
    cut = take_apart(body, np.array(value_starts, dtype=np.int64), np.array(ends, dtype=np.int64))
    readings = read_tails(cut, kind)
    if readings is None:
        return None
    return TextLayout(kind, cut, starts, bounds, labels), readings
