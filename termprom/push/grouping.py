"""Grouping keys and the paths that name them.

    /metrics/job/<JOB>{/<LABEL>/<VALUE>}
    /metrics/job@base64/<JOB>{/<LABEL>@base64/<VALUE>}

A path is percent-decoded before it is split, so a value with a slash has to come as base64: the
URL-safe alphabet, padding optional, and a lone `=` for the empty value.
Source: README of the Pushgateway.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from termprom.errors import PushError
from termprom.model.escaped_names import escape_name, unescape_name
from termprom.model.labels import Labels, is_legacy_label_name

PREFIX: Final = "/metrics/"
INSTANCE: Final = "instance"
JOB: Final = "job"

_BASE64: Final = "@base64"
_ALPHABET: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@dataclass(frozen=True, slots=True, order=True)
class GroupingKey:
    """The exact label set of one group, sorted by name. Unlike a series it may hold empty values:
    {job="a"} and {job="a", instance=""} are two groups.
    """

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> GroupingKey:
        return cls(tuple(sorted(labels.items())))

    def labels(self) -> Labels:
        """The key as it is, empty values included."""
        return Labels(self.pairs)

    def series_labels(self) -> dict[str, str]:
        """What every series of the group carries: the key, and `instance` even where it is empty.

        The explicit empty label keeps a scraper with `honor_labels` from adding its own instance.
        """
        return {INSTANCE: "", **dict(self.pairs)}

    def __str__(self) -> str:
        return str(self.labels())


def parse_path(raw_path: str, *, utf8_names: bool = False) -> GroupingKey:
    """The key that a request path names, still percent-encoded. Raises PushError.

    With `utf8_names` a label may have any name, written as `U__` text where it needs to be.
    """
    path = unquote(raw_path, errors="replace").removeprefix(PREFIX)
    keyword, _, rest = path.partition("/")
    job, slash, rest = rest.partition("/")
    if keyword == JOB + _BASE64:
        try:
            job = _decoded(job)
        except _BadBase64 as problem:
            raise PushError(
                f'invalid base64 encoding in job name "{problem.sound}": {problem}'
            ) from problem
    labels = _labels("/" + rest if slash else "", utf8_names=utf8_names)
    if not job:
        raise PushError("job name is required")
    return GroupingKey.of({**labels, JOB: job})


def path_of(key: GroupingKey) -> str:
    """A request path that names `key`; every value as base64, which leaves none out."""
    labels = dict(key.pairs)
    parts = [(JOB, labels.pop(JOB))]
    for name, value in labels.items():
        parts.append((name if is_legacy_label_name(name) else escape_name(name), value))
    return PREFIX + "/".join(f"{name}{_BASE64}/{_encoded(value)}" for name, value in parts)


def _encoded(value: str) -> str:
    return urlsafe_b64encode(value.encode()).decode().rstrip("=") or "="


def _labels(rest: str, *, utf8_names: bool) -> dict[str, str]:
    if len(rest) <= 1:
        return {}
    pieces = rest[1:].split("/")
    if len(pieces) % 2:
        raise PushError(f'odd number of components in label string "{rest}"')
    labels: dict[str, str] = {}
    for written, value in zip(pieces[::2], pieces[1::2], strict=True):
        bare = written.removesuffix(_BASE64)
        name = unescape_name(bare) if utf8_names else bare
        valid = bool(name) if utf8_names else is_legacy_label_name(name)
        if not valid or name.startswith("__"):
            raise PushError(f'improper label name "{name}"')
        if bare != written:
            try:
                labels[name] = _decoded(value)
            except _BadBase64 as problem:
                raise PushError(
                    f'invalid base64 encoding for label {name}="{value}": {problem}'
                ) from problem
        else:
            labels[name] = value
    return labels


class _BadBase64(ValueError):
    """Byte `at` is at fault; `sound` is what stands before it, decoded."""

    def __init__(self, at: int, sound: str) -> None:
        super().__init__(f"illegal base64 data at input byte {at}")
        self.sound = sound


def _decoded(text: str) -> str:
    """The text behind URL-safe base64. Raises _BadBase64."""
    bare = text.rstrip("=")
    bad = next((place for place, char in enumerate(bare) if char not in _ALPHABET), None)
    if bad is None and len(bare) % 4 == 1:
        bad = len(bare) - 1  # six bits are no byte
    if bad is not None:
        sound = urlsafe_b64decode(bare[: bad // 4 * 4]).decode("utf-8", "replace")
        raise _BadBase64(bad, sound)
    return urlsafe_b64decode(bare + "=" * (-len(bare) % 4)).decode("utf-8", "replace")
