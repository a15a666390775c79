"""Bounded decompression of scraped bodies."""

from __future__ import annotations

from typing import Final

from isal import isal_zlib

from termprom.errors import BodyTooLarge, ScrapeError

# The stub takes the class for an instance.
_IsalError: type[Exception] = isal_zlib.error  # type: ignore[assignment]

_MAGIC: Final = b"\x1f\x8b"
_GZIP: Final = 31
_HEADER_BYTES: Final = 10
_STEP_BYTES: Final = 8 << 20


def gunzip(packed: bytes, limit_bytes: int) -> bytes:
    """The content of a gzip body, shorter than `limit_bytes`.

    Raises BodyTooLarge as soon as the content reaches the limit, so that a small body cannot fill
    the memory; ScrapeError in the original's words for what is no gzip.
    """
    if not packed.startswith(_MAGIC):
        raise ScrapeError(_short(packed) or "gzip: invalid header")
    parts: list[bytes] = []
    size = 0
    rest = packed
    while rest:
        member = isal_zlib.decompressobj(_GZIP)
        try:
            while not member.eof:
                part = member.decompress(rest, min(_STEP_BYTES, limit_bytes - size))
                rest = member.unconsumed_tail
                size += len(part)
                parts.append(part)
                if size >= limit_bytes:
                    raise BodyTooLarge(limit_bytes)
                if not part and not rest and not member.eof:
                    raise ScrapeError("unexpected EOF")
        except _IsalError as problem:
            raise ScrapeError(_words(str(problem), first=not size)) from problem
        rest = member.unused_data
        if rest and not rest.startswith(_MAGIC):
            raise ScrapeError("gzip: invalid header")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _short(packed: bytes) -> str:
    """The complaint about a text that is too short to have a header at all."""
    if not packed:
        return "EOF"
    return "unexpected EOF" if len(packed) < _HEADER_BYTES else ""


def _words(text: str, *, first: bool) -> str:
    """isal's complaint as the original says it."""
    if "header" in text.lower() and first:
        return "gzip: invalid header"
    if "checksum" in text.lower() or "crc" in text.lower():
        return "gzip: invalid checksum"
    return f"gzip: corrupt input: {text}"
