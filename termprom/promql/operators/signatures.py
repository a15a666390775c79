"""What a series is matched by: some of its labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.values import Ints
from termprom.promql.operators.stream import Matrix
from termprom.promql.syntax.ast import Matching


def signature_of(matching: Matching) -> Callable[[Labels], Labels]:
    """`on` keeps the named labels, `ignoring` all others less the metric name."""
    names = frozenset(matching.labels)
    if matching.on:
        return lambda labels: Labels([pair for pair in labels if pair[0] in names])
    names |= {METRIC_NAME}
    return lambda labels: Labels([pair for pair in labels if pair[0] not in names])


def number_signatures(
    left: Sequence[Labels], right: Sequence[Labels], matching: Matching
) -> tuple[Ints, Ints, list[Labels]]:
    """(number per left row, number per right row, signatures by number)."""
    signature = signature_of(matching)
    numbers: dict[Labels, int] = {}
    left_numbers = [numbers.setdefault(signature(one), len(numbers)) for one in left]
    right_numbers = [numbers.setdefault(signature(one), len(numbers)) for one in right]
    return (
        np.array(left_numbers, dtype=np.int64),
        np.array(right_numbers, dtype=np.int64),
        list(numbers),
    )


@dataclass(frozen=True, slots=True)
class Sides:
    """The operands as "many" and "one"; with group_right the right one is the many.

    `many_numbers`, `one_numbers` number the signatures (M,), (O,).
    """

    many: Matrix
    one: Matrix
    many_numbers: Ints
    one_numbers: Ints
    signatures: list[Labels]
    swapped: bool
