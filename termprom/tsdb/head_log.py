"""What the head tells the write-ahead log: samples, and before them the definitions they need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from termprom.model.labels import Labels
from termprom.model.metadata import Metadata
from termprom.model.values import AnyArray, Ints, Mask
from termprom.tsdb.catalogue import Catalogue
from termprom.tsdb.layout import Layout
from termprom.tsdb.wal_entries import (
    encode_columns,
    encode_group,
    encode_layout,
    encode_metadata,
    encode_row,
    encode_symbols,
)
from termprom.tsdb.wal_writer import WalWriter


class LoggedGroup(Protocol):
    """A group as the log sees it."""

    @property
    def identity(self) -> Labels: ...
    @property
    def number(self) -> int: ...
    @property
    def metadata(self) -> Mapping[str, Metadata]: ...
    def series_of(self, columns: Ints) -> Ints:
        """The series number of each column."""
        ...


class HeadLog:
    """Encodes entries and remembers what the open segment already defines.

    A segment is whole in itself: with each new one everything is defined again when it is used.
    Called under the head's write lock.
    """

    def __init__(self, wal: WalWriter, catalogue: Catalogue) -> None:
        self.wal = wal
        self._catalogue = catalogue
        self._segment = 0
        self._symbols = np.zeros(0, dtype=np.bool_)
        self._columns: dict[int, Mask] = {}
        self._layouts = 0

    def __repr__(self) -> str:
        return f"HeadLog({self.wal!r})"

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """Numbers mean other texts from now on, so the segment ends. Raises as `prepare` does."""
        self.wal.cut()
        self._catalogue = catalogue
        self._segment = 0

    def prepare(self) -> None:
        """Have an open segment. Raises DiskFull or StorageError."""
        self.wal.prepare()
        if self._segment != self.wal.segment:
            self._segment = self.wal.segment
            self._symbols = np.zeros(len(self._catalogue.symbols), dtype=np.bool_)
            self._columns = {}
            self._layouts = 0

    def row(self, group: LoggedGroup, layout: Layout, time_ms: int, bits: AnyArray) -> bytes:
        """A row, with the definitions that the segment lacks; call `prepare` before.

        Should the record not get into the log, its segment is given up and the layout's number
        with it, so that nothing has to be taken back here.
        """
        definitions = b""
        if layout.segment != self._segment:
            definitions = self.columns(group, layout.columns)
            self._layouts += 1
            layout.segment, layout.number = self._segment, self._layouts
            layout.previous = None
            own = encode_layout(layout.number, group.number, layout.columns)
            self.wal.count_definitions(len(own))
            definitions += own
        entry = encode_row(layout.number, time_ms, bits, layout.previous)
        # A copy: the caller is free to use its array again.
        layout.previous = bits.copy()
        return definitions + entry

    def columns(self, group: LoggedGroup, columns: Ints) -> bytes:
        """The definitions that entries on these columns of the group need; empty if none."""
        known = self._columns.get(group.number)
        parts: list[bytes] = []
        if known is None:
            pairs = self._group_pairs(group)
            parts += (self._define(pairs), encode_group(group.number, pairs.tolist()))
            if group.metadata:
                parts.append(encode_metadata(group.number, group.metadata))
            known = np.zeros(0, dtype=np.bool_)
        top = int(columns.max()) + 1 if columns.size else 0
        if known.size < top:
            grown = np.zeros(top + (top >> 3), dtype=np.bool_)
            grown[: known.size] = known
            known = grown
        self._columns[group.number] = known
        new = np.unique(columns[~known[columns]])
        if new.size:
            known[new] = True
            counts, pairs = self._catalogue.pairs(group.series_of(new))
            parts += (self._define(pairs), encode_columns(group.number, new, counts, pairs))
        definitions = b"".join(parts)
        self.wal.count_definitions(len(definitions))
        return definitions

    def _group_pairs(self, group: LoggedGroup) -> AnyArray:
        intern = self._catalogue.symbols.intern
        return np.array([intern(text) for pair in group.identity for text in pair], dtype=np.int32)

    def _define(self, symbols: AnyArray) -> bytes:
        count = len(self._catalogue.symbols)
        if self._symbols.size < count:
            grown = np.zeros(count + (count >> 3), dtype=np.bool_)
            grown[: self._symbols.size] = self._symbols
            self._symbols = grown
        new = np.unique(symbols[~self._symbols[symbols]])
        if not new.size:
            return b""
        self._symbols[new] = True
        text = self._catalogue.symbols.text
        ids = new.tolist()
        return encode_symbols(ids, [text(number) for number in ids])
