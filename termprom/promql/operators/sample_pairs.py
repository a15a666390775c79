"""Neighbouring samples of any kind: whether they differ, and whether the later one fell."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from termprom.promql.histograms.resets import equal, was_reset
from termprom.promql.histograms.value import Histogram

Element = float | Histogram


def count_pairs(samples: Sequence[Element], counts: Callable[[Element, Element], bool]) -> float:
    """For how many neighbours `counts(before, after)` holds."""
    return float(sum(counts(before, after) for before, after in itertools.pairwise(samples)))


def differ(before: Element, after: Element) -> bool:
    """A change of kind is a change; NaN after NaN is none."""
    if isinstance(before, Histogram) and isinstance(after, Histogram):
        return not equal(before, after)
    if isinstance(before, Histogram) or isinstance(after, Histogram):
        return True
    return before != after and not (before != before and after != after)


def fell(before: Element, after: Element) -> bool:
    """A change of kind counts as a reset."""
    if isinstance(before, Histogram) and isinstance(after, Histogram):
        return was_reset(after, before)
    if isinstance(before, Histogram) or isinstance(after, Histogram):
        return True
    return after < before
