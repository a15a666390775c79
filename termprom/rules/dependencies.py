"""Which rules read what other rules write, found in their expressions alone.

A selector's test of the metric's name decides, whatever its kind; ALERTS and ALERTS_FOR_STATE are
written by alerting rules.
Source: Prometheus, rules/group.go, `buildDependencyMap`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from termprom.config.schema import RuleConfig
from termprom.model.labels import METRIC_NAME
from termprom.model.matchers import Matcher
from termprom.promql.syntax import ast
from termprom.promql.syntax.nodes import children
from termprom.rules.alerting import ALERT_NAME, ALERTS, ALERTS_FOR_STATE


def selectors(expr: ast.Expr) -> Iterator[ast.VectorSelector]:
    """Every vector selector in `expr`, those of ranges too."""
    if isinstance(expr, ast.VectorSelector):
        yield expr
    for child in children(expr):
        yield from selectors(child)


def dependencies(rules: Sequence[tuple[RuleConfig, ast.Expr]]) -> list[frozenset[int]] | None:
    """For each rule the earlier ones that it reads.

    None where some selector names no metric: everything may depend on everything then.
    """
    if any(_name_test(one) is None for _, expr in rules for one in selectors(expr)):
        return None
    return [
        frozenset(
            earlier
            for earlier in range(number)
            if any(_reads(one, rules[earlier][0]) for one in selectors(expr))
        )
        for number, (_, expr) in enumerate(rules)
    ]


def layers(depends: Sequence[frozenset[int]]) -> list[list[int]]:
    """The rules in rounds, in order within each: a round reads only what earlier rounds wrote."""
    depth: list[int] = []
    for reads in depends:
        depth.append(1 + max((depth[one] for one in reads), default=-1))
    rounds: list[list[int]] = [[] for _ in range(max(depth, default=-1) + 1)]
    for number, level in enumerate(depth):
        rounds[level].append(number)
    return rounds


def _name_test(selector: ast.VectorSelector) -> Matcher | None:
    return next((one for one in selector.matchers if one.name == METRIC_NAME), None)


def _reads(selector: ast.VectorSelector, rule: RuleConfig) -> bool:
    name = _name_test(selector)
    assert name is not None, "looked at before"
    if rule.record:
        return name.matches(rule.record)
    if not (name.matches(ALERTS) or name.matches(ALERTS_FOR_STATE)):
        return False
    alert = next((one for one in selector.matchers if one.name == ALERT_NAME), None)
    return alert is None or alert.matches(rule.alert)
