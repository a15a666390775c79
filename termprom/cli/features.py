"""What of PromQL `--enable-feature` switches on for a command that runs without an engine."""

from __future__ import annotations

from collections.abc import Iterable

from termprom.promql.syntax.parse import Features


def named_features(given: Iterable[str]) -> Features:
    """`given` are the values of the flag, each of them names with commas between."""
    names = {name for one in given for name in one.split(",")}
    return Features(
        experimental_functions="promql-experimental-functions" in names,
        extended_range_selectors="promql-extended-range-selectors" in names,
        binop_fill="promql-binop-fill-modifiers" in names,
    )
