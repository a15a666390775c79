"""`termprom tsdb import openmetrics FILE DIR`: blocks out of a file of samples with timestamps.

The file is read once, in pieces, whatever its size and order; memory holds its series, one piece of
its samples and one batch of a block. Nothing is in the folder before the whole file has been read.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from termprom.clock import SystemClock
from termprom.errors import ExpositionError, StorageError
from termprom.exposition.entries import SeriesEntry
from termprom.exposition.numbers import parse_joined_numbers, parse_number
from termprom.exposition.openmetrics import OpenMetricsScanner
from termprom.model.labels import Labels
from termprom.model.values import TimesMs, Values
from termprom.tsdb.db import Database
from termprom.tsdb.spill import Spill

_PIECE_BYTES: Final = 8 << 20
_EOF: Final = b"# EOF"
_INT64: Final = 2.0**63


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--label", action="append", default=[], type=_label, metavar="NAME=VALUE")
    parser.add_argument("-q", "--quiet", action="store_true", help="do not print what was written")
    parser.add_argument("file", metavar="FILE", help="OpenMetrics text; - is standard input")
    parser.add_argument("folder", type=Path, metavar="DIR")


def _label(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def run(chosen: argparse.Namespace) -> int:
    """Raises TermpromError."""
    shown = _Progress(sys.stderr if sys.stderr.isatty() and not chosen.quiet else None)
    with (
        closing(Database.open(chosen.folder, clock=SystemClock())) as store,
        store.new_spill(_group_of) as spill,
    ):
        try:
            with _opened(chosen.file) as (stream, size):
                for done in read_samples(stream, spill, dict(chosen.label)):
                    shown.show("reading", done, size)
        except ExpositionError as problem:
            shown.end()
            print(f"termprom tsdb import: {chosen.file}: {problem}", file=sys.stderr)
            return 1
        blocks = store.import_spill(spill, lambda done, of: shown.show("writing", done, of))
        shown.end()
        if not chosen.quiet:
            written = sum(block.size_bytes for block in blocks)
            samples = sum(block.samples for block in blocks)
            print(
                f"{samples} samples of {spill.series_count} series in {len(blocks)} blocks, "
                f"{written} bytes, {written / max(samples, 1):.3f} per sample"
            )
    return 0


def _group_of(labels: Labels) -> Labels:
    """Series of one target share their timestamps."""
    return labels.only("instance", "job")


@contextmanager
def _opened(name: str) -> Iterator[tuple[BinaryIO, int]]:
    """The stream of a name, and its size, 0 where that is not known. Raises StorageError."""
    if name == "-":
        yield sys.stdin.buffer, 0
        return
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as problem:
        raise StorageError(f"{name}: {problem.strerror}") from problem
    with os.fdopen(descriptor, "rb") as stream:
        yield stream, os.fstat(descriptor).st_size


# --- Reading ----------------------------------------------------------------------------------


def read_samples(stream: BinaryIO, spill: Spill, extra: dict[str, str]) -> Iterator[int]:
    """Put all samples of `stream` into `spill`; yields the bytes read so far.

    Raises ExpositionError with the line in the whole stream, StorageError.
    """
    reader = _Reader(spill, extra)
    rest = b""
    done = 0
    while piece := stream.read(_PIECE_BYTES):
        done += len(piece)
        cut = piece.rfind(b"\n") + 1
        if cut:
            reader.lines((rest + piece[:cut]).split(b"\n")[:-1])
            rest = piece[cut:]
        else:
            rest += piece
        yield done
    if rest:
        reader.lines([rest])
    reader.end()


class _Reader:
    """Whole lines to samples. A known series costs its two numbers, another one a scanner."""

    def __init__(self, spill: Spill, extra: dict[str, str]) -> None:
        self._spill = spill
        self._extra = extra
        self._known: dict[bytes, int] = {}
        self._scanner = OpenMetricsScanner(b"\n")
        self._line = 0  # lines read before the piece at hand
        self._ended = False

    def lines(self, lines: list[bytes]) -> None:
        known = self._known
        series: list[int] = []
        values: list[bytes] = []
        stamps: list[bytes] = []
        for place, line in enumerate(lines):
            parts = line.rsplit(b" ", 2)
            number = known.get(parts[0], -1) if len(parts) == 3 and not self._ended else -1
            if number >= 0:
                series.append(number)
                values.append(parts[1])
                stamps.append(parts[2])
                continue
            entry = self._scan(line, place)
            if entry is not None:
                series.append(self._number(entry))
                values.append(line[entry.value_start : entry.value_end])
                stamps.append(line[entry.value_end :].split(b" ")[1])
        if series:
            self._add(lines, series, values, stamps)
        self._line += len(lines)

    def end(self) -> None:
        if not self._ended:
            raise ExpositionError("data does not end with # EOF", line=max(self._line, 1))

    def _add(
        self, lines: list[bytes], series: list[int], values: list[bytes], stamps: list[bytes]
    ) -> None:
        numbers = self._numbers(lines, values)
        seconds = self._numbers(lines, stamps)
        if not bool((np.abs(seconds) < _INT64 / 1000).all()):
            self._complain(lines, "invalid timestamp")
        times: TimesMs = np.rint(seconds * 1000).astype(np.int64)
        self._spill.add(np.array(series, dtype=np.int64), times, numbers.view(np.uint64))

    def _numbers(self, lines: list[bytes], tokens: list[bytes]) -> Values:
        found = parse_joined_numbers(b",".join(tokens), len(tokens))
        if found is not None:
            return found
        try:
            return np.array([parse_number(token) for token in tokens], dtype=np.float64)
        except ValueError as problem:
            self._complain(lines, str(problem))
            raise

    def _complain(self, lines: list[bytes], message: str) -> None:
        """Raise what the scanner has to say of the first line that it does not take."""
        self._ended = False
        for place, line in enumerate(lines):
            entry = self._scan(line, place)
            if entry is not None and abs(entry.timestamp_ms or 0) >= 2**63 - 1024:
                raise ExpositionError(message, line=self._line + place + 1)
        raise ExpositionError(message, line=self._line + 1)

    def _scan(self, line: bytes, place: int) -> SeriesEntry | None:
        """The sample of one line. Raises ExpositionError."""
        number = self._line + place + 1
        if self._ended:
            raise ExpositionError("unexpected data after # EOF", line=number)
        if line == _EOF:
            self._ended = True
            return None
        scanner = OpenMetricsScanner(line + b"\n# EOF\n")
        scanner.type = self._scanner.type
        try:
            entry, _ = scanner.entry(0)
        except ExpositionError as problem:
            raise replace(problem, line=number) from None
        self._scanner.type = scanner.type
        if not isinstance(entry, SeriesEntry):
            return None
        if entry.timestamp_ms is None:
            name = Labels.from_pairs(entry.pairs)
            raise ExpositionError(f"expected timestamp for series {name}, got none", line=number)
        return entry

    def _number(self, entry: SeriesEntry) -> int:
        labels = Labels.from_pairs(entry.pairs)
        if self._extra:
            labels = labels.merge(self._extra)
        number = self._known[entry.key] = self._spill.series(labels)
        return number


class _Progress:
    """One line that is written over, at most five times a second."""

    def __init__(self, output: object) -> None:
        self._output = output
        self._shown = 0.0
        self._began = time.monotonic()

    def show(self, what: str, done: int, of: int) -> None:
        now = time.monotonic()
        if self._output is None or (now - self._shown < 0.2 and done < of):
            return
        self._shown = now
        share = f"{100 * done // of:3} %" if of else f"{done >> 20} MiB"
        filled = 30 * done // of if of else 0
        bar = "#" * filled + "." * (30 - filled)
        text = f"\r{what} [{bar}] {share}  {now - self._began:.0f} s "
        print(text, end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._output is not None and self._shown:
            print("\r" + " " * 60 + "\r", end="", file=sys.stderr, flush=True)
