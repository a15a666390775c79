"""What each stretch of a half-typed expression is, for colours: the parser's own lexer, forgiving.

Text that the lexer refuses becomes an error (an unfinished string stays a string), is blanked out,
and the rest is read again; after a few such places the remainder is one error.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from termprom.promql.syntax.lexer import Lexer, LexError
from termprom.promql.syntax.tokens import (
    KEYWORD_TYPES,
    OPERATOR_TYPES,
    SYMBOLS,
    Kind,
    Piece,
    Token,
)

_REFUSALS_MAX: Final = 4
_MATCH_TYPES: Final = frozenset({"EQL", "NEQ", "EQL_REGEX", "NEQ_REGEX"})
# After these words a parenthesis holds label names.
_LABEL_LISTS: Final = frozenset({"BY", "WITHOUT", "ON", "IGNORING", "GROUP_LEFT", "GROUP_RIGHT"})
_MARKS: Final = frozenset(SYMBOLS.values()) - OPERATOR_TYPES
_COMMENT: Final = re.compile(r"#[^\r\n]*")
_REFUSED: Final = re.compile(r"[\"'][^\n]*|`.*|\w+|.", re.DOTALL)
_WORDS: Final = re.compile(r"\S+")
_QUOTES: Final = "\"'`"


@lru_cache(maxsize=64)
def pieces(text: str) -> tuple[Piece, ...]:
    """The coloured stretches of `text`, ascending."""
    refused: list[Piece] = []
    source = text
    for _ in range(_REFUSALS_MAX + 1):
        lexer = Lexer(source)
        try:
            lexer.run()
        except LexError as problem:
            # At the end only something is missing, which is no place to colour.
            found = _REFUSED.match(source, problem.start)
            if found is None or found[0].isspace():
                break
            start, end = found.span()
            if len(refused) == _REFUSALS_MAX:
                end = len(source.rstrip())
            kind = Kind.STRING if source[start] in _QUOTES else Kind.ERROR
            refused.append(Piece(start, end, kind))
            source = source[:start] + " " * (end - start) + source[end:]
        else:
            break
    known = _of_tokens(lexer.tokens)
    seen = sorted((*known, *refused, *_comments(source, known)), key=lambda one: one.start)
    return tuple(sorted((*seen, *_passed_over(text, seen)), key=lambda one: one.start))


def _passed_over(text: str, found: list[Piece]) -> list[Piece]:
    """What the lexer took before it complained, such as a bracket that closes nothing."""
    gaps = zip([0, *(one.end for one in found)], [*(one.start for one in found), len(text)],
               strict=True)  # fmt: skip
    return [
        Piece(*one.span(), Kind.ERROR)
        for start, end in gaps
        for one in _WORDS.finditer(text, start, end)
    ]


def _of_tokens(tokens: list[Token]) -> list[Piece]:
    found: list[Piece] = []
    in_braces = label_list = False
    for place, token in enumerate(tokens):
        before = tokens[place - 1].type if place else ""
        after = tokens[place + 1].type if place + 1 < len(tokens) else ""
        match token.type:
            case "LEFT_BRACE":
                in_braces = True
            case "RIGHT_BRACE":
                in_braces = False
            case "LEFT_PAREN":
                label_list = before in _LABEL_LISTS
            case "RIGHT_PAREN":
                label_list = False
        found.append(Piece(token.start, token.end, _kind(token, after, in_braces, label_list)))
    return found


def _kind(token: Token, after: str, in_braces: bool, label_list: bool) -> Kind:
    kind = token.type
    if kind == "STRING":
        if in_braces and after in _MATCH_TYPES:
            return Kind.LABEL
        return Kind.LABEL if label_list else Kind.STRING
    if kind in ("NUMBER", "DURATION"):
        return Kind.NUMBER if kind == "NUMBER" else Kind.DURATION
    if kind in _MATCH_TYPES:
        return Kind.OPERATOR
    if kind in _MARKS:
        return Kind.PUNCTUATION
    if in_braces or label_list:
        return Kind.LABEL
    if kind == "AGGREGATOR":
        called = after in ("LEFT_PAREN", "BY", "WITHOUT")
        return Kind.AGGREGATOR if called else Kind.METRIC
    if kind in OPERATOR_TYPES:
        return Kind.OPERATOR
    if kind in KEYWORD_TYPES:
        return Kind.KEYWORD
    return Kind.FUNCTION if after == "LEFT_PAREN" else Kind.METRIC


def _comments(source: str, known: list[Piece]) -> list[Piece]:
    """Comments: the lexer passes over them, so they stand between the tokens."""
    found: list[Piece] = []
    if "#" not in source:
        return found
    gaps = zip([0, *(one.end for one in known)], [*(one.start for one in known), len(source)],
               strict=True)  # fmt: skip
    for start, end in gaps:
        found += [Piece(*one.span(), Kind.COMMENT) for one in _COMMENT.finditer(source, start, end)]
    return found


def open_brackets(text: str) -> list[tuple[str, int]]:
    """Brackets that are opened and not closed, as (bracket, character position), outermost first.

    Brackets inside strings and comments do not count.
    """
    stack: list[tuple[str, int]] = []
    for piece in pieces(text):
        if piece.kind is not Kind.PUNCTUATION:
            continue
        char = text[piece.start]
        if char in "([{":
            stack.append((char, piece.start))
        elif char in ")]}" and stack and _CLOSES[stack[-1][0]] == char:
            stack.pop()
    return stack


_CLOSES: Final = {"(": ")", "[": "]", "{": "}"}


def closing(text: str) -> str:
    """What brackets `text` lacks at its end, if that is all that it lacks."""
    return "".join(_CLOSES[char] for char, _ in reversed(open_brackets(text)))
