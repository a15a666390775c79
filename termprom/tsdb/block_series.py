"""The series and symbols of a block that is being written, out of those of its sources.

Everything here works on symbol numbers; no label set is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from termprom.model.labels import METRIC_NAME
from termprom.model.values import AnyArray, Ints
from termprom.tsdb.label_index import LabelIndex


@dataclass(frozen=True, slots=True)
class SeriesTable:
    """Series sorted by metric, then by their labels.

    Shapes: texts (Y,) sorted by their UTF-8; offsets (S + 1,), pairs (2 P,) numbers of texts;
            hashes (2 S,); metrics (S,) ascending, -1 where a series has no metric name;
            places: per source the number of each of its series here (K,).
    """

    texts: list[bytes]
    offsets: Ints
    pairs: AnyArray
    hashes: AnyArray
    metrics: Ints
    places: list[Ints]


def unite_series(found: Sequence[tuple[LabelIndex, Ints]]) -> SeriesTable:
    """The distinct series among those of several indexes."""
    joined = np.concatenate([index.hashes[series] for index, series in found])
    _, first, place = np.unique(_keys(joined), return_index=True, return_inverse=True)
    starts = np.cumsum([0, *(series.size for _, series in found)])
    texts, lookups = _texts(found)
    counts = np.zeros(first.size, dtype=np.int64)
    parts: list[tuple[Ints, Ints, AnyArray]] = []  # series here, their pair counts, their pairs
    for (index, series), start, lookup in zip(found, starts.tolist(), lookups, strict=False):
        mine = np.flatnonzero((first >= start) & (first < start + series.size))
        run_counts, pairs = index.symbol_pairs(series[first[mine] - start])
        counts[mine] = run_counts
        parts.append((mine, run_counts, lookup[pairs]))
    offsets = np.concatenate([[0], np.cumsum(counts)])
    pairs = np.empty(2 * int(offsets[-1]), dtype=np.int32)
    for mine, run_counts, own in parts:
        pairs[_cells(2 * offsets[mine], 2 * run_counts)] = own
    order, metrics = _order(texts, offsets, counts, pairs)
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    sorted_pairs = pairs[_cells(2 * offsets[order], 2 * counts[order])]
    return SeriesTable(
        texts,
        np.concatenate([[0], np.cumsum(counts[order])]),
        sorted_pairs,
        np.ascontiguousarray(joined[first[order]]).reshape(-1),
        metrics[order],
        [
            rank[place[start : start + series.size]]
            for (_, series), start in zip(found, starts.tolist(), strict=False)
        ],
    )


def _keys(hashes: AnyArray) -> AnyArray:
    """(K, 2) numbers as K opaque keys that can be sorted."""
    return np.ascontiguousarray(hashes).view("V16").reshape(-1)


def _texts(found: Sequence[tuple[LabelIndex, Ints]]) -> tuple[list[bytes], list[AnyArray]]:
    """All texts that the series use, sorted; per source the new number of each of its symbols."""
    used = [np.unique(index.symbol_pairs(series)[1]) for index, series in found]
    encoded = [
        [index.text(number).encode() for number in symbols.tolist()]
        for (index, _), symbols in zip(found, used, strict=True)
    ]
    texts = sorted({text for one in encoded for text in one})
    numbers = {text: number for number, text in enumerate(texts)}
    lookups = []
    for symbols, own in zip(used, encoded, strict=True):
        lookup = np.full(int(symbols[-1]) + 1 if symbols.size else 0, -1, dtype=np.int32)
        lookup[symbols] = [numbers[text] for text in own]
        lookups.append(lookup)
    return texts, lookups


def _cells(starts: Ints, lengths: Ints) -> Ints:
    """start..start+length of each run, one after the other."""
    before = np.cumsum(lengths) - lengths
    total = int(lengths.sum())
    cells: Ints = np.arange(total, dtype=np.int64) + np.repeat(starts - before, lengths)
    return cells


def _order(texts: list[bytes], offsets: Ints, counts: Ints, pairs: AnyArray) -> tuple[Ints, Ints]:
    """The series sorted, and the metric of each."""
    names, values = pairs[0::2], pairs[1::2]
    owner = np.repeat(np.arange(counts.size), counts)
    metrics = np.full(counts.size, -1, dtype=np.int64)
    name = METRIC_NAME.encode()
    if name in texts:
        is_metric = names == texts.index(name)
        metrics[owner[is_metric]] = values[is_metric]
    # A row of numbers, highest byte first, sorts as the label set does; 0 ends it.
    width = 1 + 2 * int(counts.max(initial=0))
    keys = np.zeros((counts.size, width), dtype=">u4")
    keys[:, 0] = metrics + 1
    within = np.arange(pairs.size) - np.repeat(2 * offsets[:-1], 2 * counts)
    keys[np.repeat(owner, 2), 1 + within] = pairs + 1
    order: Ints = np.argsort(keys.view(f"V{4 * width}").reshape(-1), kind="stable")
    return order, metrics
