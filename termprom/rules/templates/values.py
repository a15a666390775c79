"""What a template computes with: Go's kinds of value, kept apart as Go keeps them.

    int, float, str, bool, complex   the Python types; a bool is never an int here
    StringMap, AnyMap                map[string]string and map[string]interface {}
    Sample, SampleList               elements of a query's result, and the result
    AlertData                        what dot is at the top
    GoTime, GoDuration               see times
    FloatHistogram                   the value of a histogram sample
    NOTHING                          no value at all: prints `<no value>`
    NIL                              an interface that holds nothing: the absent entry of an AnyMap

A pipeline turns NIL into NOTHING; a field of NIL is an error, a field of NOTHING is NOTHING.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from termprom.model.histogram import FloatHistogram
from termprom.rules.templates.times import GoDuration, GoTime, NamedInt

Value = Any  # one of the above; checked when it is used, as in the original


class _Nothing:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


NOTHING: Final = _Nothing("NOTHING")
NIL: Final = _Nothing("NIL")


class StringMap(dict[str, str]):
    """map[string]string: an absent entry is the empty string."""


class AnyMap(dict[str, Value]):
    """map[string]interface {}: an absent entry is NIL."""


class Byte(int):
    """uint8: what indexing a string gives."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One element of a query's result, always behind a pointer."""

    labels: StringMap
    value: Value

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


class SampleList(list[Sample]):
    """template.queryResult."""


@dataclass(frozen=True, slots=True)
class AlertData:
    """The data of an alert's templates."""

    labels: StringMap
    external_labels: StringMap
    external_url: str
    value: Value


ALERT_TYPE: Final = (
    "struct { Labels map[string]string; ExternalLabels map[string]string; "
    "ExternalURL string; Value interface {} }"
)

_TYPE_NAMES: Final[Mapping[type, str]] = {
    bool: "bool",
    int: "int",
    float: "float64",
    str: "string",
    complex: "complex128",
    Byte: "uint8",
    StringMap: "map[string]string",
    AnyMap: "map[string]interface {}",
    Sample: "*template.sample",
    SampleList: "template.queryResult",
    AlertData: ALERT_TYPE,
    FloatHistogram: "*histogram.FloatHistogram",
}


def type_name(value: Value) -> str:
    """The Go type, as error messages and %T name it."""
    if isinstance(value, GoTime | GoDuration | NamedInt):
        return value.type_name
    return _TYPE_NAMES.get(type(value), "interface {}")


def is_int(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_absent(value: Value) -> bool:
    return value is NOTHING or value is NIL


def is_true(value: Value) -> bool:
    """Go's idea of truth: everything but zeros and what is empty; NaN is true."""
    if is_absent(value):
        return False
    if isinstance(value, GoTime | Sample | AlertData | FloatHistogram):
        return True
    if isinstance(value, GoDuration):
        return value.pointer or value.ns != 0
    return bool(value)


def field_of(value: Value, name: str) -> Value | None:
    """A struct's field; None when the value is no struct or has no such field."""
    if isinstance(value, AlertData):
        fields = {
            "Labels": value.labels,
            "ExternalLabels": value.external_labels,
            "ExternalURL": value.external_url,
            "Value": value.value,
        }
        return fields.get(name)
    if isinstance(value, Sample):
        return {"Labels": value.labels, "Value": value.value}.get(name)
    return None
