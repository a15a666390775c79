"""Go's own template functions that look into values. Source: reference templating 10."""

from __future__ import annotations

from itertools import pairwise

from termprom.rules.templates.failure import FunctionFailure
from termprom.rules.templates.values import (
    NIL,
    Byte,
    Sample,
    SampleList,
    StringMap,
    Value,
    is_absent,
    is_int,
    type_name,
)


def length(value: Value) -> int:
    if isinstance(value, str):
        return len(value.encode(errors="surrogateescape"))
    if isinstance(value, dict | list):
        return len(value)
    if is_absent(value):
        raise FunctionFailure("reflect: call of reflect.Value.Type on zero Value")
    raise FunctionFailure(f"len of type {_pointed(value)}")


def index(value: Value, *keys: Value) -> Value:
    for key in keys:
        value = _indexed(value, key)
    return value


def _indexed(value: Value, key: Value) -> Value:
    if is_absent(value):
        raise FunctionFailure("index of untyped nil")
    if isinstance(value, dict):
        if not isinstance(key, str):
            what = "nil" if is_absent(key) else type_name(key)
            raise FunctionFailure(f"value has type {what}; should be string")
        return value.get(key, "" if isinstance(value, StringMap) else NIL)
    if isinstance(value, str):
        raw = value.encode(errors="surrogateescape")
        return Byte(raw[_inside(key, len(raw), "string")])
    if isinstance(value, list):
        return value[_inside(key, len(value), "slice")]
    raise FunctionFailure(f"can't index item of type {_pointed(value)}")


def _pointed(value: Value) -> str:
    """The type behind the pointer that a sample is."""
    name = type_name(value)
    return name.removeprefix("*") if isinstance(value, Sample) else name


def _inside(key: Value, size: int, what: str) -> int:
    """The original lets the first index past the end through, to fail in a library of its own."""
    position = _position(key, size)
    if position == size:
        raise FunctionFailure(f"reflect: {what} index out of range")
    return position


def _position(key: Value, largest: int) -> int:
    if is_absent(key):
        raise FunctionFailure("cannot index slice/array with nil")
    if not is_int(key):
        raise FunctionFailure(f"cannot index slice/array with type {type_name(key)}")
    if not 0 <= key <= largest:
        raise FunctionFailure(f"index out of range: {int(key)}")
    return int(key)


def slice_of(value: Value, *bounds: Value) -> Value:
    """`slice`: [i:j] in bytes or elements."""
    if is_absent(value):
        raise FunctionFailure("slice of untyped nil")
    if len(bounds) > 3:
        raise FunctionFailure(f"too many slice indexes: {len(bounds)}")
    if isinstance(value, str):
        if len(bounds) == 3:
            raise FunctionFailure("cannot 3-index slice a string")
        raw = value.encode(errors="surrogateescape")
        low, high = _span(bounds, len(raw))
        return raw[low:high].decode(errors="surrogateescape")
    if isinstance(value, list):
        low, high = _span(bounds, len(value))
        return SampleList(value[low:high])
    raise FunctionFailure(f"can't slice item of type {type_name(value)}")


def _span(bounds: tuple[Value, ...], size: int) -> tuple[int, int]:
    places = [_position(one, size) for one in bounds]
    for left, right in pairwise(places):
        if left > right:
            raise FunctionFailure(f"invalid slice index: {left} > {right}")
    low, high = [*places[:2], *(0, size)[len(places[:2]) :]]
    return low, high


def call(shown: str, function: Value) -> Value:
    """Nothing that a template can reach is a function; `shown` is the operand as written."""
    if is_absent(function):
        raise FunctionFailure("call of nil")
    raise FunctionFailure(f"non-function {shown} of type {type_name(function)}")
