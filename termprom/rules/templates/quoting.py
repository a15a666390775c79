"""Go's quoted strings and characters, written and read."""

from __future__ import annotations

import unicodedata
from typing import Final

_SIMPLE: Final = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
}
_ESCAPES: Final = {text[1]: raw for raw, text in _SIMPLE.items()}


def is_print(char: str) -> bool:
    """Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols, and the plain space."""
    return char == " " or unicodedata.category(char)[0] in "LMNPS"


def go_quote(text: str, mark: str = '"', *, ascii_only: bool = False) -> str:
    """`text` between `mark`s, as %q prints it; lone surrogates stand for broken bytes."""
    return mark + "".join(_quoted(char, mark, ascii_only) for char in text) + mark


def _quoted(char: str, mark: str, ascii_only: bool) -> str:
    code = ord(char)
    if char == mark or char == "\\":
        return "\\" + char
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8 (surrogateescape)
        return f"\\x{code - 0xDC00:02x}"
    if is_print(char) and (code < 0x80 or not ascii_only):
        return char
    if char in _SIMPLE:
        return _SIMPLE[char]
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def unquote(literal: str) -> str:
    """The string that a Go literal (quoted or raw) stands for. Raises ValueError."""
    inside = literal[1:-1]
    if literal[0] == "`":
        return inside.replace("\r", "")
    parts: list[bytes] = []
    at = 0
    while at < len(inside):
        raw, at = unquote_char(inside, at, literal[0])
        parts.append(raw if isinstance(raw, bytes) else raw.encode(errors="surrogateescape"))
    return b"".join(parts).decode(errors="surrogateescape")


def unquote_char(text: str, at: int, mark: str) -> tuple[str | bytes, int]:
    """One character, or one byte, of a literal's inside and where the next one begins.

    Raises ValueError in the original's words.
    """
    problem = ValueError("invalid syntax")
    char = text[at]
    if char == mark:
        raise problem
    if char != "\\":
        return char, at + 1
    if at + 1 >= len(text):
        raise problem
    escape = text[at + 1]
    at += 2
    if escape in _ESCAPES:
        return _ESCAPES[escape], at
    if escape in "'\"":
        if escape != mark:
            raise problem
        return escape, at
    if escape in "01234567":
        digits = text[at - 1 : at + 2]
        if len(digits) < 3 or any(one not in "01234567" for one in digits):
            raise problem
        code = int(digits, 8)
        if code > 255:
            raise problem
        return bytes([code]), at + 2
    if escape in "xuU":
        length = {"x": 2, "u": 4, "U": 8}[escape]
        digits = text[at : at + length]
        if len(digits) < length or any(one not in "0123456789abcdefABCDEF" for one in digits):
            raise problem
        code = int(digits, 16)
        if escape == "x":
            return bytes([code]), at + length
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise problem
        return chr(code), at + length
    raise problem


def code_point(char: str) -> str:
    """`U+0022 '"'`, as %#U prints a character; without the picture when it has none."""
    picture = f" '{char}'" if is_print(char) else ""
    return f"U+{ord(char):04X}{picture}"
