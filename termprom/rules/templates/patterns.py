"""match and reReplaceAll: RE2 patterns, with mistakes in the words of Go's regexp."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

import re2

from termprom import limits
from termprom.rules.templates.failure import FunctionFailure
from termprom.rules.templates.quoting import go_quote, is_print

# The C++ library and the Go package name the same mistakes differently.
_WORDS: Final = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "trailing \\": "trailing backslash at end of expression",
    "invalid repetition size": "invalid repeat count",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
}
_REFERENCE: Final = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")


class _BadPattern(Exception):
    pass


@lru_cache(maxsize=128)
def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    try:
        return re2.compile(pattern, options)
    except re2.error as problem:
        reason = problem.args[0] if problem.args else ""
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        what, _, where = text.partition(": ")
        raise _BadPattern(f"error parsing regexp: {_WORDS.get(what, what)}: `{where}`") from problem


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern is found anywhere in the text."""
    try:
        return _compile(pattern).search(text) is not None
    except _BadPattern as problem:
        raise FunctionFailure(str(problem)) from problem


def replace_all(pattern: str, replacement: str, text: str) -> str:
    """Every match replaced; `$1`, `${1}`, `$name` and `$$` are filled in."""
    try:
        compiled = _compile(pattern)
    except _BadPattern as problem:
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
