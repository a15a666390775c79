"""Which files a pattern of `rule_files` or `scrape_config_files` means.

Shell patterns as Go's filepath.Glob has them: `*` and `?` stop at `/` and match hidden files,
`[^a]` negates, a backslash takes the meaning away.
"""

from __future__ import annotations

import glob
import re
from typing import Final

_ALLOWED: Final = re.compile(r"[^*]*(\*[^/]*)?")


def is_file_pattern(pattern: str) -> bool:
    """Whether the first `*`, if any, is in the last path element."""
    return _ALLOWED.fullmatch(pattern) is not None


def matching_files(pattern: str) -> list[str]:
    """Existing files, sorted; none is not an error. Raises ValueError for an open class."""
    translated = _to_python(pattern)
    return sorted(glob.glob(translated, include_hidden=True))


def _to_python(pattern: str) -> str:
    """The pattern in the dialect of Python's glob."""
    parts = []
    index = 0
    while index < len(pattern):
        character = pattern[index]
        if character == "\\":
            if index + 1 == len(pattern):
                raise ValueError("syntax error in pattern")
            parts.append(glob.escape(pattern[index + 1]))
            index += 2
        elif character == "[":
            end = pattern.find("]", index + 2)
            if end < 0:
                raise ValueError("syntax error in pattern")
            inside = pattern[index + 1 : end]
            parts.append("[" + ("!" + inside[1:] if inside.startswith("^") else inside) + "]")
            index = end + 1
        else:
            parts.append(character)
            index += 1
    return "".join(parts).replace("**", "*")
