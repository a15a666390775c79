"""A body read into series and numbers, by the shortest way that gives what the scanner would."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from termprom.errors import ExpositionError
from termprom.exposition.entries import Exemplar, LabelPairs, SeriesEntry
from termprom.exposition.negotiate import Format, scanner_for
from termprom.model.values import Ints, TimesMs
from termprom.scrape.derive import derive
from termprom.scrape.first_reading import read_first
from termprom.scrape.keyed import PageLayout
from termprom.scrape.layout import BOUND_CODES, TextLayout, take_apart
from termprom.scrape.tails import Readings, read_tails


@dataclass(frozen=True, slots=True)
class Page:
    """What a body says. With an `error`, of the lines before the mistake.

    `kept` (K,) tells where each line was in the layout that `derived_from` is, -1 if nowhere; it
    is None where that is not known. `source` is the layout of the text, where that is another.
    """

    layout: PageLayout
    readings: Readings
    error: ExpositionError | None = None
    derived_from: PageLayout | None = None
    kept: Ints | None = None
    source: TextLayout | None = None

    def __repr__(self) -> str:
        state = f", broken: {self.error}" if self.error else ""
        return f"Page({self.layout}{state})"


def read_page(
    body: bytes, kind: Format, own: TextLayout | None = None, others: Iterable[TextLayout] = ()
) -> Page:
    """The page of a text body. `own` is the layout of the last one, `others` are worth a look.

    Gives what `scan_page` gives, whatever the layouts.
    """
    if not body.endswith(b"\n") and (body or kind is Format.OPENMETRICS):
        # Both scanners forgive the missing last newline.
        body += b"\n"
    nearest = own
    for layout in chain([own] if own is not None else [], others):
        if layout.kind is not kind:
            continue
        nearest = nearest or layout
        cut = layout.match(body)
        if cut is not None:
            readings = read_tails(cut, kind)
            return Page(layout, readings) if readings is not None else scan_page(body, kind)
    if nearest is not None and nearest.kind is kind:
        derived = derive(nearest, body)
        if derived is not None:
            fresh, numbers, kept = derived
            return Page(fresh, numbers, None, nearest, kept)
    first = read_first(body, kind)
    return Page(*first) if first is not None else scan_page(body, kind)


def scan_page(body: bytes, kind: Format) -> Page:
    """The page of a text body, by the scanner alone."""
    scanner = scanner_for(body, kind)
    entries: list[SeriesEntry] = []
    bounds: list[int] = []
    error: ExpositionError | None = None
    at, length = 0, len(scanner.body)
    try:
        while at < length:
            found, at = scanner.entry(at)
            if isinstance(found, SeriesEntry):
                entries.append(found)
                bounds.append(BOUND_CODES.get(scanner.type, 0))
        scanner.finish()
    except ExpositionError as problem:
        error = problem
    cut = take_apart(
        scanner.body,
        np.array([entry.value_start for entry in entries], dtype=np.int64),
        np.array([entry.end for entry in entries], dtype=np.int64),
    )
    pairs: tuple[LabelPairs, ...] = tuple(entry.pairs for entry in entries)
    layout = TextLayout(kind, cut, [entry.start for entry in entries], bounds, pairs)
    return Page(layout, _readings_of(entries), error)


def _readings_of(entries: Sequence[SeriesEntry]) -> Readings:
    stamped = [n for n, entry in enumerate(entries) if entry.timestamp_ms is not None]
    times: TimesMs = np.array([entries[n].timestamp_ms for n in stamped], dtype=np.int64)
    exemplars: list[tuple[int, Exemplar]] = [
        (number, entry.exemplar)
        for number, entry in enumerate(entries)
        if entry.exemplar is not None
    ]
    values = np.array([entry.value for entry in entries], dtype=np.float64)
    return Readings(values, np.array(stamped, dtype=np.int64), times, tuple(exemplars))
