"""Silences on disk: one JSON document, replaced as a whole and synced before a change is answered.

{"version": 1, "silences": [{"id": "...", "matchers": [["alertname", "=", "Hot"]],
 "starts_ms": 0, "ends_ms": 0, "updated_ms": 0, "created_by": "", "comment": "",
 "annotations": {}}]}
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from termprom.errors import StorageError
from termprom.model.labels import Labels
from termprom.model.matchers import Matcher, MatchOp
from termprom.model.silences import Silence

_VERSION = 1


def read_silences(path: Path) -> list[Silence]:
    """None where there is no file yet. Raises StorageError for one that cannot be used."""
    try:
        document = orjson.loads(path.read_bytes())
        if document["version"] != _VERSION:
            raise ValueError(f"version {document['version']} is not known here")
        return [_silence(one) for one in document["silences"]]
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise StorageError(f"{path}: {problem.strerror or problem}") from problem
    except (ValueError, KeyError, TypeError) as problem:
        raise StorageError(f"{path}: not a file of silences: {problem}") from problem


def write_silences(path: Path, silences: Iterable[Silence]) -> None:
    """Raises StorageError; the old file stays then."""
    text = orjson.dumps({"version": _VERSION, "silences": [_plain(one) for one in silences]})
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        # The rename is on disk only once the folder is.
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as problem:
        raise StorageError(f"{path}: {problem.strerror or problem}") from problem


def _plain(one: Silence) -> dict[str, Any]:
    return {
        "id": one.id,
        "matchers": [[matcher.name, matcher.op.value, matcher.value] for matcher in one.matchers],
        "starts_ms": one.starts_ms,
        "ends_ms": one.ends_ms,
        "updated_ms": one.updated_ms,
        "created_by": one.created_by,
        "comment": one.comment,
        "annotations": dict(one.annotations),
    }


def _silence(one: dict[str, Any]) -> Silence:
    return Silence(
        tuple(Matcher(name, MatchOp(op), value) for name, op, value in one["matchers"]),
        int(one["starts_ms"]),
        int(one["ends_ms"]),
        str(one["created_by"]),
        str(one["comment"]),
        Labels.of(one["annotations"]),
        str(one["id"]),
        int(one["updated_ms"]),
    )
