"""What the parts of a query cost."""

from __future__ import annotations

from dataclasses import dataclass

from termprom.model.values import Ints


@dataclass(frozen=True, slots=True)
class NodeCost:
    """One node of a plan, as it was evaluated.

    text: its part of the query; what: the operation, in a word or two
    series: rows that it may have; rows: cells that it has, over all steps
    samples: read from the store by this node itself
    seconds: spent in this node itself; of several threads together
    bytes: of the matrices that it handed on
    """

    text: str
    what: str
    series: int
    rows: int
    samples: int
    seconds: float
    bytes: int
    children: tuple[NodeCost, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """The plan of a query, and how many samples it looked at: at each step, once for each window
    that they are in; (S,).
    """

    root: NodeCost
    step_samples: Ints
