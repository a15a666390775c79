"""A matcher as people and amtool write it, read as an Alertmanager does: by two parsers.

The classic one takes everything after the operator as the value; the newer one knows quoted names
and Go's escapes. Where both can read a text and differ, or neither can, the classic one is right.
Source: Alertmanager, matchers/compat/parse.go, pkg/labels/parse.go, matchers/parse.
"""

from __future__ import annotations

import re
from typing import Final

from termprom.model.matchers import Matcher, MatchOp, compile_regex

_CLASSIC: Final = re.compile(
    r"\s*(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?P<op>=~|=|!=|!~)\s*(?P<value>.*?)\s*", re.DOTALL
)
_TOKEN: Final = r""""(?:[^"\\\n]|\\.)*"|[^\s{}!=~,\\"'`]+"""
_NEWER: Final = re.compile(
    rf"\s*(?P<name>{_TOKEN})\s*(?P<op>=~|=|!=|!~)\s*(?P<value>{_TOKEN})\s*,?\s*"
)
_CLASSIC_ESCAPES: Final = {"n": "\n", '"': '"', "\\": "\\"}
_ESCAPE: Final = re.compile(
    rb"\\(?:(?P<one>[abfnrtv\\\"])|x(?P<x>[0-9a-fA-F]{2})|(?P<octal>[0-7]{3})"
    rb"|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})|(?P<wrong>.?))",
    re.DOTALL,
)
_ONE: Final = dict(zip(b'abfnrtv\\"', b'\a\b\f\n\r\t\v\\"', strict=True))


def parse_matcher(text: str) -> Matcher:
    """Exactly one matcher: `a=b`, `a="b c"`, `"odd name"=~x.*`.

    Raises ValueError in Alertmanager's words.
    """
    if text.startswith("{") or text.endswith("}"):
        raise ValueError(f"unexpected open or close brace: {text}")
    try:
        return _classic(text)
    except ValueError as problem:
        try:
            return _newer(text)
        except ValueError:
            raise problem from None


def _classic(text: str) -> Matcher:
    found = _CLASSIC.fullmatch(text)
    if found is None:
        raise ValueError(f"bad matcher format: {text}")
    raw = found["value"]
    inner = raw[1:] if raw.startswith('"') else raw
    if raw.startswith('"') and (len(raw) < 2 or not re.search(r'(?<!\\)(?:\\\\)*"$', inner)):
        raise ValueError(f"matcher value contains unescaped double quote: {raw}")
    inner = inner[:-1] if raw.startswith('"') else inner
    if re.search(r'(?<!\\)(?:\\\\)*"', inner):
        raise ValueError(f"matcher value contains unescaped double quote: {raw}")
    # Any other backslash stands for itself.
    value = re.sub(r'\\([n"\\])', lambda one: _CLASSIC_ESCAPES[one[1]], inner)
    return _matcher(found["name"], found["op"], value)


def _newer(text: str) -> Matcher:
    found = _NEWER.fullmatch(text)
    if found is None:
        raise ValueError(f"bad matcher format: {text}")
    return _matcher(_unquoted(found["name"]), found["op"], _unquoted(found["value"]))


def _matcher(name: str, op: str, value: str) -> Matcher:
    try:
        return Matcher(name, MatchOp(op), value)
    except ValueError:
        # The words are about the expression as it is compiled there, with its anchors.
        compile_regex(f"^(?:{value})$")
        raise


def _unquoted(token: str) -> str:
    """Go's reading of a double-quoted string; other tokens are as they are."""
    if not token.startswith('"'):
        return token
    return _ESCAPE.sub(_escaped, token[1:-1].encode()).decode()


def _escaped(found: re.Match[bytes]) -> bytes:
    if found["wrong"] is not None:
        raise ValueError("invalid input")
    if found["one"]:
        return bytes([_ONE[found["one"][0]]])
    if found["x"] or found["octal"]:
        return bytes([int(found["x"], 16) if found["x"] else int(found["octal"], 8)])
    return chr(int(found["u"] or found["U"], 16)).encode()
