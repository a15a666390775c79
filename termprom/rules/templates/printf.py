"""printf: Go's format directives. A verb that does not fit prints as a complaint, never fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from termprom.model.histogram import FloatHistogram
from termprom.rules.templates.numbers import general, shortest, special
from termprom.rules.templates.quoting import code_point, go_quote
from termprom.rules.templates.show import show
from termprom.rules.templates.times import GoDuration, GoTime
from termprom.rules.templates.values import (
    AnyMap,
    Sample,
    SampleList,
    StringMap,
    Value,
    is_absent,
    is_int,
    type_name,
)

_NUMBER_MAX: Final = 1_000_000  # a larger width or precision is none
_TEXT_VERBS: Final = frozenset("vsxXq")
_BASES: Final = {"d": "d", "v": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_PREFIXES: Final = {"b": "0b", "o": "0", "O": "0o", "x": "0x", "X": "0X"}


@dataclass(slots=True)
class _Directive:
    """What stands between the percent sign and the verb."""

    flags: str = ""
    width: int | None = None
    precision: int | None = None

    def pad(self, text: str, *, zeros: bool = True) -> str:
        missing = (self.width or 0) - len(text)
        if missing <= 0:
            return text
        if "-" in self.flags:
            return text + " " * missing
        return ("0" if zeros and "0" in self.flags else " ") * missing + text


def sprintf(template: str, values: Sequence[Value]) -> str:
    """`template` with its directives filled in from `values`."""
    return _Printf(template, values).run()


class _Printf:
    def __init__(self, template: str, values: Sequence[Value]) -> None:
        self._text = template
        self._values = values
        self._at = 0
        self._next = 0  # the value that the next verb takes
        self._reordered = False
        self._index_ok = True

    def run(self) -> str:
        parts: list[str] = []
        while self._at < len(self._text):
            percent = self._text.find("%", self._at)
            if percent < 0:
                parts.append(self._text[self._at :])
                break
            parts.append(self._text[self._at : percent])
            self._at = percent + 1
            parts.append(self._directive())
        if not self._reordered and self._next < len(self._values):
            rest = ", ".join(_described(value) for value in self._values[self._next :])
            parts.append(f"%!(EXTRA {rest})")
        return "".join(parts)

    def _directive(self) -> str:
        self._index_ok = True
        directive = _Directive()
        while self._char() in ("#", "0", "+", "-", " "):
            directive.flags += self._char()
            self._at += 1
        complaints = ""
        indexed = self._index()
        if self._char() == "*":
            width = self._from_value()
            if width is None:
                complaints += "%!(BADWIDTH)"
            elif width < 0:
                directive.flags += "-"
            directive.width = width if width is None else abs(width)
            indexed = False
        else:
            directive.width = self._number()
            if indexed and directive.width is not None:
                self._index_ok = False
        if self._char() == ".":
            self._at += 1
            if indexed:
                self._index_ok = False
            indexed = self._index()
            if self._char() == "*":
                precision = self._from_value()
                if precision is None or precision < 0:
                    complaints += "%!(BADPREC)"
                    precision = None
                directive.precision = precision
                indexed = False
            else:
                directive.precision = self._number() or 0
        if not indexed:
            self._index()
        return complaints + self._verb(directive)

    def _verb(self, directive: _Directive) -> str:
        verb = self._char()
        if not verb:
            return "%!(NOVERB)"
        self._at += 1
        if verb == "%":
            return "%"
        if not self._index_ok:
            return f"%!{verb}(BADINDEX)"
        if self._next >= len(self._values):
            return f"%!{verb}(MISSING)"
        value = self._values[self._next]
        self._next += 1
        return _formatted(value, verb, directive)

    def _char(self) -> str:
        return self._text[self._at : self._at + 1]

    def _number(self) -> int | None:
        start = self._at
        while self._char() and self._char() in "0123456789":
            self._at += 1
        digits = self._text[start : self._at]
        if not digits:
            return None
        if len(digits) > 9 or int(digits) > _NUMBER_MAX:
            self._at = len(self._text)  # the original gives up on the rest as well
            return None
        return int(digits)

    def _from_value(self) -> int | None:
        """The width or precision that `*` takes from a value."""
        self._at += 1
        if self._next >= len(self._values):
            return None
        value = self._values[self._next]
        self._next += 1
        return int(value) if is_int(value) and abs(value) <= _NUMBER_MAX else None

    def _index(self) -> bool:
        """Reads `[2]`; whether there was a usable one."""
        if self._char() != "[":
            return False
        self._reordered = True
        end = self._text.find("]", self._at)
        if end < 0:
            self._at += 1
            self._index_ok = False
            return False
        digits = self._text[self._at + 1 : end]
        self._at = end + 1
        is_number = digits.isascii() and digits.isdigit() and len(digits) <= 7
        if is_number and 1 <= int(digits) <= len(self._values):
            self._next = int(digits) - 1
            return True
        self._index_ok = False
        return is_number


def _described(value: Value) -> str:
    return "<nil>" if is_absent(value) else f"{type_name(value)}={show(value)}"


def _bad(value: Value, verb: str) -> str:
    return f"%!{verb}({_described(value)})"


def _formatted(value: Value, verb: str, directive: _Directive) -> str:
    if verb == "v":
        # To %v these two mean more detail, not a sign or a prefix.
        if "#" in directive.flags and isinstance(value, str):
            return directive.pad(go_quote(value))
        directive.flags = directive.flags.replace("+", "").replace("#", "")
    if is_absent(value):
        return directive.pad("<nil>") if verb in "vT" else _bad(value, verb)
    if verb == "T":
        return directive.pad(type_name(value))
    match value:
        case bool():
            word = "true" if value else "false"
            return directive.pad(word) if verb in "tv" else _bad(value, verb)
        case float():
            return _float(value, verb, directive)
        case str():
            return _string(value, verb, directive)
        case StringMap() | AnyMap():
            entries = (
                f"{_formatted(name, verb, directive)}:{_formatted(value[name], verb, directive)}"
                for name in sorted(value)
            )
            return f"map[{' '.join(entries)}]"
        case Sample() if verb in _TEXT_VERBS:
            labels = _formatted(value.labels, verb, directive)
            return f"&{{{labels} {_formatted(value.value, verb, directive)}}}"
        case SampleList() if verb in "vs":
            return show(value)
        case _ if type(value) is int or (is_int(value) and verb not in _TEXT_VERBS):
            return _integer(int(value), verb, directive, value)
        case GoDuration(pointer=False) if verb not in _TEXT_VERBS:
            return _integer(value.ns, verb, directive, value)
        case GoTime() | GoDuration() | FloatHistogram() if verb in _TEXT_VERBS:
            return _string(show(value), verb, directive)
        case _ if is_int(value):
            return _string(show(value), verb, directive)
        case _:
            return directive.pad(show(value)) if verb == "v" else _bad(value, verb)


# --- Kinds ------------------------------------------------------------------------------------


def _string(text: str, verb: str, directive: _Directive) -> str:
    if verb not in _TEXT_VERBS:
        return _bad(text, verb)
    if verb in "xX":
        raw = text.encode(errors="surrogateescape")[: directive.precision]
        spaced = " " in directive.flags
        prefix = f"0{verb}" if "#" in directive.flags and raw else ""
        digits = raw.hex(" ").replace(" ", f" {prefix}" if spaced else "")
        digits = digits if verb == "x" else digits.upper().replace("0X", prefix)
        return directive.pad(prefix + digits)
    if directive.precision is not None:
        text = text[: directive.precision]
    if verb == "q":
        if "#" in directive.flags and "`" not in text and text.isprintable():
            return directive.pad(f"`{text}`")
        return directive.pad(go_quote(text, ascii_only="+" in directive.flags))
    return directive.pad(text)


def _integer(value: int, verb: str, directive: _Directive, origin: Value) -> str:
    if verb in "cqU":
        char = chr(value) if 0 <= value <= 0x10FFFF and not 0xD800 <= value < 0xE000 else "\ufffd"
        if verb == "c":
            return directive.pad(char)
        if verb == "q":
            return directive.pad(go_quote(char, "'", ascii_only="+" in directive.flags))
        plain = f"U+{value:04X}" if value >= 0 else f"U+{value % 2**64:X}"
        return directive.pad(code_point(char) if "#" in directive.flags else plain)
    if verb not in _BASES:
        return _bad(origin, verb)
    sign = "-" if value < 0 else "+" if "+" in directive.flags else ""
    sign = sign or (" " if " " in directive.flags else "")
    digits = format(abs(value), _BASES[verb])
    prefix = _PREFIXES.get(verb, "") if "#" in directive.flags or verb == "O" else ""
    if directive.precision is not None:
        digits = "" if directive.precision == 0 == value else digits.zfill(directive.precision)
        return directive.pad(sign + prefix + digits if digits else "", zeros=False)
    if "0" in directive.flags and "-" not in directive.flags and directive.width is not None:
        digits = digits.zfill(directive.width - len(sign))
    return directive.pad(sign + prefix + digits, zeros=False)


def _float(value: float, verb: str, directive: _Directive) -> str:
    text = _float_text(value, verb, directive.precision)
    if text is None:
        return _bad(value, verb)
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    is_special = bool(special(value))
    if sign != "-":
        # An infinity has its plus sign anyway; the others only on request.
        sign = "+" if "+" in directive.flags or sign else ""
        sign = " " if " " in directive.flags and "+" not in directive.flags else sign
    if is_special or "0" not in directive.flags or "-" in directive.flags:
        return directive.pad(sign + digits, zeros=False)
    return sign + digits.zfill((directive.width or 0) - len(sign))


def _float_text(value: float, verb: str, precision: int | None) -> str | None:
    if verb not in "vgGeEfFxX":
        return None
    if special(value):
        return special(value)
    match verb:
        case "v" | "g" | "G":
            text = shortest(value) if precision is None else general(value, precision or 1)
        case "e" | "E":
            text = f"{value:.{6 if precision is None else precision}e}"
        case "f" | "F":
            return f"{value:.{6 if precision is None else precision}f}"
        case _:
            text = _hexadecimal(value)
    return text.upper() if verb in "GEX" else text


def _hexadecimal(value: float) -> str:
    """Go's hexadecimal float: no trailing zeros, two digits of exponent at least."""
    mantissa, _, exponent = value.hex().partition("p")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}p{exponent[0]}{int(exponent[1:]):02d}"
