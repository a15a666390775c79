"""meta.json: what a block is, known without opening it (FORMAT.md, section 7)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from isal import isal_zlib

from termprom.clock import Clock
from termprom.errors import CorruptFile, StorageError

META_NAME: Final = "meta.json"
BLOCK_VERSION: Final = 1
_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_RANDOM_BITS: Final = 80
ULID_CHARS: Final = 26


@dataclass(frozen=True, slots=True)
class BlockMeta:
    """Samples are in [start_ms, end_ms), which lies inside one range of the plan.

    `level`: how often it was compacted, from 1. `parents`: the blocks that it replaces.
    """

    ulid: str
    start_ms: int
    end_ms: int
    series: int
    samples: int
    pages_bytes: int
    index_bytes: int
    level: int = 1
    out_of_order: bool = False
    parents: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        return self.pages_bytes + self.index_bytes

    def encode(self) -> bytes:
        fields = {"version": BLOCK_VERSION, **asdict(self)}
        return json.dumps(fields | {"crc": _crc(fields)}, indent=1).encode()

    @classmethod
    def decode(cls, data: bytes, path: Path) -> BlockMeta:
        """Raises CorruptFile; StorageError for a version that this program does not know."""
        try:
            fields = json.loads(data)
            crc, version = fields.pop("crc"), fields["version"]
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise CorruptFile(str(path), 0, f"not the description of a block: {problem}") from None
        if crc != _crc(fields):
            raise CorruptFile(str(path), 0, "checksum mismatch")
        if version != BLOCK_VERSION:
            raise StorageError(f"{path}: version {version} is not one that this program reads")
        del fields["version"]
        return cls(**fields | {"parents": tuple(fields["parents"])})


def _crc(fields: dict[str, object]) -> int:
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    crc: int = isal_zlib.crc32(text.encode())
    return crc


def is_ulid(name: str) -> bool:
    return len(name) == ULID_CHARS and set(name) <= set(_DIGITS) and name[0] <= "7"


class Ulids:
    """Names of new blocks: each greater than all before, even where the clock steps back."""

    def __init__(self, clock: Clock, taken: Iterable[str] = ()) -> None:
        self._clock = clock
        self._last = max((_number(name) for name in taken), default=0)

    def __repr__(self) -> str:
        return f"Ulids(after {_name(self._last)})"

    def next(self) -> str:
        fresh = max(self._clock.now_ms(), 0) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        self._last = max(self._last + 1, fresh)
        return _name(self._last)

    def time_ms(self, name: str) -> int:
        """When that name was made."""
        return _number(name) >> _RANDOM_BITS


def _name(number: int) -> str:
    return "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(ULID_CHARS)))


def _number(name: str) -> int:
    number = 0
    for digit in name:
        number = number << 5 | _DIGITS.index(digit)
    return number
