"""The fill modifiers: partners made up for rows that have none.

They become rows of their own, present at exactly the steps at which the partner is missing, so that
matching itself need not know about them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from termprom.model.labels import EMPTY, Labels
from termprom.model.values import Ints, Mask
from termprom.promql.kernels.join import any_of_group
from termprom.promql.operators.signatures import Sides
from termprom.promql.operators.stream import Matrix, Series
from termprom.promql.syntax.ast import Matching


def with_fills(sides: Sides, matching: Matching) -> tuple[Sides, bool]:
    """The sides with made-up rows added, and whether any fill was asked for.

    The right fill stands in for the one side and the left fill for the many side, also where
    group_right swapped them.
    """
    if matching.fill_left is None and matching.fill_right is None:
        return sides, False
    count = len(sides.signatures)
    many_held = any_of_group(sides.many.held(), sides.many_numbers, count)
    one_held = any_of_group(sides.one.held(), sides.one_numbers, count)
    if matching.fill_right is not None:
        # A made-up partner has no labels that group_left could take over.
        one, numbers = _extended(
            sides.one,
            sides.one_numbers,
            many_held & ~one_held,
            [EMPTY] * count,
            matching.fill_right,
        )
        sides = replace(sides, one=one, one_numbers=numbers)
    if matching.fill_left is not None:
        many, numbers = _extended(
            sides.many,
            sides.many_numbers,
            one_held & ~many_held,
            sides.signatures,
            matching.fill_left,
        )
        sides = replace(sides, many=many, many_numbers=numbers)
    return sides, True


def _extended(
    matrix: Matrix, numbers: Ints, missing: Mask, labels: list[Labels], fill: float
) -> tuple[Matrix, Ints]:
    """`matrix` and a row of `fill` for each signature that is `missing` (G, S) at some step."""
    added = np.flatnonzero(missing.any(axis=1))
    series = Series([*matrix.series.labels, *(labels[number] for number in added.tolist())])
    extended = Matrix(
        series,
        np.concatenate([matrix.values, np.full((added.size, missing.shape[1]), fill)]),
        np.concatenate([matrix.present, missing[added]]),
        matrix.histograms,
    )
    return extended, np.concatenate([numbers, added])
