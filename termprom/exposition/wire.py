"""Protobuf's wire format: the fields of one message, whatever it means.

    message  = { tag value }
    tag      = varint of (field number << 3 | wire type)
    value    = varint                     wire type 0
             | 8 bytes                    wire type 1
             | varint length, bytes       wire type 2
             | { tag value } end tag      wire types 3 and 4, a group; nobody writes these any more
             | 4 bytes                    wire type 5

Example, field 1 with the text "up": 0a 02 75 70. Errors are in the words of the original's decoder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Final, NamedTuple

from termprom.errors import ExpositionError

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
_GROUP: Final = 3
_END_GROUP: Final = 4
_FIXED32: Final = 5

_MASK64: Final = (1 << 64) - 1
_NESTING_MAX: Final = 100  # groups within groups, all of them skipped
_DOUBLE: Final = Struct("<d")

# What a decoder knows: field number to its name and wire type, for the words of a mismatch.
Known = Mapping[int, tuple[str, int]]


class Field(NamedTuple):
    """One field. `first` is a varint's value, else where the content starts; [first, end) is it."""

    tag: int
    first: int
    end: int


def fields(data: bytes, at: int, end: int) -> Iterator[Field]:
    """The fields of the message in data[at:end], groups left out. Raises ExpositionError."""
    while at < end:
        tag, at = varint(data, at, end)
        match tag & 7:
            case 0:
                value, at = varint(data, at, end)
                yield Field(tag, value, at)
            case 1:
                start, at = at, _within(at + 8, end)
                yield Field(tag, start, at)
            case 2:
                size, start = varint(data, at, end)
                at = _within(start + size, end)
                yield Field(tag, start, at)
            case 5:
                start, at = at, _within(at + 4, end)
                yield Field(tag, start, at)
            case 3:
                at = _after_group(data, at, end)
            case kind:
                raise ExpositionError(f"proto: illegal wireType {kind}")


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The number at `at` and the place behind it. Raises ExpositionError."""
    value = shift = 0
    while at < end:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _MASK64, at
        shift += 7
        if shift >= 64:
            raise ExpositionError("proto: integer overflow")
    raise ExpositionError("unexpected EOF")


def check_unknown(tag: int, known: Known) -> None:
    """A field that a decoder did not take: fine, unless it knows it under another wire type."""
    number = tag >> 3
    if not number:
        raise ExpositionError(f"proto: illegal tag 0 (wire type {tag & 7})")
    named = known.get(number)
    if named is not None:
        raise ExpositionError(f"proto: wrong wireType = {tag & 7} for field {named[0]}")


def double(data: bytes, at: int) -> float:
    """The float64 that stands at `at`."""
    number: float = _DOUBLE.unpack_from(data, at)[0]
    return number


def doubles(data: bytes, field: Field) -> Iterator[float]:
    """The float64 values of a repeated field's one occurrence, packed or not."""
    _check_size(field)
    for at in range(field.first, field.end, 8):
        yield double(data, at)


def varints(data: bytes, field: Field) -> Iterator[int]:
    """The numbers of a repeated field's one occurrence, packed or not."""
    if field.tag & 7 == VARINT:
        yield field.first
        return
    at = field.first
    while at < field.end:
        value, at = varint(data, at, field.end)
        yield value


def signed(value: int) -> int:
    """A varint as int64."""
    return value - (1 << 64) if value >> 63 else value


def zigzag(value: int) -> int:
    """A varint as sint32 or sint64."""
    return (value >> 1) ^ -(value & 1)


def _within(at: int, end: int) -> int:
    if at > end:
        raise ExpositionError("unexpected EOF")
    return at


def _check_size(field: Field) -> None:
    if (field.end - field.first) % 8:
        raise ExpositionError("unexpected EOF")


def _after_group(data: bytes, at: int, end: int) -> int:
    """The place behind the group whose start tag ended at `at`."""
    depth = 1
    while depth:
        tag, at = varint(data, at, end)
        match tag & 7:
            case 0:
                _, at = varint(data, at, end)
            case 1:
                at = _within(at + 8, end)
            case 2:
                size, at = varint(data, at, end)
                at = _within(at + size, end)
            case 3:
                depth += 1
            case 4:
                depth -= 1
            case 5:
                at = _within(at + 4, end)
            case kind:
                raise ExpositionError(f"proto: illegal wireType {kind}")
        if depth > _NESTING_MAX:
            raise ExpositionError("proto: groups nest too deeply")
    return at
