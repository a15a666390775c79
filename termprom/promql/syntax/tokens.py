"""Words and marks of PromQL, by the names that the grammar has for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

END: Final = "$END"  # lark's own name for the end of the input
ERROR: Final = "ERROR"  # what the lexer could not read; its text is the message

AGGREGATORS: Final = (
    "avg",
    "bottomk",
    "count",
    "count_values",
    "group",
    "limit_ratio",
    "limitk",
    "max",
    "min",
    "quantile",
    "stddev",
    "stdvar",
    "sum",
    "topk",
)
_OPERATORS: Final = {"and": "LAND", "or": "LOR", "unless": "LUNLESS", "atan2": "ATAN2"}
_MODIFIERS: Final = (
    "anchored",
    "bool",
    "by",
    "end",
    "fill",
    "fill_left",
    "fill_right",
    "group_left",
    "group_right",
    "ignoring",
    "max_of",
    "min_of",
    "offset",
    "on",
    "range",
    "smoothed",
    "start",
    "step",
    "without",
)

# Lower-case word to token type; words are compared without regard to case.
KEYWORDS: Final[dict[str, str]] = {
    **dict.fromkeys(AGGREGATORS, "AGGREGATOR"),
    **_OPERATORS,
    **{word: word.upper() for word in _MODIFIERS},
    "inf": "NUMBER",
    "nan": "NUMBER",
}
# Words of durations; the only ones inside [...].
DURATION_WORDS: Final = frozenset({"step", "range", "max_of", "min_of"})

SYMBOLS: Final[dict[str, str]] = {
    "+": "ADD",
    "-": "SUB",
    "*": "MUL",
    "/": "DIV",
    "%": "MOD",
    "^": "POW",
    "==": "EQLC",
    "!=": "NEQ",
    "<=": "LTE",
    "<": "LSS",
    ">=": "GTE",
    ">": "GTR",
    "</": "TRIM_UPPER",
    ">/": "TRIM_LOWER",
    "=~": "EQL_REGEX",
    "!~": "NEQ_REGEX",
    "=": "EQL",
    "@": "AT",
    "(": "LEFT_PAREN",
    ")": "RIGHT_PAREN",
    "{": "LEFT_BRACE",
    "}": "RIGHT_BRACE",
    "[": "LEFT_BRACKET",
    "]": "RIGHT_BRACKET",
    ",": "COMMA",
    ":": "COLON",
}
_PUNCTUATION: Final = frozenset(
    {
        "LEFT_PAREN",
        "RIGHT_PAREN",
        "LEFT_BRACE",
        "RIGHT_BRACE",
        "LEFT_BRACKET",
        "RIGHT_BRACKET",
        "COMMA",
        "COLON",
        "EQL",
    }
)
OPERATOR_TYPES: Final = (frozenset(SYMBOLS.values()) - _PUNCTUATION) | frozenset(
    _OPERATORS.values()
)
KEYWORD_TYPES: Final = frozenset(word.upper() for word in _MODIFIERS)
# Keywords that are worked out before a query runs are plain words in messages.
_PREPARED: Final = frozenset({"START", "END", "STEP", "RANGE", "MAX_OF", "MIN_OF"})
_CLASSES: Final = {
    "IDENTIFIER": "identifier",
    "METRIC_IDENTIFIER": "metric identifier",
    "NUMBER": "number",
    "DURATION": "duration",
    "STRING": "string",
}
_QUOTED_MAX: Final = 10  # characters of a token's text in messages


class Token(NamedTuple):
    """One token; [start, end) in bytes of the source."""

    type: str
    text: str
    start: int
    end: int


def describe(token: Token) -> str:
    """A token as error messages show it. Source: reference 2.3."""
    if token.type == END:
        return "end of input"
    if token.type in _CLASSES:
        return f"{_CLASSES[token.type]} {_shown(token)}"
    return _shown(token)


def _shown(token: Token) -> str:
    text = token.text
    if token.type in ("IDENTIFIER", "METRIC_IDENTIFIER"):
        return go_quote(text)
    if token.type in KEYWORD_TYPES - _PREPARED:
        return f"<{text}>"
    if token.type == "AGGREGATOR":
        return f"<aggr:{text}>"
    if token.type in OPERATOR_TYPES:
        return f"<op:{text}>"
    if len(text) > _QUOTED_MAX:
        return go_quote(text[:_QUOTED_MAX]) + "..."
    return go_quote(text)


_SHORT_ESCAPES: Final = {
    "\\": "\\\\",
    '"': '\\"',
    "\n": "\\n",
    "\t": "\\t",
    "\r": "\\r",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\v": "\\v",
}


def go_quote(text: str) -> str:
    """Text in double quotes as Go's %q writes it."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    short = _SHORT_ESCAPES.get(char)
    if short is not None:
        return short
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:
        # A byte that is no UTF-8.
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def go_quote_char(char: str) -> str:
    """A character in single quotes as Go's %q writes it."""
    if char == "'":
        return "'\\''"
    if "\ud800" <= char <= "\udfff":
        return "'\ufffd'"
    return "'\"'" if char == '"' else f"'{_escaped(char)}'"


class Kind(StrEnum):
    """What a stretch of text is, for colours and completion."""

    AGGREGATOR = "aggregator"
    COMMENT = "comment"
    DURATION = "duration"
    ERROR = "error"
    FUNCTION = "function"
    IDENTIFIER = "identifier"
    KEYWORD = "keyword"
    LABEL = "label"
    METRIC = "metric"
    NUMBER = "number"
    OPERATOR = "operator"
    PUNCTUATION = "punctuation"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text, [start, end) in characters, and what it is."""

    start: int
    end: int
    kind: Kind
