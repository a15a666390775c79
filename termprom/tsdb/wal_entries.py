"""The entries of a WAL record, to bytes and back (FORMAT.md, section 2)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from termprom.model.labels import Labels
from termprom.model.metadata import Metadata, MetricType
from termprom.model.values import AnyArray, Ints, TimesMs, Values
from termprom.storage import Exemplar
from termprom.tsdb.identity import encoded

_SYMBOLS: Final = struct.Struct("<BII")
_GROUP: Final = struct.Struct("<BII")
_COLUMNS: Final = struct.Struct("<BIII")
_LAYOUT: Final = struct.Struct("<BIII")
_ROW: Final = struct.Struct("<BIqB")
_LOOSE: Final = struct.Struct("<BIBI")
_DELETE: Final = struct.Struct("<BIqqI")
_EXEMPLARS: Final = struct.Struct("<BII")
_METADATA: Final = struct.Struct("<BII")

_SEPARATOR: Final = b"\xff"
_FULL: Final = 0
_CHANGED: Final = 1


class Kind(IntEnum):
    """The first byte of an entry. On disk for ever: never renumber, only append."""

    SYMBOLS = 1
    GROUP = 2
    COLUMNS = 3
    LAYOUT = 4
    ROW = 5
    LOOSE = 6
    DELETE = 7
    EXEMPLARS = 8
    METADATA = 9


class LooseKind(IntEnum):
    """Why samples are loose: their own times in order, or behind the series' newest sample."""

    IN_ORDER = 0
    OUT_OF_ORDER = 1


# --- What a reader gets -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SymbolsEntry:
    ids: Ints
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class GroupEntry:
    group: int
    pairs: Ints  # name and value symbols in turn


@dataclass(frozen=True, slots=True)
class ColumnsEntry:
    """Shapes: columns, pair_counts (K,); pairs (2 * sum of pair_counts,) symbols."""

    group: int
    columns: Ints
    pair_counts: Ints
    pairs: Ints


@dataclass(frozen=True, slots=True)
class LayoutEntry:
    layout: int
    group: int
    columns: Ints


@dataclass(frozen=True, slots=True)
class RowEntry:
    layout: int
    time_ms: int
    bits: AnyArray  # (K,) uint64


@dataclass(frozen=True, slots=True)
class LooseEntry:
    group: int
    kind: LooseKind
    times_ms: TimesMs
    columns: Ints
    values: Values


@dataclass(frozen=True, slots=True)
class DeleteEntry:
    """What was stored of these columns in [start_ms, end_ms] until then is deleted."""

    group: int
    start_ms: int
    end_ms: int
    columns: Ints


@dataclass(frozen=True, slots=True)
class ExemplarsEntry:
    group: int
    exemplars: Sequence[tuple[int, Exemplar]]  # each behind its column


@dataclass(frozen=True, slots=True)
class MetadataEntry:
    group: int
    metadata: Mapping[str, Metadata]


Entry = (
    SymbolsEntry
    | GroupEntry
    | ColumnsEntry
    | LayoutEntry
    | RowEntry
    | LooseEntry
    | DeleteEntry
    | ExemplarsEntry
    | MetadataEntry
)


# --- Encoding ---------------------------------------------------------------------------------


def encode_symbols(ids: Sequence[int], texts: Sequence[str]) -> bytes:
    data = [encoded(text) for text in texts]
    return b"".join(
        (
            _SYMBOLS.pack(Kind.SYMBOLS, len(ids), sum(map(len, data))),
            np.array(ids, dtype="<i4").tobytes(),
            np.array([len(one) for one in data], dtype="<u4").tobytes(),
            *data,
        )
    )


def encode_group(group: int, pairs: Sequence[int]) -> bytes:
    return _GROUP.pack(Kind.GROUP, group, len(pairs) // 2) + np.array(pairs, dtype="<i4").tobytes()


def encode_columns(group: int, columns: Ints, pair_counts: AnyArray, pairs: AnyArray) -> bytes:
    """Shapes: columns, pair_counts (K,); pairs (2 P,) name and value symbols in turn."""
    return b"".join(
        (
            _COLUMNS.pack(Kind.COLUMNS, group, columns.size, pairs.size // 2),
            columns.astype("<i4").tobytes(),
            pair_counts.astype("<i4").tobytes(),
            pairs.astype("<i4").tobytes(),
        )
    )


def encode_layout(layout: int, group: int, columns: Ints) -> bytes:
    return _LAYOUT.pack(Kind.LAYOUT, layout, group, columns.size) + columns.astype("<i4").tobytes()


def encode_row(layout: int, time_ms: int, bits: AnyArray, previous: AnyArray | None) -> bytes:
    """A row of cells `bits` (K,) uint64; `previous` is the layout's last row in this segment.

    Unchanged cells cost one bit: of a healthy exposition two thirds do not change.
    """
    if previous is not None:
        changed = bits != previous
        cells = bits[changed]
        if 64 * cells.size + bits.size < 64 * bits.size:
            head = _ROW.pack(Kind.ROW, layout, time_ms, _CHANGED)
            changed_row: bytes = head + np.packbits(changed).tobytes() + cells.tobytes()
            return changed_row
    return _ROW.pack(Kind.ROW, layout, time_ms, _FULL) + bits.tobytes()


def encode_loose(
    group: int, kind: LooseKind, times_ms: TimesMs, columns: Ints, values: Values
) -> bytes:
    return b"".join(
        (
            _LOOSE.pack(Kind.LOOSE, group, kind, times_ms.size),
            times_ms.astype("<i8").tobytes(),
            columns.astype("<i4").tobytes(),
            values.tobytes(),
        )
    )


def encode_delete(group: int, start_ms: int, end_ms: int, columns: Ints) -> bytes:
    head = _DELETE.pack(Kind.DELETE, group, start_ms, end_ms, columns.size)
    return head + columns.astype("<i4").tobytes()


def encode_exemplars(group: int, exemplars: Sequence[tuple[int, Exemplar]]) -> bytes:
    """Label texts are written out: a trace is named once and never again."""
    texts = [_joined(text for pair in one.labels for text in pair) for _, one in exemplars]
    return b"".join(
        (
            _EXEMPLARS.pack(Kind.EXEMPLARS, group, len(exemplars)),
            np.array([column for column, _ in exemplars], dtype="<i4").tobytes(),
            np.array([one.time_ms for _, one in exemplars], dtype="<i8").tobytes(),
            np.array([one.value for _, one in exemplars], dtype="<f8").tobytes(),
            np.array([len(text) for text in texts], dtype="<u4").tobytes(),
            *texts,
        )
    )


def encode_metadata(group: int, metadata: Mapping[str, Metadata]) -> bytes:
    texts = [
        _joined((metric, one.type.value, one.help, one.unit)) for metric, one in metadata.items()
    ]
    return b"".join(
        (
            _METADATA.pack(Kind.METADATA, group, len(texts)),
            np.array([len(text) for text in texts], dtype="<u4").tobytes(),
            *texts,
        )
    )


def _joined(texts: Iterable[str]) -> bytes:
    """Texts one after the other, each behind ff, which is never part of UTF-8."""
    return b"".join(_SEPARATOR + encoded(text) for text in texts)


# --- Decoding ---------------------------------------------------------------------------------


class EntryReader:
    """Reads the records of one segment in order; remembers what later entries refer to."""

    def __init__(self) -> None:
        self._layout_sizes: dict[int, int] = {}
        self._previous: dict[int, AnyArray] = {}

    def entries(self, payload: memoryview) -> Iterator[Entry]:
        """The entries of one record. Raises ValueError where they do not fit the payload."""
        cursor = _Cursor(payload)
        while cursor.left:
            kind = payload[cursor.offset]
            match kind:
                case Kind.SYMBOLS:
                    yield _read_symbols(cursor)
                case Kind.GROUP:
                    _, group, count = cursor.unpack(_GROUP)
                    yield GroupEntry(group, cursor.array("<i4", 2 * count))
                case Kind.COLUMNS:
                    _, group, count, total = cursor.unpack(_COLUMNS)
                    columns = cursor.array("<i4", count)
                    counts = cursor.array("<i4", count)
                    if int(counts.sum()) != total or (count and int(counts.min()) < 0):
                        raise ValueError("the pair counts of columns do not add up")
                    yield ColumnsEntry(group, columns, counts, cursor.array("<i4", 2 * total))
                case Kind.LAYOUT:
                    _, layout, group, count = cursor.unpack(_LAYOUT)
                    self._layout_sizes[layout] = count
                    self._previous.pop(layout, None)
                    yield LayoutEntry(layout, group, cursor.array("<i4", count))
                case Kind.ROW:
                    yield self._read_row(cursor)
                case Kind.LOOSE:
                    _, group, loose, count = cursor.unpack(_LOOSE)
                    times_ms = cursor.array("<i8", count)
                    columns = cursor.array("<i4", count)
                    values = cursor.array("<f8", count)
                    yield LooseEntry(group, LooseKind(loose), times_ms, columns, values)
                case Kind.DELETE:
                    _, group, start_ms, end_ms, count = cursor.unpack(_DELETE)
                    yield DeleteEntry(group, start_ms, end_ms, cursor.array("<i4", count))
                case Kind.EXEMPLARS:
                    yield _read_exemplars(cursor)
                case Kind.METADATA:
                    yield _read_metadata(cursor)
                case _:
                    raise ValueError(f"unknown entry kind {kind}")

    def _read_row(self, cursor: _Cursor) -> RowEntry:
        _, layout, time_ms, coding = cursor.unpack(_ROW)
        count = self._layout_sizes.get(layout)
        if count is None:
            raise ValueError(f"a row of layout {layout}, which this segment does not define")
        if coding == _FULL:
            bits = cursor.array("<u8", count)
        elif coding == _CHANGED and layout in self._previous:
            bitmap = cursor.array("u1", (count + 7) // 8)
            changed = np.unpackbits(bitmap, count=count).view(np.bool_)
            bits = self._previous[layout].copy()
            bits[changed] = cursor.array("<u8", int(np.count_nonzero(changed)))
        else:
            raise ValueError(f"a row of layout {layout} in coding {coding} has no row before it")
        self._previous[layout] = bits
        return RowEntry(layout, time_ms, bits)


class _Cursor:
    """A place in a payload that never runs over its end."""

    __slots__ = ("_payload", "offset")

    def __init__(self, payload: memoryview) -> None:
        self._payload = payload
        self.offset = 0

    @property
    def left(self) -> int:
        return len(self._payload) - self.offset

    def take(self, size: int) -> memoryview:
        if size > self.left:
            raise ValueError("an entry runs over the end of its record")
        start = self.offset
        self.offset += size
        return self._payload[start : self.offset]

    def unpack(self, shape: struct.Struct) -> tuple[int, ...]:
        return shape.unpack(self.take(shape.size))

    def array(self, dtype: str, count: int) -> AnyArray:
        found = np.dtype(dtype)
        return np.frombuffer(self.take(found.itemsize * count), dtype=found)


def _read_symbols(cursor: _Cursor) -> SymbolsEntry:
    _, count, text_bytes = cursor.unpack(_SYMBOLS)
    ids = cursor.array("<i4", count)
    ends = np.cumsum(cursor.array("<u4", count), dtype=np.int64).tolist()
    if (ends[-1] if ends else 0) != text_bytes:
        raise ValueError("the lengths of symbols do not add up")
    text = bytes(cursor.take(text_bytes))
    texts = [text[start:end].decode("utf-8") for start, end in zip([0, *ends], ends, strict=False)]
    return SymbolsEntry(ids, texts)


def _read_exemplars(cursor: _Cursor) -> ExemplarsEntry:
    _, group, count = cursor.unpack(_EXEMPLARS)
    columns = cursor.array("<i4", count).tolist()
    times_ms = cursor.array("<i8", count).tolist()
    values = cursor.array("<f8", count).tolist()
    found = []
    for column, time_ms, value, text in zip(
        columns, times_ms, values, _read_texts(cursor, count), strict=True
    ):
        if len(text) % 2:
            raise ValueError("an exemplar's label has no value")
        labels = Labels(zip(text[0::2], text[1::2], strict=True))
        found.append((column, Exemplar(labels, value, time_ms)))
    return ExemplarsEntry(group, found)


def _read_metadata(cursor: _Cursor) -> MetadataEntry:
    _, group, count = cursor.unpack(_METADATA)
    found = {}
    for texts in _read_texts(cursor, count):
        if len(texts) != 4:
            raise ValueError("metadata of another form")
        metric, kind, help_text, unit = texts
        found[metric] = Metadata(MetricType(kind), help_text, unit)
    return MetadataEntry(group, found)


def _read_texts(cursor: _Cursor, count: int) -> list[list[str]]:
    """What `_joined` made of `count` lists of texts."""
    lengths = cursor.array("<u4", count).tolist()
    runs = [bytes(cursor.take(length)) for length in lengths]
    return [[text.decode("utf-8") for text in run.split(_SEPARATOR)[1:]] for run in runs]
