"""Metric and label names inside a path: what is no legacy name travels as `U__` text.

http.status  <->  U__http_2e_status        `_` is doubled, other characters are _<hex>_
"""

from __future__ import annotations

import re
from typing import Final

from termprom.model.labels import is_legacy_label_name

_PREFIX: Final = "U__"
_PIECE: Final = re.compile(r"__|_([0-9A-Fa-f]{1,6})_|[^_]")


def escape_name(name: str) -> str:
    """The name as a path segment shows it; a legacy name stays as it is."""
    if is_legacy_label_name(name) and not name.startswith(_PREFIX):
        return name
    return _PREFIX + "".join(_escaped(character) for character in name)


def _escaped(character: str) -> str:
    if character == "_":
        return "__"
    if character == ":" or (character.isascii() and character.isalnum()):
        return character
    return f"_{ord(character):x}_"


def unescape_name(segment: str) -> str:
    """The name that a path segment stands for; what is not well escaped stands for itself."""
    if not segment.startswith(_PREFIX):
        return segment
    rest, found, place = segment.removeprefix(_PREFIX), [], 0
    while place < len(rest):
        piece = _PIECE.match(rest, place)
        if piece is None:
            return segment
        if piece[1] is None:
            found.append("_" if piece[0] == "__" else piece[0])
        else:
            point = int(piece[1], 16)
            if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
                return segment
            found.append(chr(point))
        place = piece.end()
    return "".join(found)
