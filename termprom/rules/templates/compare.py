"""eq, ne, lt, le, gt, ge: only values of one kind compare, and an int is no float."""

from __future__ import annotations

from typing import Any, Final

from termprom.rules.templates.failure import FunctionFailure
from termprom.rules.templates.show import show
from termprom.rules.templates.times import GoDuration
from termprom.rules.templates.values import (
    AlertData,
    AnyMap,
    Byte,
    SampleList,
    StringMap,
    Value,
    is_absent,
    type_name,
)

_NOT_ORDERED: Final = ("bool", "complex", "")
_INTEGERS: Final = ("int", "uint")


def _kind(value: Value) -> str:
    """The kind of a basic value; empty for everything else."""
    match value:
        case bool():
            return "bool"
        case Byte():
            return "uint"
        case int():
            return "int"
        case float():
            return "float"
        case str():
            return "string"
        case complex():
            return "complex"
        case GoDuration(pointer=False):
            return "int"
        case _:
            return ""


def _plain(value: Value) -> Any:
    return value.ns if isinstance(value, GoDuration) else value


def _bytes(value: Value) -> Any:
    """Strings compare by their bytes."""
    plain = _plain(value)
    return plain.encode(errors="surrogateescape") if isinstance(plain, str) else plain


def equal(first: Value, *others: Value) -> bool:
    """Whether the first equals any of the others."""
    if not others:
        raise FunctionFailure("missing argument for comparison")
    return any(_equal(first, other) for other in others)


def _equal(first: Value, other: Value) -> bool:
    kinds = _kind(first), _kind(other)
    if kinds[0] != kinds[1]:
        if kinds[0] in _INTEGERS and kinds[1] in _INTEGERS:
            return bool(_plain(first) == _plain(other))
        if is_absent(first) or is_absent(other):
            return False
        raise _incompatible(first, other)
    if kinds[0]:
        return bool(_plain(first) == _plain(other))
    if is_absent(first) or is_absent(other):
        return is_absent(first) and is_absent(other)
    if _shape(first) != _shape(other):
        raise FunctionFailure(
            f"non-comparable types {show(first)}: {type_name(first)}, "
            f"{type_name(other)}: {show(other)}"
        )
    if _shape(other) not in ("pointer", "time.Time"):
        raise FunctionFailure(f"non-comparable type {show(other)}: {type_name(other)}")
    return first is other if _shape(first) == "pointer" else bool(first == other)


def _shape(value: Value) -> str:
    if isinstance(value, StringMap | AnyMap):
        return "map"
    if isinstance(value, SampleList):
        return "list"
    if isinstance(value, AlertData):
        return "struct"
    return "time.Time" if type_name(value) == "time.Time" else "pointer"


def not_equal(first: Value, other: Value) -> bool:
    return not equal(first, other)


def less(first: Value, other: Value) -> bool:
    kinds = _kind(first), _kind(other)
    if not kinds[0] or not kinds[1]:
        raise FunctionFailure("invalid type for comparison")
    if kinds[0] != kinds[1] and not (kinds[0] in _INTEGERS and kinds[1] in _INTEGERS):
        raise _incompatible(first, other)
    if kinds[0] in _NOT_ORDERED:
        raise FunctionFailure("invalid type for comparison")
    return bool(_bytes(first) < _bytes(other))


def less_equal(first: Value, other: Value) -> bool:
    return less(first, other) or equal(first, other)


def greater(first: Value, other: Value) -> bool:
    """The inverse of <=, as in the original: true of NaN."""
    return not less_equal(first, other)


def greater_equal(first: Value, other: Value) -> bool:
    """The inverse of <, as in the original: true of NaN."""
    return not less(first, other)


def _incompatible(first: Value, other: Value) -> FunctionFailure:
    return FunctionFailure(
        f"incompatible types for comparison: {type_name(first)} and {type_name(other)}"
    )
