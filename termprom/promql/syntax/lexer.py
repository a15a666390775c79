"""From text to tokens, with the original's rules of what a character means where.

There are three places with rules of their own: outside of everything, inside `{...}`, and inside
`[...]` before its first number. What cannot be read becomes one last token of type ERROR whose text
is the message, so that a syntax error before it is still reported first.
Source: reference 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from termprom.promql.syntax.scanning import (
    BROKEN,
    mistake_in_string,
    scan_duration,
    scan_number,
)
from termprom.promql.syntax.tokens import (
    DURATION_WORDS,
    END,
    ERROR,
    KEYWORDS,
    SYMBOLS,
    Token,
    go_quote,
    go_quote_char,
)

_BLANK: Final = re.compile(r"(?:[ \t\r\n]+|#[^\r\n]*)*")
_SPACES: Final = re.compile(r"[ \t\r\n]*")
_WORD: Final = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_LABEL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# One string literal that is right; whatever does not match is looked at again for its mistake.
_STRING: Final = re.compile(
    r'"(?:[^"\\\n\ufffd\ud800-\udfff]|\\(?:[abfnrtv\\"]|[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}'
    r"|U[0-9a-fA-F]{8}))*\""
    r"|'(?:[^'\\\n\ufffd\ud800-\udfff]|\\(?:[abfnrtv\\']|[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}"
    r"|U[0-9a-fA-F]{8}))*'"
)
_RAW_STRING: Final = re.compile(r"`[^`\ufffd\ud800-\udfff]*`")
_OPERATORS: Final = re.compile(r"==|!=|<=|</|<|>=|>/|>|[-+*/%^=@,]")
_MATCH_OPERATORS: Final = re.compile(r"=~|!~|!=|=")


class LexError(Exception):
    """Text that is no token; `start` is where it begins, in characters."""

    def __init__(self, message: str, start: int) -> None:
        super().__init__(message)
        self.message = message
        self.start = start


def tokenize(source: str) -> list[Token]:
    """All tokens with byte offsets, the last one of type END or ERROR."""
    lexer = Lexer(source)
    failure: tuple[str, int] | None = None
    try:
        lexer.run()
    except LexError as problem:
        failure = problem.message, problem.start
    tokens = lexer.tokens
    if failure is None:
        tokens.append(Token(END, "", len(source), len(source)))
    else:
        tokens.append(Token(ERROR, failure[0], failure[1], len(source)))
    if source.isascii():
        return tokens
    return _in_bytes(tokens, source)


def _in_bytes(tokens: list[Token], source: str) -> list[Token]:
    """Tokens whose offsets count bytes in place of characters."""
    offsets = [0]
    for char in source:
        offsets.append(offsets[-1] + len(char.encode(errors="surrogatepass")))
    return [Token(one.type, one.text, offsets[one.start], offsets[one.end]) for one in tokens]


class Lexer:
    """One pass over a source; `tokens` holds what was read so far, offsets in characters."""

    def __init__(self, source: str) -> None:
        self.tokens: list[Token] = []
        self._source = source
        self._at = 0
        self._paren_depth = 0
        self._brace_open = False
        self._bracket_open = False
        self._got_colon = False
        self._got_number = False
        self._state: Callable[[], bool] = self._statement

    def __repr__(self) -> str:
        return f"Lexer({len(self.tokens)} tokens, at {self._at})"

    def run(self) -> None:
        """Read everything. Raises LexError."""
        while self._state():
            pass

    def _emit(self, kind: str, end: int) -> None:
        self.tokens.append(Token(kind, self._source[self._at : end], self._at, end))
        self._at = end

    def _fail(self, message: str, start: int | None = None) -> LexError:
        return LexError(message, self._at if start is None else start)

    # --- Outside of braces --------------------------------------------------------------------

    def _statement(self) -> bool:
        source = self._source
        self._at = _BLANK.match(source, self._at).end()  # type: ignore[union-attr] # may be empty
        at = self._at
        if at == len(source):
            if self._paren_depth:
                raise self._fail("unclosed left parenthesis")
            if self._bracket_open:
                raise self._fail("unclosed left bracket")
            return False
        char = source[at]
        if (found := _WORD.match(source, at)) is not None:
            self._word(found.end())
        elif (char.isascii() and char.isdigit()) or (char == "." and self._digit_at(at + 1)):
            self._number()
        elif char in "()[]{":
            self._bracket(char)
        elif char in "\"'`":
            self._string()
        elif (found := _OPERATORS.match(source, at)) is not None:
            if char == "=" and source.startswith("~", at + 1):
                raise self._fail("unexpected character after '=': '~'")
            self._emit(SYMBOLS[found[0]], found.end())
        elif char == "!":
            raise self._fail(f"unexpected character after '!': {self._char_at(at + 1)}")
        else:
            raise self._fail(f"unexpected character: {self._char_at(at)}")
        return True

    def _char_at(self, at: int) -> str:
        """A character for a message; the original reads the end as -1, which prints as U+FFFD."""
        return go_quote_char(self._source[at]) if at < len(self._source) else "'\ufffd'"

    def _digit_at(self, at: int) -> bool:
        return at < len(self._source) and self._source[at] in "0123456789"

    def _word(self, end: int) -> None:
        if self._bracket_open:
            self._bracket_word()
            return
        text = self._source[self._at : end]
        kind = KEYWORDS.get(text.lower())
        if kind is None:
            kind = "METRIC_IDENTIFIER" if ":" in text else "IDENTIFIER"
        elif kind.startswith("FILL"):
            after = _SPACES.match(self._source, end).end()  # type: ignore[union-attr] # as above
            if not self._source.startswith("(", after):
                kind = "IDENTIFIER"
        self._emit(kind, end)

    def _bracket_word(self) -> None:
        """A colon or a word of durations, after the first number inside brackets."""
        at = self._at
        if self._source[at] == ":":
            if self._got_colon:
                raise self._fail("unexpected colon ':'")
            self._emit("COLON", at + 1)
            self._got_colon = True
        elif not self._duration_word():
            raise self._fail(f"unexpected character: {self._char_at(at)}, expected ':'")

    def _duration_word(self) -> bool:
        found = _LABEL.match(self._source, self._at)
        if found is None or found[0].lower() not in DURATION_WORDS:
            return False
        self._emit(found[0].upper(), found.end())
        return True

    def _bracket(self, char: str) -> None:
        at = self._at
        if char == "]" and not self._bracket_open:
            raise self._fail("unexpected right bracket ']'")
        if char == "[" and self._bracket_open:
            raise self._fail("unexpected left bracket '['")
        if char == ")" and not self._paren_depth:
            # The original has passed it by when it notices.
            raise self._fail("unexpected right parenthesis ')'", at + 1)
        self._emit(SYMBOLS[char], at + 1)
        match char:
            case "(":
                self._paren_depth += 1
            case ")":
                self._paren_depth -= 1
            case "{":
                self._brace_open = True
                self._state = self._inside_braces
            case "[":
                self._got_colon = False  # A number counts for all brackets behind it, though.
                self._bracket_open = True
                self._state = self._duration
            case _:
                self._bracket_open = False

    # --- Inside brackets, before the first number ---------------------------------------------

    def _duration(self) -> bool:
        source = self._source
        at = self._at = _SPACES.match(source, self._at).end()  # type: ignore[union-attr] # as above
        if at == len(source):
            raise self._fail("unexpected end of input in duration expression")
        char = source[at]
        if char == ":":
            self._duration_colon()
        elif char in "()]":
            self._bracket(char)
            if char == "]":
                self._state = self._statement
        elif char in "+-*/%^,":
            self._emit(SYMBOLS[char], at + 1)
        elif self._digit_at(at) or (char == "." and self._digit_at(at + 1)):
            self._got_number = True
            self._number()
            self._state = self._statement
        elif not self._duration_word():
            message = f"unexpected character in duration expression: {self._char_at(at)}"
            raise self._fail(message)
        return True

    def _duration_colon(self) -> None:
        # The original has passed it by when it notices.
        after = self._at + 1
        if not self._got_number:
            raise self._fail("unexpected colon before duration in duration expression", after)
        if self._got_colon:
            raise self._fail("unexpected repeated colon in duration expression", after)
        self._emit("COLON", after)
        self._got_colon = True

    # --- Inside braces ------------------------------------------------------------------------

    def _inside_braces(self) -> bool:
        source = self._source
        at = self._at = _BLANK.match(source, self._at).end()  # type: ignore[union-attr] # as above
        if at == len(source):
            raise self._fail("unexpected end of input inside braces")
        char = source[at]
        if (found := _LABEL.match(source, at)) is not None:
            self._emit("IDENTIFIER", found.end())
        elif (found := _MATCH_OPERATORS.match(source, at)) is not None:
            self._emit(SYMBOLS[found[0]], found.end())
        elif char in ",}":
            self._emit(SYMBOLS[char], at + 1)
            if char == "}":
                self._brace_open = False
                self._state = self._statement
        elif char in "\"'`":
            self._string()
        elif char == "!":
            shown = self._char_at(at + 1)
            raise self._fail(f"unexpected character after '!' inside braces: {shown}")
        elif char == "{":
            raise self._fail("unexpected left brace '{'")
        else:
            raise self._fail(f"unexpected character inside braces: {self._char_at(at)}")
        return True

    # --- Numbers and strings ------------------------------------------------------------------

    def _number(self) -> None:
        end, is_number = scan_number(self._source, self._at)
        if is_number:
            self._emit("NUMBER", end)
            return
        end, is_duration = scan_duration(self._source, end)
        if not is_duration:
            shown = go_quote(self._source[self._at : end])
            raise self._fail(f"bad number or duration syntax: {shown}")
        self._emit("DURATION", end)

    def _string(self) -> None:
        source, at = self._source, self._at
        if source[at] == "`":
            found = _RAW_STRING.match(source, at)
            if found is None:
                broken = BROKEN.search(source, at)
                raise self._fail("invalid UTF-8 rune" if broken else "unterminated raw string")
        else:
            found = _STRING.match(source, at)
            if found is None or "\\" in found[0]:
                mistake = mistake_in_string(source, at)
                if mistake is not None:
                    raise self._fail(mistake)
        assert found is not None, "a string without a mistake matches"
        self._emit("STRING", found.end())
