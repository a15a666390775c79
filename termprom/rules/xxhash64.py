"""xxHash64 with seed 0: the hash that spreads rule groups over their interval.

Written out because the only use is a few dozen short keys; see the xxHash specification, "XXH64".
"""

from __future__ import annotations

import struct
from typing import Final

_MASK: Final = 2**64 - 1
_P1: Final = 0x9E3779B185EBCA87
_P2: Final = 0xC2B2AE3D27D4EB4F
_P3: Final = 0x165667B19E3779F9
_P4: Final = 0x85EBCA77C2B2AE63
_P5: Final = 0x27D4EB2F165667C5


def _rotate(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _MASK


def _round(lane: int, word: int) -> int:
    return (_rotate((lane + word * _P2) & _MASK, 31) * _P1) & _MASK


def xxhash64(data: bytes) -> int:
    """The 64-bit hash of `data`."""
    at = 0
    if len(data) >= 32:
        lanes = [(_P1 + _P2) & _MASK, _P2, 0, (-_P1) & _MASK]
        while at + 32 <= len(data):
            words = struct.unpack_from("<4Q", data, at)
            lanes = [_round(lane, word) for lane, word in zip(lanes, words, strict=True)]
            at += 32
        digest = 0
        for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True):
            digest = (digest + _rotate(lane, bits)) & _MASK
        for lane in lanes:
            digest = ((digest ^ _round(0, lane)) * _P1 + _P4) & _MASK
    else:
        digest = _P5
    digest = (digest + len(data)) & _MASK

    while at + 8 <= len(data):
        (word,) = struct.unpack_from("<Q", data, at)
        digest = (_rotate(digest ^ _round(0, word), 27) * _P1 + _P4) & _MASK
        at += 8
    if at + 4 <= len(data):
        (word,) = struct.unpack_from("<I", data, at)
        digest = (_rotate(digest ^ ((word * _P1) & _MASK), 23) * _P2 + _P3) & _MASK
        at += 4
    for byte in data[at:]:
        digest = (_rotate(digest ^ ((byte * _P5) & _MASK), 11) * _P1) & _MASK

    digest = ((digest ^ (digest >> 33)) * _P2) & _MASK
    digest = ((digest ^ (digest >> 29)) * _P3) & _MASK
    return digest ^ (digest >> 32)
