"""Binary operators on one pair of elements of which at least one is a native histogram.

    float * histogram     histogram * float     histogram / float     histogram </ float
    histogram + histogram, -, ==, !=            histogram >/ float

All other pairs give nothing and a remark. Source: reference 5.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from termprom.model.histogram import CounterResetHint
from termprom.promql import notices
from termprom.promql.histograms.combine import (
    Combined,
    IncompatibleSchemas,
    add,
    divide,
    scale,
    subtract,
)
from termprom.promql.histograms.resets import equal
from termprom.promql.histograms.trim import trimmed
from termprom.promql.histograms.value import Histogram, compacted
from termprom.promql.run import Run
from termprom.promql.syntax.ast import Span

TRIMS: Final = frozenset({"</", ">/"})
Element = float | Histogram


@dataclass(slots=True)
class Remarks:
    """The last remark of each step: of one vector upstream reports no more."""

    _warnings: dict[int, str] = field(default_factory=dict)
    _infos: dict[int, str] = field(default_factory=dict)

    def warn(self, step: int, text: str) -> None:
        self._infos.pop(step, None)
        self._warnings[step] = text

    def inform(self, step: int, text: str) -> None:
        self._warnings.pop(step, None)
        self._infos[step] = text

    def report(self, run: Run, span: Span) -> None:
        for text in self._warnings.values():
            run.notices.warn(text, span)
        for text in self._infos.values():
            run.notices.inform(text, span)


def element_binary(
    op: str, left: Element, right: Element, step: int, remarks: Remarks
) -> Element | bool | None:
    """What `left op right` is: a bool for a comparison, None where the pair gives nothing."""
    if isinstance(left, Histogram) and isinstance(right, Histogram):
        if op in ("+", "-"):
            return _combined(op, left, right, step, remarks)
        if op in ("==", "!="):
            return equal(left, right) is (op == "==")
    elif isinstance(left, Histogram) and isinstance(right, float):
        if op == "*":
            return compacted(scale(left, right))
        if op == "/":
            return compacted(divide(left, right))
        if op in TRIMS:
            return trimmed(left, right, below=op == "</")
    elif isinstance(right, Histogram) and isinstance(left, float) and op == "*":
        return compacted(scale(right, left))
    remarks.inform(step, notices.incompatible_types(op, _kind(left), _kind(right)))
    return None


def _combined(
    op: str, left: Histogram, right: Histogram, step: int, remarks: Remarks
) -> Histogram | None:
    combine: Callable[[Histogram, Histogram], Combined] = add if op == "+" else subtract
    doing = "addition" if op == "+" else "subtraction"
    try:
        found = combine(left, right)
    except IncompatibleSchemas:
        remarks.warn(step, notices.incompatible_layouts(op))
        return None
    if found.collision:
        # Upstream drops the element, though it says no more than that it is in doubt.
        remarks.warn(step, notices.conflicting_resets(doing))
        return None
    if found.reconciled:
        remarks.inform(step, notices.bounds_reconciled(doing))
    result = compacted(found.histogram)
    return result.with_hint(CounterResetHint.GAUGE) if op == "-" else result


def _kind(element: Element) -> str:
    return "histogram" if isinstance(element, Histogram) else "float"
