"""From the text of a template to tokens.

Text between actions is one token each; inside an action white space separates operands and is a
token as well. The first mistake ends the list with an ERROR token.
"""

from __future__ import annotations

from typing import Final

from termprom.rules.templates.quoting import code_point, go_quote
from termprom.rules.templates.tokens import KEYWORDS, Kind, Token

_LEFT: Final = "{{"
_RIGHT: Final = "}}"
_SPACES: Final = " \t\r\n"
_DIGITS: Final = "0123456789_"
_SINGLE: Final = {"=": Kind.ASSIGN, "|": Kind.PIPE}


class _Mistake(Exception):
    pass


def tokenize(text: str) -> list[Token]:
    """All tokens; the last one is EOF or ERROR."""
    lexer = _Lexer(text)
    try:
        lexer.run()
    except _Mistake as mistake:
        lexer.add(Kind.ERROR, str(mistake))
    return lexer.tokens


class _Lexer:
    def __init__(self, text: str) -> None:
        self.tokens: list[Token] = []
        self._text = text
        self._start = 0  # of the token that is being read
        self._at = 0
        self._line = 1  # where the token begins
        self._depth = 0

    def add(self, kind: Kind, text: str | None = None) -> None:
        word = self._text[self._start : self._at]
        self.tokens.append(Token(kind, self._start, word if text is None else text, self._line))
        self._skip()

    def _skip(self) -> None:
        self._line += self._text.count("\n", self._start, self._at)
        self._start = self._at

    def _peek(self, ahead: int = 0) -> str:
        """The character there, or nothing at the end."""
        at = self._at + ahead
        return self._text[at : at + 1]

    # --- Outside actions ----------------------------------------------------------------------

    def run(self) -> None:
        while True:
            found = self._text.find(_LEFT, self._at)
            self._at = len(self._text) if found < 0 else found
            if found >= 0 and self._trims_left(found + len(_LEFT)):
                self._at = self._start + len(self._text[self._start : found].rstrip(_SPACES))
            if self._at > self._start:
                self.add(Kind.TEXT)
            if found < 0:
                self.add(Kind.EOF)
                return
            self._at = found
            self._skip()
            self._left()

    def _trims_left(self, at: int) -> bool:
        return self._text[at : at + 1] == "-" and self._text[at + 1 : at + 2] in set(_SPACES)

    def _left(self) -> None:
        after = self._at + len(_LEFT)
        inside = after + 2 if self._trims_left(after) else after
        if self._text.startswith("/*", inside):
            self._at = inside
            self._skip()
            self._comment()
            return
        self._at = after
        self.add(Kind.LEFT)
        self._at = inside
        self._skip()
        self._depth = 0
        while not self._inside():
            pass

    def _comment(self) -> None:
        end = self._text.find("*/", self._at + 2)
        if end < 0:
            raise _Mistake("unclosed comment")
        self._at = end + 2
        trims = self._at_right()
        if trims is None:
            raise _Mistake("comment ends before closing delimiter")
        self._close(trims)
        self._skip()

    def _at_right(self) -> bool | None:
        """Whether the closing delimiter that is here trims; None when there is none."""
        if self._text.startswith(_RIGHT, self._at):
            return False
        if self._peek() in set(_SPACES) and self._text.startswith("-" + _RIGHT, self._at + 1):
            return True
        return None

    def _close(self, trims: bool) -> None:
        """Pass the closing delimiter and what it trims."""
        self._at += len(_RIGHT) + (2 if trims else 0)
        while trims and self._peek() in set(_SPACES):
            self._at += 1

    # --- Inside an action ---------------------------------------------------------------------

    def _inside(self) -> bool:
        """Read one token; True when it closed the action."""
        trims = self._at_right()
        if trims is not None:
            if self._depth:
                raise _Mistake("unclosed left paren")
            if trims:
                self._at += 2
                self._skip()
            self._at += len(_RIGHT)
            self.add(Kind.RIGHT)
            while trims and self._peek() in set(_SPACES):
                self._at += 1
            self._skip()
            return True
        char = self._peek()
        if not char:
            raise _Mistake("unclosed action")
        if char in _SPACES:
            self._space()
        elif char == ":":
            self._at += 1
            if self._peek() != "=":
                self._at += 1
                raise _Mistake("expected :=")
            self._at += 1
            self.add(Kind.DECLARE)
        elif char in _SINGLE:
            self._at += 1
            self.add(_SINGLE[char])
        elif char in "\"'":
            self._quoted(char)
        elif char == "`":
            self._raw()
        elif char == "$":
            self._at += 1
            self._name(Kind.VARIABLE, Kind.VARIABLE)
        elif char == "." and self._peek(1) and not "0" <= self._peek(1) <= "9":
            self._at += 1
            self._name(Kind.FIELD, Kind.DOT)
        elif char in ".+-" or "0" <= char <= "9":
            self._number()
        elif _is_alphanumeric(char):
            self._identifier()
        elif char in "()":
            self._parenthesis(char)
        elif char.isascii() and char.isprintable():
            self._at += 1
            self.add(Kind.CHAR)
        else:
            raise _Mistake(f"unrecognized character in action: {code_point(char)}")
        return False

    def _space(self) -> None:
        while self._peek() and self._peek() in _SPACES:
            # The last space may belong to a trimming delimiter.
            if self._at_right():
                break
            self._at += 1
        if self._at > self._start:
            self.add(Kind.SPACE)

    def _parenthesis(self, char: str) -> None:
        self._depth += 1 if char == "(" else -1
        self._at += 1
        if self._depth < 0:
            raise _Mistake("unexpected right paren")
        self.add(Kind.LEFT_PAREN if char == "(" else Kind.RIGHT_PAREN)

    def _quoted(self, mark: str) -> None:
        what = "quoted string" if mark == '"' else "character constant"
        self._at += 1
        while self._peek() != mark:
            if self._peek() == "\\":
                self._at += 1
            if self._peek() in ("", "\n"):
                raise _Mistake(f"unterminated {what}")
            self._at += 1
        self._at += 1
        self.add(Kind.STRING if mark == '"' else Kind.CHAR_CONSTANT)

    def _raw(self) -> None:
        end = self._text.find("`", self._at + 1)
        if end < 0:
            raise _Mistake("unterminated raw quoted string")
        self._at = end + 1
        self.add(Kind.RAW_STRING)

    # --- Names --------------------------------------------------------------------------------

    def _name(self, kind: Kind, bare: Kind) -> None:
        """What follows a dot or a dollar sign; `bare` when nothing does."""
        if self._ends_word():
            self.add(bare)
            return
        self._word()
        self.add(kind)

    def _identifier(self) -> None:
        self._word()
        word = self._text[self._start : self._at]
        if word in KEYWORDS:
            self.add(KEYWORDS[word])
        elif word in ("true", "false"):
            self.add(Kind.BOOL)
        else:
            self.add(Kind.IDENTIFIER)

    def _word(self) -> None:
        while self._peek() and _is_alphanumeric(self._peek()):
            self._at += 1
        if not self._ends_word():
            raise _Mistake(f"bad character {code_point(self._peek())}")

    def _ends_word(self) -> bool:
        char = self._peek()
        return char in " \t\r\n.,|:)(" or self._text.startswith(_RIGHT, self._at)

    # --- Numbers ------------------------------------------------------------------------------

    def _number(self) -> None:
        if not self._scan_number():
            self._bad_number()
        if self._peek() and self._peek() in "+-":
            if not self._scan_number() or self._text[self._at - 1] != "i":
                self._bad_number()
            self.add(Kind.COMPLEX)
        else:
            self.add(Kind.NUMBER)

    def _bad_number(self) -> None:
        word = self._text[self._start : self._at]
        raise _Mistake(f"bad number syntax: {go_quote(word)}")

    def _scan_number(self) -> bool:
        self._accept("+-")
        digits, exponent = _DIGITS, "eE"
        if self._accept("0"):
            if self._accept("xX"):
                digits, exponent = _DIGITS + "abcdefABCDEF", "pP"
            elif self._accept("oO"):
                digits, exponent = "01234567_", ""
            elif self._accept("bB"):
                digits, exponent = "01_", ""
        self._accept_run(digits)
        if self._accept("."):
            self._accept_run(digits)
        if exponent and self._accept(exponent):
            self._accept("+-")
            self._accept_run(_DIGITS)
        self._accept("i")
        if self._peek() and _is_alphanumeric(self._peek()):
            self._at += 1
            return False
        return True

    def _accept(self, chars: str) -> bool:
        char = self._peek()
        if char and char in chars:
            self._at += 1
            return True
        return False

    def _accept_run(self, chars: str) -> None:
        while self._accept(chars):
            pass


def _is_alphanumeric(char: str) -> bool:
    """Unicode letters and decimal digits, and the underscore."""
    return char == "_" or char.isalpha() or char.isdecimal()
