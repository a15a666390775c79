"""What each stretch of a half-typed expression is, for colours: tolerant, one pass, one regex."""

from __future__ import annotations

import re
from typing import Final

AGGREGATORS: Final = frozenset(
    [
        *("avg", "bottomk", "count", "count_values", "group", "limit_ratio", "limitk", "max"),
        *("min", "quantile", "stddev", "stdvar", "sum", "topk"),
    ]
)
_WORD_OPERATORS: Final = frozenset(["and", "or", "unless", "atan2"])
_KEYWORDS: Final = frozenset(
    [
        *("by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool"),
        *("anchored", "smoothed", "fill", "fill_left", "fill_right"),
    ]
)
# After these words a parenthesis holds label names.
_LABEL_LISTS: Final = frozenset(["by", "without", "on", "ignoring", "group_left", "group_right"])
_TOKEN: Final = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|`[^`]*`?)
    |(?P<duration>(?:\d+(?:ms|[smhdwy]))+(?![\w.]))
    |(?P<number>(?:0[xX][0-9a-fA-F]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))
    |(?P<word>[A-Za-z_:][\w:]*)
    |(?P<operator>=~|!~|==|!=|<=|>=|[-+*/%^<>=@])
    |(?P<punctuation>[(){}\[\],:])
    |(?P<error>\S)""",
    re.VERBOSE | re.ASCII,
)

Piece = tuple[int, int, str]  # [start, end) in characters, and the kind


def pieces(text: str) -> list[Piece]:
    """The coloured stretches of `text`, ascending.

    Kinds: aggregator, comment, duration, error, function, keyword, label, metric, number,
    operator, punctuation, string.
    """
    found: list[Piece] = []
    in_braces = False
    label_list = 0  # depth of the parentheses that hold label names
    expects_labels = False
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "error"
        start, end = match.span()
        word = match[0]
        if kind == "word":
            lower = word.lower()
            if in_braces or label_list:
                kind = "label"
            elif lower in _KEYWORDS:
                kind = "keyword"
                expects_labels = lower in _LABEL_LISTS
            elif lower in _WORD_OPERATORS:
                kind = "operator"
            else:
                kind = _name_kind(text, end, lower)
        elif kind == "punctuation":
            if word == "{":
                in_braces = True
            elif word == "}":
                in_braces = False
            elif word == "(" and expects_labels:
                label_list = 1
            elif word == ")":
                label_list = 0
            expects_labels = False
        elif kind != "comment":
            expects_labels = False
        found.append((start, end, kind))
    return found


_AFTER: Final = re.compile(r"\s*(\(|by\b|without\b)?")


def _name_kind(text: str, end: int, lower: str) -> str:
    following = _AFTER.match(text, end)
    called = following is not None and following[1] is not None
    if lower in AGGREGATORS and called:
        return "aggregator"
    if lower in ("inf", "nan"):
        return "number"
    return "function" if called else "metric"


def open_brackets(text: str) -> list[tuple[str, int]]:
    """Brackets that are opened and not closed, as (bracket, character position), outermost first.

    Brackets inside strings and comments do not count.
    """
    stack: list[tuple[str, int]] = []
    for start, _, kind in pieces(text):
        if kind != "punctuation":
            continue
        char = text[start]
        if char in "([{":
            stack.append((char, start))
        elif char in ")]}" and stack and _CLOSES[stack[-1][0]] == char:
            stack.pop()
    return stack


_CLOSES: Final = {"(": ")", "[": "]", "{": "}"}


def closing(text: str) -> str:
    """What brackets `text` lacks at its end, if that is all that it lacks."""
    return "".join(_CLOSES[char] for char, _ in reversed(open_brackets(text)))
