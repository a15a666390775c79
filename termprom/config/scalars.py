"""Readers of single values: how a YAML scalar becomes a value of the field's type.

The rules are the target type's, not YAML's: a boolean must be an unquoted word, text takes the
literal source of any scalar, unsigned numbers take their fraction cut off. Null is the zero value.
"""

from __future__ import annotations

import math
from urllib.parse import urlsplit

from termprom.config.fields import Document, Reader, describe, literal_text
from termprom.config.schema import NO_SECRET, Secret
from termprom.config.sizes import parse_size
from termprom.config.yaml_tree import Node, ScalarNode
from termprom.model.durations import parse_duration


def _scalar(node: Node, document: Document, go_type: str) -> ScalarNode | None:
    """The node if it is a scalar other than null; anything else but null is noted."""
    if isinstance(node, ScalarNode):
        return None if node.is_null else node
    document.note(node, f"cannot unmarshal {describe(node)} into {go_type}")
    return None


def _text_of(node: Node, document: Document, go_type: str) -> str:
    leaf = _scalar(node, document, go_type)
    return "" if leaf is None else literal_text(leaf, document)


def text(node: Node, document: Document) -> str:
    return _text_of(node, document, "string")


def text_as(go_type: str) -> Reader:
    """Text whose messages name another type of the original's."""

    def read(node: Node, document: Document) -> str:
        return _text_of(node, document, go_type)

    return read


def secret(node: Node, document: Document) -> Secret:
    value = text(node, document)
    return Secret(value) if value else NO_SECRET


def file_path(node: Node, document: Document) -> str:
    """A path, joined with the folder of the file that names it."""
    return document.join(text(node, document))


def boolean(node: Node, document: Document) -> bool:
    leaf = _scalar(node, document, "bool")
    if leaf is None:
        return False
    if leaf.tag != "bool":
        document.note(node, f"cannot unmarshal {describe(node)} into bool")
        return False
    return leaf.truth


def _number(leaf: ScalarNode) -> float | int | None:
    """The value of an int or float scalar; None for anything else."""
    plain = leaf.text.replace("_", "")
    if leaf.tag == "int":
        return parse_int(plain)
    if leaf.tag == "float":
        return float(plain.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return None


def parse_int(plain: str) -> int:
    """An integer in YAML 1.1's bases: 0x, 0b, 0o, a leading 0 for octal, decimal."""
    digits = plain.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits.isdigit():
        value = int(digits, 8) if set(digits) <= set("01234567") else int(digits)
    else:
        value = int(digits, 0)
    return -value if plain.startswith("-") else value


def _integer(go_type: str, low: int, high: int) -> Reader:
    def read(node: Node, document: Document) -> int:
        leaf = _scalar(node, document, go_type)
        if leaf is None:
            return 0
        number = _number(leaf)
        if number is None or not math.isfinite(number) or not low <= int(number) <= high:
            shown = describe(node)
            if number is not None and abs(number) >= 2**64:
                # What no integer type holds is a float to the original's reader.
                shown = shown.replace("!!int", "!!float", 1)
            document.note(node, f"cannot unmarshal {shown} into {go_type}")
            return 0
        return int(number)

    return read


unsigned = _integer("uint", 0, 2**64 - 1)
unsigned64 = _integer("uint64", 0, 2**64 - 1)
integer = _integer("int", -(2**63), 2**63 - 1)
integer64 = _integer("int64", -(2**63), 2**63 - 1)


def floating(node: Node, document: Document) -> float:
    leaf = _scalar(node, document, "float64")
    if leaf is None:
        return 0.0
    number = _number(leaf)
    if number is None:
        document.note(node, f"cannot unmarshal {describe(node)} into float64")
        return 0.0
    return float(number)


def duration(node: Node, document: Document) -> int:
    """Milliseconds; null is 0, which most fields take for "not set"."""
    leaf = _scalar(node, document, "string")
    if leaf is None:
        return 0
    try:
        return parse_duration(leaf.text)
    except ValueError as problem:
        document.note(node, str(problem))
        return 0


def size(node: Node, document: Document) -> int:
    leaf = _scalar(node, document, "string")
    if leaf is None:
        return 0
    try:
        return parse_size(leaf.text)
    except ValueError as problem:
        document.note(node, str(problem))
        return 0


def url(node: Node, document: Document) -> str:
    """An absolute or relative URL in its own text; empty stays empty."""
    value = text(node, document)
    reason = url_problem(value)
    if reason:
        document.fail(node, f'parse "{value}": {reason}')
    return value


def url_problem(value: str) -> str:
    """Why `value` is not a URL, in the original's words; empty when it is one."""
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in value):
        return "net/url: invalid control character in URL"
    if value.startswith(":"):
        return "missing protocol scheme"
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as problem:
        return f"invalid URL: {problem}"
    if " " in parts.netloc:
        return 'invalid character " " in host name'
    return ""
