"""match and reReplaceAll: RE2 patterns, with mistakes in the words of Go's regexp."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from termprom import limits
from termprom.model.regex import compile_re2
from termprom.rules.templates.failure import FunctionFailure
from termprom.rules.templates.quoting import go_quote, is_print

_REFERENCE: Final = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")


@lru_cache(maxsize=128)
def _compile(pattern: str) -> Any:
    """Raises ValueError."""
    return compile_re2(pattern, dot_matches_newline=False)


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern is found anywhere in the text."""
    try:
        return _compile(pattern).search(text) is not None
    except ValueError as problem:
        raise FunctionFailure(str(problem)) from problem


def replace_all(pattern: str, replacement: str, text: str) -> str:
    """Every match replaced; `$1`, `${1}`, `$name` and `$$` are filled in."""
    try:
        compiled = _compile(pattern)
    except ValueError as problem:
        shown = f"`{pattern}`" if _is_plain(pattern) else go_quote(pattern)
        raise FunctionFailure(f"regexp: Compile({shown}): {problem}") from problem
    parts: list[str] = []
    size = 0
    end = 0
    for found in compiled.finditer(text):
        # Right after a match the original does not look for an empty one.
        if found.start() == found.end() == end and end > 0 and parts:
            continue
        parts += (text[end : found.start()], _filled(replacement, found, compiled))
        size += len(parts[-1]) + len(parts[-2])
        if size > limits.TEMPLATE_TEXT_MAX:
            raise FunctionFailure("text is too long")
        end = found.end()
    parts.append(text[end:])
    return "".join(parts)


def _is_plain(text: str) -> bool:
    """Whether Go would write it between back-quotes."""
    return "`" not in text and all(is_print(char) or char == "\t" for char in text)


def _filled(replacement: str, found: Any, compiled: Any) -> str:
    def value(reference: re.Match[str]) -> str:
        if reference.group(1):
            return "$"
        name = reference.group(2) or reference.group(3)
        if name.isascii() and name.isdigit():
            number = int(name[:9])
            return (found.group(number) or "") if number <= compiled.groups else ""
        if name in compiled.groupindex:
            return found.group(name) or ""
        return ""

    return _REFERENCE.sub(value, replacement)
