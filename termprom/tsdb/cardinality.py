"""Where series come from: counts over a label index."""

from __future__ import annotations

import numpy as np

from termprom.model.labels import METRIC_NAME
from termprom.model.values import AnyArray, Ints
from termprom.tsdb.components import COMPONENT
from termprom.tsdb.label_index import LabelIndex
from termprom.views import CardinalityView


def cardinality(index: LabelIndex, limit: int) -> CardinalityView:
    """The `limit` greatest of each kind."""
    # A native histogram is one series here, however many columns it takes.
    components = index.with_name(COMPONENT)
    every = np.arange(index.series_count, dtype=np.int64)
    shown = np.setdiff1d(every, components) if components.size else None
    names, values, counts = index.pair_counts(shown)
    text = index.text

    def top(keys: AnyArray, sums: Ints) -> list[tuple[str, int]]:
        named = [
            (text(key), count) for key, count in zip(keys.tolist(), sums.tolist(), strict=True)
        ]
        return sorted(named, key=lambda one: (-one[1], one[0]))[:limit]

    distinct, place = np.unique(names, return_inverse=True)
    metric = [number for number in distinct.tolist() if text(number) == METRIC_NAME]
    is_metric = np.isin(names, metric)
    sizes = np.array([len(text(number).encode()) for number in values.tolist()], dtype=np.int64)
    value_counts = np.bincount(place, minlength=distinct.size)
    value_bytes = np.bincount(place, weights=sizes, minlength=distinct.size).astype(np.int64)
    heaviest = np.argsort(-counts, kind="stable")[: limit * 2 + 10]
    pairs = [
        (f"{text(int(names[row]))}={text(int(values[row]))}", int(counts[row]))
        for row in heaviest.tolist()
    ]
    return CardinalityView(
        series=index.series_count - components.size,
        label_pairs=int(counts.size),
        by_metric=top(values[is_metric], counts[is_metric]),
        by_label_values=top(distinct, value_counts),
        by_label_bytes=top(distinct, value_bytes),
        by_pair=sorted(pairs, key=lambda one: (-one[1], one[0]))[:limit],
    )
