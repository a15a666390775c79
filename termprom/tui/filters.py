"""The filter language of every list.

    word            rows with `word` in any column, whatever the case
    "two words"     the same with blanks in it
    /re/            a regular expression over any column
    name=v  name!=v         a field or label is exactly v; v may be a list: `severity=a|b`
    name=~re  name!~re      a field or label matches, anywhere in it
    dur>5s  value<=0.5      a field compares, with units: ms s m h d, k M G, %
    !x              rows for which x does not hold

Terms that follow each other must all hold. A term that cannot be read is reported, never ignored.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

_FIELD: Final = re.compile(r"([A-Za-z_][\w.]*)(=~|!~|!=|>=|<=|=|>|<)(.*)", re.DOTALL)
_NUMBER: Final = re.compile(r"([-+]?\d+(?:\.\d+)?)(ms|s|m|h|d|%|k|M|G)?")
_UNITS: Final = {
    "": 1.0,
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
    "%": 0.01,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
}


class Searchable(Protocol):
    """How a filter sees one row."""

    def text(self) -> str:
        """All columns, in lower case."""
        ...

    def field(self, name: str) -> str | float | None:
        """A named column or label; None where the row has no such thing."""
        ...


Test = Callable[[Searchable], bool]


@dataclass(frozen=True, slots=True)
class Term:
    """One condition, as typed and as a test."""

    typed: str
    test: Test


@dataclass(frozen=True, slots=True)
class Filter:
    """Terms that must all hold; `error` says which part of the text could not be read."""

    terms: Sequence[Term] = ()
    error: str = ""

    def __bool__(self) -> bool:
        return bool(self.terms)

    def matches(self, row: Searchable) -> bool:
        return all(term.test(row) for term in self.terms)


def parse_filter(typed: str) -> Filter:
    """The filter that `typed` describes; what can be read counts even beside an error."""
    terms, errors = [], []
    for word in _words(typed):
        try:
            terms.append(Term(word, _test(word)))
        except ValueError as problem:
            errors.append(f"{word}: {problem}")
    return Filter(tuple(terms), "; ".join(errors))


def parse_words(typed: str) -> Filter:
    """Rows that hold every word, whatever signs are in it; for lists of expressions."""

    def holds(word: str) -> Test:
        return lambda row: word in row.text()

    return Filter(tuple(Term(word, holds(word)) for word in typed.lower().split()))


def _words(typed: str) -> list[str]:
    lexer = shlex.shlex(typed, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    lexer.escape = ""
    lexer.quotes = '"'
    try:
        return list(lexer)
    except ValueError:
        # An open quote while the operator is still typing: take it as if closed.
        return _words(typed + '"') if typed.count('"') % 2 else typed.split()


def _test(word: str) -> Test:
    if len(word) > 1 and word[0] == "!":
        inner = _test(word[1:])
        return lambda row: not inner(row)
    if len(word) > 2 and word[0] == word[-1] == "/":
        found = _compiled(word[1:-1])
        return lambda row: found.search(row.text()) is not None
    if parts := _FIELD.fullmatch(word):
        return _field_test(*parts.groups())
    needle = word.lower()
    return lambda row: needle in row.text()


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as problem:
        raise ValueError(f"not a regular expression ({problem})") from None


def _field_test(name: str, operator: str, wanted: str) -> Test:
    if operator in ("=~", "!~"):
        found = _compiled(wanted)
        hit = operator == "=~"
        return lambda row: (found.search(str(row.field(name) or "")) is not None) is hit
    if operator in ("=", "!="):
        choices = frozenset(wanted.lower().split("|"))
        hit = operator == "="
        return lambda row: (_text(row.field(name)) in choices) is hit
    limit = _number(wanted)
    compare: Callable[[float], bool] = {
        ">": lambda value: value > limit,
        "<": lambda value: value < limit,
        ">=": lambda value: value >= limit,
        "<=": lambda value: value <= limit,
    }[operator]

    def test(row: Searchable) -> bool:
        value = row.field(name)
        return isinstance(value, int | float) and compare(float(value))

    return test


def _text(value: str | float | None) -> str:
    if value is None:
        return ""
    return value.lower() if isinstance(value, str) else f"{value:g}"


def _number(text: str) -> float:
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError("expected a number, perhaps with a unit, as in 5s or 10%")
    return float(found[1]) * _UNITS[found[2] or ""]
