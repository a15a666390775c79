"""The series that senders have written before, by the bytes of their labels.

A sender repeats its series in every request, so the bytes are looked up whole and their text is
read only once. Each new block of bytes gets the next number; two blocks may be the same series.
"""

from __future__ import annotations

import threading
from typing import Final

from termprom.exposition.wire import BYTES, fields
from termprom.model.labels import Labels

INVALID: Final = -1

LABEL: Final = 1 << 3 | BYTES
_NAME: Final = 1 << 3 | BYTES
_VALUE: Final = 2 << 3 | BYTES


class SeriesMemory:
    """May be shared between threads; it only grows."""

    def __init__(self) -> None:
        self.numbers: dict[bytes, int] = {}  # INVALID where they are no series' labels
        self.labels: list[Labels] = []  # by number; whoever has taken them over may empty them
        self._blocks: list[bytes] = []  # by number
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.numbers)

    def __repr__(self) -> str:
        return f"SeriesMemory({len(self.labels)} series)"

    def labels_of(self, number: int) -> Labels:
        """Read anew from the bytes."""
        block = self._blocks[number]
        labels = parse_labels(block, 0, len(block), LABEL)
        assert labels is not None, "only what has labels has a number"
        return labels

    def number_of(self, block: bytes) -> int:
        """The number of a block of label messages. Raises ExpositionError."""
        number = self.numbers.get(block)
        if number is not None:
            return number
        labels = parse_labels(block, 0, len(block), LABEL)
        valid = labels is not None and bool(labels.metric)
        with self._lock:
            if block not in self.numbers:
                number = len(self.labels) if valid else INVALID
                if labels is not None and valid:
                    self._blocks.append(block)
                    self.labels.append(labels)
                # Last: another thread that finds the number finds its labels too.
                self.numbers[block] = number
            return self.numbers[block]


def parse_labels(data: bytes, at: int, end: int, label_tag: int) -> Labels | None:
    """The labels among the fields of data[at:end].

    None where they are no labels: an empty name, one twice, or no UTF-8. Raises ExpositionError.
    """
    pairs: dict[str, str] = {}
    for field in fields(data, at, end):
        if field.tag != label_tag:
            continue
        name = value = b""
        for inner in fields(data, field.first, field.end):
            if inner.tag == _NAME:
                name = data[inner.first : inner.end]
            elif inner.tag == _VALUE:
                value = data[inner.first : inner.end]
        try:
            text = name.decode()
            if not text or text in pairs:
                return None
            pairs[text] = value.decode()
        except UnicodeDecodeError:
            return None
    return Labels.of(pairs)
