"""manifest.json: what the blocks already hold of the log (FORMAT.md, section 1)."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from isal import isal_zlib

from termprom.errors import CorruptFile, StorageError
from termprom.tsdb.admission import NO_TIME
from termprom.tsdb.files import MANIFEST_NAME, Files, storage_errors

FORMAT_VERSION: Final = 1

logger = logging.getLogger("termprom.tsdb")


@dataclass(frozen=True, slots=True)
class Manifest:
    """`floor_ms`: in-order samples before it are in blocks. `out_of_order_segment`: late samples
    of log segments before it are in blocks.
    """

    version: int = FORMAT_VERSION
    floor_ms: int = NO_TIME
    out_of_order_segment: int = 0


def read_manifest(files: Files, folder: Path) -> Manifest | None:
    """The folder's manifest; None where there is none yet.

    Raises CorruptFile, and StorageError for a version that this program does not know.
    """
    path = folder / MANIFEST_NAME
    if not path.exists():
        return None
    with storage_errors(path):
        data = files.read(path)
    try:
        found = json.loads(data)
        version = int(found["version"])
        manifest = Manifest(version, int(found["floor_ms"]), int(found["out_of_order_segment"]))
        if found["crc"] != _crc(manifest):
            raise ValueError("checksum mismatch")
    except (ValueError, KeyError, TypeError) as problem:
        raise CorruptFile(str(path), 0, f"not a manifest: {problem}") from problem
    if version != FORMAT_VERSION:
        raise StorageError(f"{path}: format version {version} is not one that this version reads")
    return manifest


def open_manifest(files: Files, folder: Path, *, repair: bool) -> Manifest:
    """The folder's manifest, made with `repair` where there is none.

    Without one that checks the whole log is replayed: twice is better than never. Raises DiskFull
    or StorageError.
    """
    try:
        manifest = read_manifest(files, folder)
    except CorruptFile as problem:
        logger.error("%s; the whole log is replayed", problem)
        manifest = None
    if manifest is None:
        manifest = Manifest()
        if repair:
            write_manifest(files, folder, manifest)
    return manifest


def write_manifest(files: Files, folder: Path, manifest: Manifest) -> None:
    """Raises DiskFull or StorageError; the old manifest is then still whole."""
    path = folder / MANIFEST_NAME
    with storage_errors(path):
        fields = asdict(manifest) | {"crc": _crc(manifest)}
        files.write_atomic(path, json.dumps(fields).encode())


def _crc(manifest: Manifest) -> int:
    crc: int = isal_zlib.crc32(json.dumps(asdict(manifest)).encode())
    return crc
