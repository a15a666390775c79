"""Number and character literals: everything that one could be."""

from __future__ import annotations

import math

from termprom.rules.templates.nodes import Number
from termprom.rules.templates.numbers import as_int64, as_uint64, parse_float_literal, parse_int
from termprom.rules.templates.quoting import go_quote, unquote_char
from termprom.rules.templates.tokens import Kind, Token


def number(token: Token) -> Number:
    """Raises ValueError in the original's words."""
    text = token.text
    if token.kind is Kind.CHAR_CONSTANT:
        return _character(token)
    if token.kind is Kind.COMPLEX:
        return _complex(token)
    if text.endswith("i"):
        part = parse_float_literal(text[:-1])
        if part is not None and math.isfinite(part):
            return _simplified(token, complex(0.0, part))
    value = parse_int(text)
    as_int, as_uint = as_int64(value), as_uint64(text, value)
    if as_int is not None or as_uint is not None:
        whole = as_int if as_int is not None else as_uint
        assert whole is not None
        return Number(token.position, text, as_int, as_uint, float(whole))
    as_float = parse_float_literal(text)
    if as_float is not None and math.isfinite(as_float):
        if not set(text) & set(".eEpP"):
            raise ValueError(f"integer overflow: {go_quote(text)}")
        integral = int(as_float) if as_float.is_integer() else None
        as_uint = integral if integral is not None and 0 <= integral < 2**64 else None
        return Number(token.position, text, as_int64(integral), as_uint, as_float)
    raise ValueError(f"illegal number syntax: {go_quote(text)}")


def _character(token: Token) -> Number:
    text = token.text
    if len(text) < 3:
        raise ValueError("invalid syntax")
    raw, after = unquote_char(text, 1, "'")
    if text[after:] != "'":
        raise ValueError(f"malformed character constant: {text}")
    code = raw[0] if isinstance(raw, bytes) else ord(raw)
    return Number(token.position, text, code, code, float(code))


def _complex(token: Token) -> Number:
    text = token.text
    split = max(text.rfind("+"), text.rfind("-"))
    if text[split - 1] in "eEpP":
        split = max(text.rfind("+", 0, split), text.rfind("-", 0, split))
    real, imaginary = parse_float_literal(text[:split]), parse_float_literal(text[split:-1])
    if real is None or imaginary is None:
        raise ValueError("syntax error scanning complex number")
    return _simplified(token, complex(real, imaginary))


def _simplified(token: Token, value: complex) -> Number:
    """A complex literal without an imaginary part is an ordinary number as well."""
    if value.imag != 0:
        return Number(token.position, token.text, as_complex=value)
    integral = int(value.real) if value.real.is_integer() else None
    as_uint = integral if integral is not None and 0 <= integral < 2**64 else None
    return Number(token.position, token.text, as_int64(integral), as_uint, value.real, value)
