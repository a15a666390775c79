"""Expressions, right and wrong, with what the original says of each.

`expressions.jsonl` holds one object a line: `expr`, and in `says` its pretty form or the error.
Made with a real server of version 3.5 by `python -m tests.promql.syntax.expressions URL`, to which
more expressions may be given on standard input. Where later versions say something else, `says` is
that, and `older` what 3.5 said.
"""

from __future__ import annotations

import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Final, NamedTuple

from termprom.errors import ParseError
from termprom.promql.syntax.format import pretty
from termprom.promql.syntax.parse import Features, parse

_FILE: Final = Path(__file__).with_suffix(".jsonl")
_PREFIX: Final = 'invalid parameter "query": '
# What 3.5 says in other words than the versions after it. Source: reference 2.3.
_NEWER_WORDS: Final = (
    (
        re.compile(r"in subquery selector, expected number or duration$"),
        "in subquery or range selector, expected number, duration, step(), or range()",
    ),
    (
        re.compile(r'expected number or duration or "]"$'),
        'expected number, duration, step(), range(), or "]"',
    ),
    (
        re.compile(r"in offset, expected number or duration$"),
        "in offset, expected number, duration, step(), or range()",
    ),
    # The number of a token type of which the original has no name.
    (re.compile(r'"<Item \d+>" <op:@>'), "<op:@>"),
)


class Case(NamedTuple):
    expr: str
    says: str
    older: str | None


def cases() -> list[Case]:
    lines = map(json.loads, _FILE.read_text(encoding="utf-8").splitlines())
    return [Case(one["expr"], one["says"], one.get("older")) for one in lines]


def ours(expr: str) -> str:
    """The pretty form, or the error less what we add to it."""
    try:
        return pretty(parse(expr, Features.everything()))
    except ParseError as problem:
        return str(problem).partition(", did you mean")[0]


def theirs(url: str, expr: str) -> str:
    """The same from a server, with its error in the words of later versions."""
    body = urllib.parse.urlencode({"query": expr}).encode()
    try:
        with urllib.request.urlopen(f"{url}/api/v1/format_query", body, timeout=30) as answer:
            return str(json.load(answer)["data"])
    except urllib.error.HTTPError as refusal:
        text = str(json.load(refusal)["error"]).removeprefix(_PREFIX)
    for words, newer in _NEWER_WORDS:
        text = words.sub(newer, text)
    return text


def _renew(url: str, exprs: list[str]) -> None:
    """Ask again for all, and for `exprs` besides; what differs from ours is kept as `older`."""
    found = []
    for expr in dict.fromkeys([*(one.expr for one in cases()), *exprs]):
        mine, said = ours(expr), theirs(url, expr)
        found.append({"expr": expr, "says": mine} | ({} if mine == said else {"older": said}))
    text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in found)
    _FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _renew(sys.argv[1], [line.rstrip("\n") for line in sys.stdin])
