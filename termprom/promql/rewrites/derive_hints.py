"""Have selectors compare neighbouring native histograms where only counts and sums are asked for.

    histogram_count(sum(m))    ->    histogram_count(sum(m with hints derived))

Upstream reads nothing but counts and sums there and finds resets as it goes. No number changes,
but contradicting hints become known, and with them the warning that an aggregation is in doubt.
Subqueries and whatever looks at buckets stand in the way. Source: reference 7.9.
"""

from __future__ import annotations

from dataclasses import replace

from termprom.promql.plan import (
    Aggregate,
    Binary,
    Call,
    Negate,
    Once,
    Plan,
    RangeSelect,
    Select,
    Subquery,
)

_OF_SUMS = frozenset({"histogram_count", "histogram_sum", "histogram_avg"})
_OF_BUCKETS = frozenset({"histogram_quantile", "histogram_quantiles", "histogram_fraction"})
_TRIMS = frozenset({"</", ">/"})


def derive_hints(node: Plan, *, under: bool = False) -> Plan:
    """`node` with its selectors marked; `under` says that one of the functions is above it."""
    match node:
        case Select():
            return replace(node, derive_hints=True) if under else node
        case RangeSelect(select):
            return replace(node, select=replace(select, derive_hints=under))
        case Subquery(expr):
            return replace(node, expr=derive_hints(expr))
        case Negate(expr) | Once(expr) | Aggregate(expr=expr):
            return replace(node, expr=derive_hints(expr, under=under))
        case Binary(op, left, right):
            under = under and op not in _TRIMS
            return replace(
                node,
                left=derive_hints(left, under=under),
                right=derive_hints(right, under=under),
            )
        case Call(func, args):
            under = func in _OF_SUMS or (under and func not in _OF_BUCKETS)
            return replace(node, args=tuple(derive_hints(arg, under=under) for arg in args))
        case _:
            return node
