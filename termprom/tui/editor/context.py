"""What may stand at the caret of an expression that is being typed. Pure.

Everything is decided from the tokens before the caret; what follows it only tells which matchers of
the same braces there are besides, and which metrics a list of labels is about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from termprom.model.labels import quote
from termprom.promql.syntax.functions import FUNCTIONS, Function
from termprom.promql.syntax.lexer import Lexer, LexError
from termprom.promql.syntax.tokens import AGGREGATORS, OPERATOR_TYPES, Kind, Token
from termprom.tui.editor.highlight import pieces

_LABEL_LISTS: Final = frozenset({"BY", "WITHOUT", "ON", "IGNORING", "GROUP_LEFT", "GROUP_RIGHT"})
_MATCH_TYPES: Final = frozenset({"EQL", "NEQ", "EQL_REGEX", "NEQ_REGEX"})
_NAMES: Final = frozenset({"IDENTIFIER", "METRIC_IDENTIFIER"})
_WORD_END: Final = re.compile(r"[\w:]*")
_LATER_MATCHER: Final = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*")')
_BRACES: Final = re.compile(r"[\w:]+\s*\{[^{}]*\}|[\w:]+")


class Place(Enum):
    """What kind of thing belongs at the caret."""

    EXPRESSION = auto()  # a metric, a function, an aggregator
    AFTER = auto()  # an operator or a modifier
    LABEL_NAME = auto()
    LABEL_VALUE = auto()
    DURATION = auto()
    LABEL_LIST = auto()
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class Context:
    """`typed` stands at [start, end) and is what a completion replaces."""

    place: Place
    typed: str = ""
    start: int = 0
    end: int = 0
    label: str = ""  # whose value is typed
    regex: bool = False  # the value is one of `=~` or `!~`
    used: frozenset[str] = frozenset()  # labels that stand in these braces or this list
    selectors: tuple[str, ...] = ()  # what the series must match that labels come from


def context_at(text: str, caret: int) -> Context:
    """The context of the caret, a position in characters."""
    tokens, quoted_from = _tokens_before(text[:caret])
    if tokens is None:
        return Context(Place.NOTHING)
    end = _WORD_END.match(text, caret).end()  # type: ignore[union-attr]  # it may be empty
    if quoted_from is not None:
        return _in_string(text, tokens, quoted_from, caret)
    typed, start = "", caret
    if tokens and tokens[-1].end == caret and _is_word(tokens[-1]):
        typed, start = tokens[-1].text, tokens[-1].start
        tokens = tokens[:-1]
    if (opened := _open(tokens, "LEFT_BRACE", "RIGHT_BRACE")) is not None:
        return _in_braces(text, tokens, opened, typed, start, end)
    if (opened := _open(tokens, "LEFT_BRACKET", "RIGHT_BRACKET")) is not None:
        alone = all(one.type in ("NUMBER", "DURATION", "COLON") for one in tokens[opened + 1 :])
        return Context(Place.DURATION if alone else Place.NOTHING, typed, start, end)
    last = tokens[-1].type if tokens else ""
    if (opened := _open(tokens, "LEFT_PAREN", "RIGHT_PAREN")) is not None and (
        opened and tokens[opened - 1].type in _LABEL_LISTS
    ):
        used = frozenset(one.text for one in tokens[opened + 1 :] if one.type == "IDENTIFIER")
        return Context(Place.LABEL_LIST, typed, start, end, used=used, selectors=selectors_in(text))
    if last == "OFFSET":
        return Context(Place.DURATION, typed, start, end)
    if last in ("", "LEFT_PAREN", "COMMA", "BOOL") or last in OPERATOR_TYPES:
        return Context(Place.EXPRESSION, typed, start, end)
    return Context(Place.AFTER, typed, start, end)


def _tokens_before(text: str) -> tuple[list[Token] | None, int | None]:
    """(tokens, where an unfinished string begins); no tokens where the text cannot be read."""
    lexer = Lexer(text)
    try:
        lexer.run()
    except LexError as problem:
        if problem.start >= len(text.rstrip()):
            pass  # something is missing at the end, where the caret is
        elif problem.message.startswith("unterminated"):
            return lexer.tokens, problem.start
        elif text[problem.start :].isalnum():
            # A duration or a word that has only begun, such as `5` or `st` inside brackets.
            word = Token("NUMBER", text[problem.start :], problem.start, len(text))
            return [*lexer.tokens, word], None
        else:
            return None, None
    coloured = pieces(text)
    if coloured and coloured[-1].kind is Kind.COMMENT and coloured[-1].end == len(text):
        return None, None
    return lexer.tokens, None


def _is_word(token: Token) -> bool:
    return token.text[:1].isalnum() or (token.text[:1] in ("_", ":") and token.type != "COLON")


def _open(tokens: list[Token], opening: str, closing: str) -> int | None:
    """The place of the innermost bracket of this kind that is still open."""
    depth = 0
    for place in range(len(tokens) - 1, -1, -1):
        if tokens[place].type == closing:
            depth += 1
        elif tokens[place].type == opening:
            if not depth:
                return place
            depth -= 1
    return None


# --- Inside braces ----------------------------------------------------------------------------


def _in_braces(
    text: str, tokens: list[Token], opened: int, typed: str, start: int, end: int
) -> Context:
    if tokens[-1].type not in ("LEFT_BRACE", "COMMA"):
        return Context(Place.NOTHING)
    matchers = _matchers(tokens[opened + 1 :]) + _later(text, end)
    used = frozenset(name for name, _ in matchers)
    selector = _selector(_metric(tokens, opened), [shown for _, shown in matchers])
    return Context(
        Place.LABEL_NAME, typed, start, end, used=used, selectors=(selector,) if selector else ()
    )


def _in_string(text: str, tokens: list[Token], quoted_from: int, caret: int) -> Context:
    """Inside a string: the value of a matcher, if its label and operator stand before it."""
    opened = _open(tokens, "LEFT_BRACE", "RIGHT_BRACE")
    if opened is None or len(tokens) < 2 or tokens[-1].type not in _MATCH_TYPES:
        return Context(Place.NOTHING)
    label, regex = tokens[-2].text, tokens[-1].type in ("EQL_REGEX", "NEQ_REGEX")
    mark = text[quoted_from]
    stop = caret
    while stop < len(text) and text[stop] not in (mark, "\n", "}", ","):
        stop += 1
    start = quoted_from + 1
    if regex:
        start = max(start, text.rfind("|", start, caret) + 1)
        bar = text.find("|", caret, stop)
        stop = bar if bar >= 0 else stop
    rest = text[stop + 1 :] if text[stop : stop + 1] == mark else text[stop:]
    matchers = [
        shown
        for name, shown in _matchers(tokens[opened + 1 : -2]) + _later(rest, 0)
        if name != label
    ]
    selector = _selector(_metric(tokens, opened), matchers)
    return Context(
        Place.LABEL_VALUE,
        text[start:caret],
        start,
        stop,
        label.strip("\"'"),
        regex,
        selectors=(selector,) if selector else (),
    )


def _matchers(tokens: list[Token]) -> list[tuple[str, str]]:
    """(label, matcher as text) of the finished matchers among these tokens."""
    found = []
    for name, operator, value in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if operator.type in _MATCH_TYPES and value.type == "STRING":
            found.append((name.text, name.text + operator.text + value.text))
    return found


def _later(text: str, at: int) -> list[tuple[str, str]]:
    """The matchers between a place and the end of its braces."""
    stop = text.find("}", at)
    rest = text[at : stop if stop >= 0 else len(text)]
    return [(one[1], "".join(one.groups())) for one in _LATER_MATCHER.finditer(rest)]


def _metric(tokens: list[Token], opened: int) -> str:
    before = tokens[opened - 1] if opened else None
    if before is None or before.end != tokens[opened].start or before.type not in _NAMES:
        return ""
    return before.text


def _selector(metric: str, matchers: list[str]) -> str:
    return f"{metric}{{{','.join(matchers)}}}" if metric or matchers else ""


def selectors_in(text: str) -> tuple[str, ...]:
    """Every metric of the text with its finished braces, at most eight."""
    found: dict[str, None] = {}
    for one in pieces(text):
        if one.kind is Kind.METRIC:
            match = _BRACES.match(text, one.start)
            found[match[0] if match else text[one.start : one.end]] = None
    return tuple(found)[:8]


# --- Functions --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenCall:
    """The call whose parentheses the caret is in, and which argument it is at, from 0."""

    function: Function
    argument: int


def call_at(text: str, caret: int) -> OpenCall | None:
    """The innermost function whose parentheses are open at the caret."""
    tokens, _ = _tokens_before(text[:caret])
    depth = commas = 0
    for place in range(len(tokens or ()) - 1, 0, -1):
        assert tokens is not None
        match tokens[place].type:
            case "RIGHT_PAREN" | "RIGHT_BRACE" | "RIGHT_BRACKET":
                depth += 1
            case "LEFT_PAREN" | "LEFT_BRACE" | "LEFT_BRACKET" if depth:
                depth -= 1
            case "LEFT_PAREN":
                function = FUNCTIONS.get(tokens[place - 1].text)
                if function is not None:
                    return OpenCall(function, commas)
                commas = 0
            case "COMMA" if not depth:
                commas += 1
    return None


# --- Words that always fit --------------------------------------------------------------------

MODIFIERS: Final = ("offset", "@", "by", "without", "and", "or", "unless", "on", "ignoring",
                    "group_left", "group_right", "bool")  # fmt: skip
DURATIONS: Final = ("5m", "1m", "15m", "30m", "1h", "6h", "1d", "7d")
CALLABLE: Final = tuple(sorted([*AGGREGATORS, *FUNCTIONS]))


def value_text(value: str, context: Context) -> str:
    """A label value as it is typed between double quotes, escaped for a regex where it is one."""
    plain = re.sub(r"([\\^$.|?*+()\[\]{}])", r"\\\1", value) if context.regex else value
    return quote(plain)[1:-1]
