"""Makes `tables.json`, the parser's tables, from `grammar.lark`.

    python -m termprom.promql.syntax.build_tables

lark reads the grammar and computes the LALR(1) tables; they are checked in because importing lark
and building them costs 85 ms at every start, and loading them costs 2. A test keeps both equal.

    {"starts": {"query": 3, ...},
     "rules":  [[origin, length, method or null], ...],
     "states": [{terminal or nonterminal: n}, ...]}     n >= 0 go to state n, n < 0 reduce rule ~n

The original's parser comes from yacc, whose states reduce by their most frequent rule whatever is
next, unless an error alternative begins there. Of two mistakes it reports the one that it meets
first on that way, and so must we: the symbol "" stands for all tokens that a state does not name.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lark import Lark
from lark.lexer import Lexer, Token
from lark.parsers.lalr_analysis import IntParseTable, Shift

from termprom.promql.syntax.lalr import RECOVER

_HERE = Path(__file__).parent


class _NoLexer(Lexer):
    """Our lexer stands apart; lark only computes."""

    def __init__(self, _configuration: Any) -> None:
        return

    def lex(self, _state: Any, _parser_state: Any) -> Iterator[Token]:
        return iter(())


def build() -> dict[str, Any]:
    """The tables as JSON will hold them."""
    grammar = (_HERE / "grammar.lark").read_text(encoding="utf-8")
    # debug keeps lark's table with its item sets, of which numbers are made in a fixed order here.
    lark = Lark(
        grammar, parser="lalr", lexer=_NoLexer, start=["query", "selector_only"], debug=False
    )
    table = lark.parser.parser._parse_table
    assert isinstance(table, IntParseTable), "lark numbers its states unless it debugs"
    rules: dict[Any, int] = {}
    listed: list[list[Any]] = []
    numbers = _numbered(table)
    states: list[dict[str, int]] = [{} for _ in numbers]
    for state, number in sorted(numbers.items(), key=lambda pair: pair[1]):
        for name, (action, argument) in sorted(table.states[state].items()):
            if action is Shift:
                states[number][name] = numbers[argument]
                continue
            if argument not in rules:
                rules[argument] = len(rules)
                origin, length = str(argument.origin.name), len(argument.expansion)
                listed.append([origin, length, argument.alias])
            states[number][name] = ~rules[argument]
    starts = {name: numbers[state] for name, state in table.start_states.items()}
    return {"starts": starts, "rules": listed, "states": [_with_default(one) for one in states]}


def _with_default(state: dict[str, int]) -> dict[str, int]:
    """The state with its most frequent reduction under "", as yacc's tables have it."""
    if state.get(RECOVER, -1) >= 0:
        return state
    counts = Counter(action for action in state.values() if action < 0)
    if not counts:
        return state
    most = max(counts.values())
    default = max(action for action, count in counts.items() if count == most)
    return {"": default, **{name: to for name, to in state.items() if to != default}}


def _numbered(table: Any) -> dict[int, int]:
    """States in the order in which they are met; lark's own order follows its hashes."""
    numbers: dict[int, int] = {}
    waiting = [state for _, state in sorted(table.start_states.items())]
    while waiting:
        state = waiting.pop(0)
        if state in numbers:
            continue
        numbers[state] = len(numbers)
        for _, (action, argument) in sorted(table.states[state].items()):
            if action is Shift:
                waiting.append(argument)
    return numbers


def text_of(tables: dict[str, Any]) -> str:
    """One state or rule a line, so that differences can be read."""
    rules = ",\n".join(json.dumps(rule) for rule in tables["rules"])
    states = ",\n".join(json.dumps(state) for state in tables["states"])
    starts = json.dumps(tables["starts"], sort_keys=True)
    return f'{{"starts": {starts},\n"rules": [\n{rules}\n],\n"states": [\n{states}\n]}}\n'


if __name__ == "__main__":
    (_HERE / "tables.json").write_text(text_of(build()), encoding="utf-8")
