"""RE2 patterns of users, with mistakes in the words of Go's regexp package."""

from __future__ import annotations

import re
from typing import Any, Final

import re2

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
    "pattern too large - compile failed": "expression too large",
}
_LITERAL: Final = re.compile(r"\\Q.*?(?:\\E|$)", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
# Refuses what would need more than this to compile: one pattern must not take the memory of all.
_BYTES_MAX: Final = 8 << 20


def compile_re2(pattern: str, *, dot_matches_newline: bool = True) -> Any:
    """A pattern of google-re2. Raises ValueError."""
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = dot_matches_newline
    options.max_mem = _BYTES_MAX
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as problem:
        reason = problem.args[0] if problem.args else ""
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        what, where = _in_words_of_go(pattern, *text.partition(": ")[::2])
        raise ValueError(f"error parsing regexp: {what}: `{where}`") from problem
    if "\\C" in pattern and "C" in _ESCAPED.findall(_LITERAL.sub("", pattern)):
        # "Any byte" to the C++ library, nothing to Go.
        raise ValueError("error parsing regexp: invalid escape sequence: `\\C`")
    return compiled


def _in_words_of_go(pattern: str, what: str, where: str) -> tuple[str, str]:
    """The mistake, and the part of the pattern that Go shows."""
    if what == "trailing \\":
        where = ""
    if what == "invalid perl operator" and where.startswith("(?<"):
        # Looking back; Go takes it for a name that should end with `>`.
        rest = pattern[pattern.find("(?<") :]
        return "invalid named capture", rest[: rest.find(">") + 1] or rest
    return _WORDS.get(what, what), where
