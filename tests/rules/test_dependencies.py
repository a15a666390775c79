from __future__ import annotations

import pytest

from termprom.promql.syntax.parse import parse
from termprom.rules.dependencies import dependencies, layers
from tests.rules.fakes import alerting, recording


def found(*rules: tuple[str, str]) -> list[set[int]] | None:
    """Rules as (name, expression); a name in capitals is an alert's."""
    made = [
        (alerting(name, expr) if name[0].isupper() else recording(name, expr), parse(expr))
        for name, expr in rules
    ]
    depends = dependencies(made)
    return None if depends is None else [set(one) for one in depends]


@pytest.mark.parametrize(
    ("rules", "depends"),
    [
        ([], []),
        ([("a", "up"), ("b", "sum(a)"), ("c", "a + b")], [set(), {0}, {0, 1}]),
        # Only earlier rules count, and a rule does not wait for itself.
        ([("a", "b + a"), ("b", "up")], [set(), set()]),
        # Any kind of test of the name.
        ([("job:a", "up"), ("job:b", "up"), ("c", '{__name__=~"job:.*"}')], [set(), set(), {0, 1}]),
        (
            [("a", "up"), ("b", '{__name__!="a",x="y"}'), ("c", '{__name__!~"b",x="y"}')],
            [set(), set(), {0}],
        ),
        # Deep inside: ranges, subqueries, parameters, modifiers.
        (
            [("a", "up"), ("b", "max_over_time(rate(a[1m])[5m:1m])"), ("c", "topk(scalar(a), up)")],
            [set(), {0}, {0}],
        ),
        ([("a", "up"), ("b", "-(up + on (x) group_left a)")], [set(), {0}]),
        # The series that alerts write.
        ([("A", "up"), ("b", "ALERTS"), ("c", "ALERTS_FOR_STATE")], [set(), {0}, {0}]),
        ([("A", "up"), ("B", "up"), ("c", 'ALERTS{alertname="B"}')], [set(), set(), {1}]),
        ([("A", "up"), ("c", 'ALERTS{alertname!="A"}')], [set(), set()]),
        ([("a", "up"), ("c", "ALERTS")], [set(), set()]),
        # A selector without a name may read anything.
        ([("a", "up"), ("b", '{job="x"}')], None),
    ],
)
def test_what_a_rule_reads(rules: list[tuple[str, str]], depends: list[set[int]] | None) -> None:
    assert found(*rules) == depends


@pytest.mark.parametrize(
    ("depends", "rounds"),
    [
        ([], []),
        ([set()], [[0]]),
        ([set(), {0}, {0}, {1}], [[0], [1, 2], [3]]),
        ([set(), {0}, set(), {2}, {1, 3}], [[0, 2], [1, 3], [4]]),
    ],
)
def test_rounds(depends: list[set[int]], rounds: list[list[int]]) -> None:
    assert layers([frozenset(one) for one in depends]) == rounds
