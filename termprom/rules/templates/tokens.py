"""The words of the template language: what the lexer hands to the parser."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from termprom.rules.templates.quoting import go_quote


class Kind(Enum):
    ERROR = auto()
    EOF = auto()
    TEXT = auto()
    LEFT = auto()  # {{
    RIGHT = auto()  # }}
    SPACE = auto()
    BOOL = auto()
    CHAR = auto()  # a printable character with no meaning of its own
    CHAR_CONSTANT = auto()
    NUMBER = auto()
    COMPLEX = auto()
    STRING = auto()
    RAW_STRING = auto()
    ASSIGN = auto()
    DECLARE = auto()
    PIPE = auto()
    LEFT_PAREN = auto()
    RIGHT_PAREN = auto()
    FIELD = auto()
    IDENTIFIER = auto()
    VARIABLE = auto()
    # Keywords, and the dot, which the original counts among them.
    DOT = auto()
    BLOCK = auto()
    BREAK = auto()
    CONTINUE = auto()
    DEFINE = auto()
    ELSE = auto()
    END = auto()
    IF = auto()
    NIL = auto()
    RANGE = auto()
    TEMPLATE = auto()
    WITH = auto()


KEYWORDS: Final = {
    kind.name.lower(): kind
    for kind in (
        Kind.BLOCK,
        Kind.BREAK,
        Kind.CONTINUE,
        Kind.DEFINE,
        Kind.ELSE,
        Kind.END,
        Kind.IF,
        Kind.NIL,
        Kind.RANGE,
        Kind.TEMPLATE,
        Kind.WITH,
    )
}
_NAMED: Final = frozenset((*KEYWORDS.values(), Kind.DOT))


@dataclass(frozen=True, slots=True)
class Token:
    """`position` counts characters from 0, `line` from 1; `text` of an error is its message."""

    kind: Kind
    position: int
    text: str
    line: int

    def __str__(self) -> str:
        """As `unexpected ...` shows it."""
        if self.kind is Kind.EOF:
            return "EOF"
        if self.kind is Kind.ERROR:
            return self.text
        if self.kind in _NAMED:
            return f"<{self.text}>"
        if len(self.text.encode(errors="surrogateescape")) > 10:
            return go_quote(self.text[:10]) + "..."
        return go_quote(self.text)
