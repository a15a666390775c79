"""Drives the checked-in LALR(1) tables over tokens; iterative, so that depth is no danger.

Values live on a stack beside the states. A named rule calls the builder's method of that name with
the values of its symbols; a rule without a name passes its one value through.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from termprom.promql.syntax.failures import unexpected
from termprom.promql.syntax.tokens import END, ERROR, Token

_TABLES: Final = Path(__file__).with_name("tables.json")
RECOVER: Final = "_ERROR"


@dataclass(frozen=True, slots=True)
class Tables:
    """See build_tables: states map a symbol to n >= 0 (go to n) or n < 0 (reduce by rule ~n).

    The symbol "" stands for every token that a state does not name.
    """

    starts: dict[str, int]
    rules: list[tuple[str, int, str | None]]
    states: list[dict[str, int]]


@cache
def tables() -> Tables:
    """Read once per process."""
    read = json.loads(_TABLES.read_text(encoding="utf-8"))
    return Tables(read["starts"], [tuple(rule) for rule in read["rules"]], read["states"])


def run(tokens: Sequence[Token], start: str, builder: object) -> Any:
    """The value of the start rule. Raises ParseError without line and column."""
    table = tables()
    rules, states = table.rules, table.states
    stack, values = [table.starts[start]], list[Any]()
    for token in tokens:
        kind = token.type
        while True:
            state = states[stack[-1]]
            if kind == ERROR and ("" not in state or len(state) > 1):
                # Only what needs no token is still done before one that cannot be read.
                raise unexpected(token)
            action = state.get(kind, state.get(""))
            if action is None:
                raise unexpected(token, _error_rule(stack, table))
            if action >= 0:
                stack.append(action)
                values.append(token)
                break
            origin, length, method = rules[~action]
            if method is not None:
                taken = values[len(values) - length :]
                del values[len(values) - length :]
                values.append(getattr(builder, method)(*taken))
            if length:
                del stack[-length:]
            stack.append(states[stack[-1]][origin])
            # Nothing leads out of the state behind a complete start rule.
            if kind == END and not states[stack[-1]]:
                return values[-1]
    raise AssertionError("the last token is END or ERROR")


def _error_rule(stack: list[int], table: Tables) -> str:
    """The grammar's error alternative nearest to where parsing stopped; empty without any."""
    for number in reversed(stack):
        action = table.states[number].get(RECOVER, -1)
        if action >= 0:
            methods = (table.rules[~one][2] for one in table.states[action].values() if one < 0)
            return next((name for name in methods if name is not None), "")
    return ""
