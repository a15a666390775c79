"""The payload of a page: the cells of some columns, compressed together (FORMAT.md, section 4).

Columns of constant value cost a few bits; NaNs of any payload are kept apart so that a gap or a
stale marker does not spoil the coding of the numbers around it.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from termprom.model.values import AnyArray, Ints, Mask, Values
from termprom.tsdb.codecs.registry import decode_array, encode_array, encode_runs

_HEADER: Final = struct.Struct("<II")
_LENGTH: Final = struct.Struct("<I")
_SECTIONS: Final = 5
_ROWS_MIN: Final = 8  # of fewer rows nothing can be told


def encode_cells(flat: Values, rows: Ints, *, level: int = 8, classes: Ints | None = None) -> bytes:
    """Columns one after the other in `flat` (N,), the c-th with `rows[c]` (C,) cells each.

    Every column has at least one row. `classes` (C,) tells which columns resemble each other;
    neighbours of one class, and all columns, are also tried apart, at three times the price.
    """
    starts = np.cumsum(rows) - rows
    assert int(rows.sum()) == flat.size
    filled, positions, bits = _without_nans(flat, starts)
    # A column is constant when no cell differs in its bits from the one before it.
    raw = filled.view(np.uint64)
    differs = np.empty(raw.size, dtype=np.bool_)
    np.not_equal(raw[1:], raw[:-1], out=differs[1:])
    differs[starts] = False
    constant: Mask = np.add.reduceat(differs, starts, dtype=np.int64) == 0
    varying = filled[np.repeat(~constant, rows)]
    if classes is None:
        body = encode_array(varying, level=level)
    else:
        body = encode_runs(varying, rows[~constant], classes[~constant], level=level)
    sections = (
        np.packbits(constant).tobytes(),
        encode_array(filled[starts[constant]], level=level),
        body,
        encode_array(positions, level=level),
        encode_array(bits, level=level),
    )
    parts = [_HEADER.pack(rows.size, flat.size)]
    for section in sections:
        parts += (_LENGTH.pack(len(section)), section)
    return b"".join(parts)


def column_classes(bits: AnyArray) -> Ints:
    """Numbers that are the same for columns (K, R) that move in steps of about one size.

    Half an octave of what nine steps of ten stay below: busy and idle CPUs, small and large
    buckets. Coded together they would all pay for the largest.
    """
    count, rows = bits.shape
    if rows < _ROWS_MIN:
        return np.zeros(count, dtype=np.int64)
    with np.errstate(all="ignore"):
        steps = np.abs(np.diff(bits.view(np.float64), axis=1))
        place = (steps.shape[1] * 9) // 10
        sizes = np.partition(np.nan_to_num(steps, nan=0.0, posinf=0.0), place, axis=1)[:, place]
        classes = np.rint(2 * np.log2(sizes))
    found: Ints = np.nan_to_num(classes, nan=0.0, posinf=0.0, neginf=-1e6).astype(np.int64)
    return found


def decode_cells(data: bytes | memoryview, rows: Ints) -> Values:
    """The flat cells (N,) of `encode_cells`; `rows` (C,) as given there.

    Raises ValueError where the bytes do not fit.
    """
    view = memoryview(data)
    if len(view) < _HEADER.size or _HEADER.unpack_from(view) != (rows.size, int(rows.sum())):
        raise ValueError("the page does not hold the cells that the index names")
    sections = _split(view)
    constant = np.unpackbits(np.frombuffer(sections[0], np.uint8), count=rows.size).view(np.bool_)
    held = decode_array(sections[1], "<f8")
    varying = decode_array(sections[2], "<f8")
    positions = decode_array(sections[3], "<i8")
    bits = decode_array(sections[4], "<u8")
    total = int(rows.sum())
    if held.size != int(constant.sum()) or varying.size + int(rows[constant].sum()) != total:
        raise ValueError("the page's sections do not add up")
    if not constant.any():
        flat = varying if varying.flags.writeable else varying.copy()
    else:
        # Integers all the way: what is moved as bits cannot be quieted.
        raw = np.empty(total, dtype=np.uint64)
        if rows.size and int(rows.min()) == int(rows.max()):
            # Columns of one length, as nearly always: moved in rows, and not cell by cell.
            matrix = raw.reshape(rows.size, -1)
            matrix[constant] = held.view(np.uint64)[:, np.newaxis]
            matrix[~constant] = varying.view(np.uint64).reshape(-1, int(rows[0]))
        else:
            cells = np.repeat(constant, rows)
            raw[cells] = np.repeat(held.view(np.uint64), rows[constant])
            raw[~cells] = varying.view(np.uint64)
        flat = raw.view(np.float64)
    if positions.size:
        if positions.size != bits.size or positions[0] < 0 or positions[-1] >= total:
            raise ValueError("the page's exceptions do not fit")
        flat.view(np.uint64)[positions] = bits
    return flat


def _without_nans(flat: Values, starts: Ints) -> tuple[Values, Ints, np.ndarray]:
    """`flat` with each NaN replaced by the cell before it, and where and what they were."""
    is_nan: Mask = np.isnan(flat)
    positions = np.flatnonzero(is_nan)
    if positions.size == 0:
        return flat, positions, np.zeros(0, dtype=np.uint64)
    source = np.arange(flat.size)
    source[positions] = 0
    # A column starts afresh: its first cell stands for itself, NaN or not, and is zeroed below.
    source[starts] = starts
    np.maximum.accumulate(source, out=source)
    filled = flat.view(np.uint64)[source].view(np.float64)
    filled[np.isnan(filled)] = 0.0
    return filled, positions, flat.view(np.uint64)[positions]


def _split(view: memoryview) -> list[memoryview]:
    sections = []
    offset = _HEADER.size
    for _ in range(_SECTIONS):
        if offset + _LENGTH.size > len(view):
            raise ValueError("the page ends inside a section")
        (length,) = _LENGTH.unpack_from(view, offset)
        offset += _LENGTH.size
        sections.append(view[offset : offset + length])
        offset += length
    if offset != len(view):
        raise ValueError("the page is longer or shorter than its sections")
    return sections
