"""Lines of a text page that become something else: classic histograms turned into native ones with
custom bounds, and `_created` lines that say since when other lines count.

What becomes of each line depends on the page's layout alone, so it is planned once per layout; a
scrape then only picks and adds numbers. Source: reference of scraping, sections 11.2 and 11.4.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from termprom.errors import ExpositionError
from termprom.exposition.custom_buckets import from_classic
from termprom.exposition.entries import Exemplar, LabelPairs, SeriesEntry, TypeEntry
from termprom.exposition.negotiate import Format, scanner_for
from termprom.exposition.numbers import parse_number
from termprom.exposition.protobuf import HistogramForms
from termprom.model.histogram import FloatHistogram
from termprom.model.labels import METRIC_NAME
from termprom.model.metadata import MetricType
from termprom.model.values import Ints
from termprom.scrape.layout import TextLayout
from termprom.scrape.tails import Readings

_NOWHERE: Final = -1
_CREATED: Final = "_created"
_COUNTING: Final = frozenset({MetricType.COUNTER, MetricType.HISTOGRAM, MetricType.SUMMARY})
_BOUND_NAMES: Final = frozenset({"le", "quantile"})


@dataclass(slots=True)
class Collected:
    """The lines of one classic histogram. `stamp` is the line whose timestamp it takes."""

    labels: LabelPairs
    bounds: list[float] = field(default_factory=list)
    buckets: list[int] = field(default_factory=list)
    count: int = _NOWHERE
    sum: int = _NOWHERE
    lines: list[int] = field(default_factory=list)
    stamp: int = _NOWHERE

    def histogram(self, values: Sequence[float]) -> FloatHistogram | None:
        """What the values of its lines come to; None where they do not fit together."""
        count = None if self.count == _NOWHERE else values[self.count]
        total = None if self.sum == _NOWHERE else values[self.sum]
        buckets = zip(self.bounds, (values[line] for line in self.buckets), strict=True)
        try:
            return from_classic(buckets, count, total)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Shape:
    """What the lines of a layout become, in order: a line as it is, or a whole histogram.

    Shapes: keys, pairs, items (M,); created (M,) is the line that says since when each counts.
    """

    source: TextLayout
    forms: HistogramForms
    items: tuple[int | Collected, ...]
    keys: tuple[Hashable, ...]
    pairs: tuple[LabelPairs, ...]
    created: Ints

    def __repr__(self) -> str:
        return f"Shape({len(self.items)} of {self.source})"

    def apply(self, readings: Readings) -> tuple[Sequence[int] | None, Readings]:
        """Which items there are (None: all of them), and their readings."""
        values = readings.values.tolist()
        items: list[int | Collected] = []
        made: list[tuple[int, FloatHistogram]] = []
        present: list[int] = []
        for number, item in enumerate(self.items):
            if isinstance(item, Collected):
                histogram = item.histogram(values)
                if histogram is None:
                    continue
                made.append((len(items), histogram))
            items.append(item)
            present.append(number)
        lines = np.array([_line_of(item) for item in items], dtype=np.int64)
        picked = readings.values[lines] if len(lines) else np.empty(0)
        if made:
            picked[[number for number, _ in made]] = np.nan
        whole = len(present) == len(self.items)
        created = self.created if whole else self.created[present]
        return (
            None if whole else present,
            Readings(
                picked,
                *_stamps(items, readings),
                exemplars=_exemplars(items, readings.exemplars),
                histograms=tuple(made),
                starts_ms=_starts(created, readings),
            ),
        )


def _line_of(item: int | Collected) -> int:
    return item.lines[0] if isinstance(item, Collected) else item


def _stamps(items: Sequence[int | Collected], readings: Readings) -> tuple[Ints, Ints]:
    if not len(readings.stamped):
        return readings.stamped, readings.times_ms
    times = dict(zip(readings.stamped.tolist(), readings.times_ms.tolist(), strict=True))
    found = [
        (number, times[line])
        for number, item in enumerate(items)
        if (line := item.stamp if isinstance(item, Collected) else item) in times
    ]
    numbers, stamps = zip(*found, strict=True) if found else ((), ())
    return np.array(numbers, dtype=np.int64), np.array(stamps, dtype=np.int64)


def _exemplars(
    items: Sequence[int | Collected], exemplars: Sequence[tuple[int, Exemplar]]
) -> tuple[tuple[int, Exemplar], ...]:
    """Exemplars where their lines went; of a whole histogram only those that tell a time."""
    if not exemplars:
        return ()
    by_line: dict[int, list[Exemplar]] = {}
    for line, exemplar in exemplars:
        by_line.setdefault(line, []).append(exemplar)
    found: list[tuple[int, Exemplar]] = []
    for number, item in enumerate(items):
        if isinstance(item, Collected):
            traced = (one for line in item.lines for one in by_line.get(line, ()))
            found += [(number, one) for one in traced if one.timestamp_ms is not None]
        else:
            found += [(number, one) for one in by_line.get(item, ())]
    return tuple(found)


def _starts(created: Ints, readings: Readings) -> Ints | None:
    known = created != _NOWHERE
    if not bool(known.any()):
        return None
    starts = np.zeros(len(created), dtype=np.int64)
    seconds = readings.values[created[known]] * 1000
    sound = np.isfinite(seconds) & (np.abs(seconds) < 2.0**63)
    starts[known] = np.where(sound, seconds, 0).astype(np.int64)
    return starts


# --- Planning ---------------------------------------------------------------------------------


def plan_shape(layout: TextLayout, forms: HistogramForms, *, starts: bool) -> Shape:
    """What becomes of the lines of `layout`; `starts` takes `_created` lines for what they say.

    Of a page with a mistake the lines before it are planned.
    """
    planner = _Planner(forms, starts=starts and layout.kind is Format.OPENMETRICS)
    try:
        planner.read(layout)
    except ExpositionError:
        planner.forget()
    else:
        planner.finish(_NOWHERE)
    pairs = layout.pairs()
    heads = layout.series_keys()
    bounds = layout.bounds.tolist()
    items = planner.items
    return Shape(
        layout,
        forms,
        tuple(items),
        keys=tuple(
            ("histogram", item.labels)
            if isinstance(item, Collected)
            else (heads[item], bounds[item])
            for item in items
        ),
        pairs=tuple(item.labels if isinstance(item, Collected) else pairs[item] for item in items),
        created=np.array([planner.created.get(_line_of(one), _NOWHERE) for one in items]),
    )


class _Planner:
    """Goes through the entries of a page once."""

    def __init__(self, forms: HistogramForms, *, starts: bool) -> None:
        self.items: list[int | Collected] = []
        self.created: dict[int, int] = {}  # line: the line that tells its start
        self._forms = forms
        self._starts = starts
        self._family = ""
        self._type = MetricType.UNKNOWN
        self._open: Collected | None = None
        self._waiting: list[tuple[int, LabelPairs]] = []  # lines that no `_created` followed yet

    def read(self, layout: TextLayout) -> None:
        """Raises ExpositionError where the page ends with a mistake."""
        line = 0
        for entry in _entries(layout):
            if isinstance(entry, SeriesEntry):
                self._series(line, entry.pairs)
                line += 1
                continue
            self.finish(_NOWHERE)
            self._waiting = []
            if isinstance(entry, TypeEntry):
                self._family, self._type = entry.metric, entry.type

    def finish(self, next_line: int) -> None:
        """End the collection; a line that follows lends its timestamp, as upstream."""
        if self._open is not None:
            self._open.stamp = self._open.lines[-1] if next_line == _NOWHERE else next_line
            self.items.append(self._open)
            self._open = None

    def forget(self) -> None:
        """Give up what was being collected."""
        self._open = None

    def _series(self, line: int, pairs: LabelPairs) -> None:
        if self._starts and self._type in _COUNTING and pairs[0][1].endswith(_CREATED):
            self._take_start(line, pairs)
            return
        if self._starts and self._type in _COUNTING:
            self._waiting.append((line, pairs))
        place = self._place(pairs) if self._forms.convert else None
        labels = _without_bound(self._family, pairs)
        if self._open is not None and (place is None or self._open.labels != labels):
            self.finish(line)
        if place is None:
            self.items.append(line)
            return
        if self._open is None:
            self._open = Collected(labels)
        kind, bound = place
        collected = self._open
        collected.lines.append(line)
        if kind == "_bucket":
            collected.bounds.append(bound)
            collected.buckets.append(line)
        elif kind == "_count":
            collected.count = line
        else:
            collected.sum = line
        if self._forms.keep_classic:
            self.items.append(line)

    def _place(self, pairs: LabelPairs) -> tuple[str, float] | None:
        """Which part of the family's histogram a line is; None where it is none."""
        if self._type is not MetricType.HISTOGRAM or not pairs[0][1].startswith(self._family):
            return None
        suffix = pairs[0][1][len(self._family) :]
        if suffix in ("_count", "_sum"):
            return suffix, 0.0
        if suffix != "_bucket":
            return None
        try:
            bound = parse_number(dict(pairs).get("le", "").encode())
        except ValueError:
            return None
        return (suffix, bound) if bound == bound else None

    def _take_start(self, line: int, pairs: LabelPairs) -> None:
        wanted = _without_bound(self._family, pairs)
        same_family = pairs[0][1] == self._family + _CREATED
        for number, waiting in self._waiting:
            if same_family and _without_bound(self._family, waiting) == wanted:
                self.created[number] = line
        self._waiting = []


def _entries(layout: TextLayout) -> Iterator[object]:
    """The entries of a page, comments among them; blank lines say nothing."""
    scanner = scanner_for(layout.specimen(), layout.kind)
    body = scanner.body
    at = 0
    while at < len(body):
        start = at
        entry, at = scanner.entry(at)
        if entry is not None or body[start:at].strip(b" \t\n"):
            yield entry


def _without_bound(family: str, pairs: LabelPairs) -> LabelPairs:
    """The labels of the whole histogram or summary that a line is a part of."""
    rest = sorted(pair for pair in pairs[1:] if pair[0] not in _BOUND_NAMES)
    return ((METRIC_NAME, family), *rest)
