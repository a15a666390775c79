"""Bytes of a configuration file as text."""

from __future__ import annotations

import os
from pathlib import Path

from termprom import limits
from termprom.errors import ConfigError


def read_text(path: Path) -> str:
    """The text of `path`. Raises ConfigError when it cannot be read or is not UTF-8."""
    try:
        with path.open("rb") as file:
            raw = file.read(4 * limits.CONFIG_CHARS_MAX + 1)
    except OSError as problem:
        reason = os.strerror(problem.errno).lower() if problem.errno else str(problem)
        raise ConfigError(f"open {path}: {reason}") from problem
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        raise ConfigError("yaml: invalid UTF-8", str(path), line) from problem
