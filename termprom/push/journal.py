"""The file behind the groups: one line per change, and a rewrite when most lines are superseded.

    <crc32 of the rest, 8 hex digits> <space> <JSON> <newline>

A line holds the whole group as it became, or its key alone where it was deleted. A push is on disk,
synced, before it is answered, at the cost of one group and not of the whole store. Reading stops at
the first line that is torn or fails its checksum; what follows it is cut off.

    {"labels": {"job": "a"}, "pushed_ms": 1700000000000, "failed_ms": 0, "families": [
        {"name": "m", "type": "gauge", "help": "", "unit": "", "pushed_ms": 1700000000000,
         "samples": [[[["__name__", "m"], ["instance", ""], ["job", "a"]], "3.14"]]}]}
    {"labels": {"job": "a"}, "deleted": true}

Values are text, because JSON has no NaN and no infinity.
"""

from __future__ import annotations

import logging
import os
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from termprom import limits
from termprom.errors import PushError
from termprom.exposition.families import MetricFamily, Sample
from termprom.model.labels import Labels
from termprom.model.metadata import Metadata, MetricType
from termprom.push.group import PushedFamily, PushGroup
from termprom.push.grouping import GroupingKey

log = logging.getLogger("termprom.push")

Groups = dict[GroupingKey, PushGroup]


class Journal:
    """Owns the file. Not safe to share between threads; all methods block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._size_bytes = 0
        self._live_bytes: dict[GroupingKey, int] = {}

    def load(self) -> Groups:
        """The groups on disk; the file is open for appending afterwards. Raises OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        body = self._path.read_bytes() if self._path.exists() else b""
        groups: Groups = {}
        at = 0
        while at < len(body):
            end = body.find(b"\n", at) + 1
            record = _decode_line(body[at : end - 1]) if end else None
            if record is None:
                fields = {"file": self._path, "offset": at, "bytes": len(body) - at}
                log.error("could not load all persisted metrics", extra={"fields": fields})
                break
            self._apply(groups, record, end - at)
            at = end
        self._open(at)
        return groups

    def _apply(self, groups: Groups, record: PushGroup | GroupingKey, size_bytes: int) -> None:
        if isinstance(record, GroupingKey):
            groups.pop(record, None)
            self._live_bytes.pop(record, None)
        else:
            groups[record.key] = record
            self._live_bytes[record.key] = size_bytes

    def write(self, changes: Iterable[PushGroup | GroupingKey], groups: Groups) -> None:
        """Append what changed: a group as it is now, or the key of one that was deleted.

        `groups` is the store after the change, for when the file is due for rewriting.
        Raises PushError, and then nothing of the change is in the file.
        """
        lines = [(change, _encode_line(change)) for change in changes]
        try:
            self._append(b"".join(line for _, line in lines))
        except OSError as problem:
            fields = {"file": self._path, "error": problem.strerror}
            log.error("error persisting metrics", extra={"fields": fields})
            raise PushError(f"error persisting metrics: {problem.strerror}", 500) from problem
        for change, line in lines:
            self._apply({}, change, len(line))
        live = sum(self._live_bytes.values())
        if self._size_bytes > 2 * live + limits.PUSH_JOURNAL_SLACK_BYTES:
            self._rewrite(groups)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self, size_bytes: int) -> None:
        flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o644)
        os.ftruncate(self._descriptor, size_bytes)
        self._size_bytes = size_bytes

    def _append(self, data: bytes) -> None:
        try:
            view = memoryview(data)
            while len(view):
                view = view[os.write(self._descriptor, view) :]
            os.fsync(self._descriptor)
        except OSError:
            # A half-written line would hide all that come after it.
            os.ftruncate(self._descriptor, self._size_bytes)
            raise
        self._size_bytes += len(data)

    def _rewrite(self, groups: Groups) -> None:
        """Only what lives, in a new file that takes the old one's name; a failure costs nothing."""
        temporary = self._path.with_name(self._path.name + ".in_progress")
        lines = {group.key: _encode_line(group) for group in groups.values()}
        try:
            with temporary.open("wb") as opened:
                opened.writelines(lines.values())
                opened.flush()
                os.fsync(opened.fileno())
            temporary.replace(self._path)
            self.close()
            self._open(sum(map(len, lines.values())))
        except OSError as problem:
            temporary.unlink(missing_ok=True)
            fields = {"file": self._path, "error": problem.strerror}
            log.error("error rewriting persisted metrics", extra={"fields": fields})
            return
        self._live_bytes = {key: len(line) for key, line in lines.items()}


def _encode_line(record: PushGroup | GroupingKey) -> bytes:
    if isinstance(record, GroupingKey):
        content: dict[str, Any] = {"labels": dict(record.pairs), "deleted": True}
    else:
        content = {
            "labels": dict(record.key.pairs),
            "pushed_ms": record.pushed_ms,
            "failed_ms": record.failed_ms,
            "families": [_family_content(stored) for stored in record.families.values()],
        }
    text = orjson.dumps(content)
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _family_content(stored: PushedFamily) -> dict[str, Any]:
    family = stored.family
    return {
        "name": family.name,
        "type": str(family.metadata.type),
        "help": family.metadata.help,
        "unit": family.metadata.unit,
        "pushed_ms": stored.pushed_ms,
        "samples": [([*sample.labels], repr(float(sample.value))) for sample in family.samples],
    }


def _decode_line(line: bytes) -> PushGroup | GroupingKey | None:
    """The record of a line without its newline; None where the line is not sound."""
    checksum, _, text = line.partition(b" ")
    try:
        if int(checksum, 16) != zlib.crc32(text):
            return None
        content = orjson.loads(text)
        key = GroupingKey.of(content["labels"])
        if content.get("deleted"):
            return key
        families = {one["name"]: _family_of(one) for one in content["families"]}
        return PushGroup(key, families, content["pushed_ms"], content["failed_ms"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _family_of(content: Mapping[str, Any]) -> PushedFamily:
    samples = tuple(
        Sample(Labels((name, value) for name, value in labels), float(number))
        for labels, number in content["samples"]
    )
    metadata = Metadata(MetricType(content["type"]), content["help"], content["unit"])
    return PushedFamily(MetricFamily(content["name"], metadata, samples), content["pushed_ms"])
