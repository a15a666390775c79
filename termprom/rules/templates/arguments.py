"""Fitting values and literals to the types of parameters."""

from __future__ import annotations

from typing import Final

from termprom.rules.templates import nodes
from termprom.rules.templates.function import Type
from termprom.rules.templates.times import GoDuration, GoTime
from termprom.rules.templates.values import (
    NIL,
    NOTHING,
    Sample,
    SampleList,
    Value,
    type_name,
)

_NULLABLE: Final = (Type.ANY, Type.SAMPLE, Type.SAMPLES)


class Misfit(Exception):
    """A value that a parameter does not take, in the original's words."""


def fitted(value: Value, wanted: Type) -> Value:
    """A computed value as an argument. Raises Misfit."""
    if value is NOTHING:
        if wanted not in _NULLABLE:
            raise Misfit(f"invalid value; expected {wanted}")
        return _empty(wanted)
    match wanted:
        case Type.ANY:
            fits = True
        case Type.STRING:
            fits = isinstance(value, str)
        case Type.INT:
            fits = type(value) is int
        case Type.FLOAT:
            fits = isinstance(value, float)
        case Type.BOOL:
            fits = isinstance(value, bool)
        case Type.SAMPLE:
            fits = isinstance(value, Sample)
        case Type.SAMPLES:
            fits = isinstance(value, SampleList)
        case Type.TIME:
            fits = isinstance(value, GoTime)
        case Type.DURATION:
            fits = isinstance(value, GoDuration)
    if not fits:
        raise Misfit(f"wrong type for value; expected {wanted}; got {type_name(value)}")
    return value


def literal(node: nodes.Bool | nodes.Number | nodes.String, wanted: Type) -> Value:
    """A literal as an argument: what it is depends on the parameter. Raises Misfit."""
    match wanted:
        case Type.ANY:
            return ideal(node)
        case Type.STRING:
            if isinstance(node, nodes.String):
                return node.value
            raise Misfit(f"expected string; found {node}")
        case Type.BOOL:
            if isinstance(node, nodes.Bool):
                return node.value
            raise Misfit(f"expected bool; found {node}")
        case Type.FLOAT:
            if isinstance(node, nodes.Number) and node.as_float is not None:
                return node.as_float
            raise Misfit(f"expected float; found {node}")
        case Type.INT | Type.DURATION:
            if isinstance(node, nodes.Number) and node.as_int is not None:
                return GoDuration(node.as_int) if wanted is Type.DURATION else node.as_int
            raise Misfit(f"expected integer; found {node}")
        case _:
            raise Misfit(f"can't handle {node} for arg of type {wanted}")


def nil(wanted: Type) -> Value:
    """The literal `nil` as an argument. Raises Misfit."""
    if wanted not in _NULLABLE:
        raise Misfit(f"cannot assign nil to {wanted}")
    return _empty(wanted)


def _empty(wanted: Type) -> Value:
    """A list that is nil is an empty list."""
    return SampleList() if wanted is Type.SAMPLES else NIL


def ideal(node: nodes.Bool | nodes.Number | nodes.String) -> Value:
    """A literal by its spelling alone. Raises Misfit."""
    if not isinstance(node, nodes.Number):
        return node.value
    if node.as_complex is not None and node.as_float is None:
        return node.as_complex
    if node.is_spelled_float:
        return node.as_float
    if node.as_int is not None:
        return node.as_int
    if node.as_uint is not None:
        raise Misfit(f"{node.text} overflows int")
    return node.as_float if node.as_float is not None else node.as_complex
