"""Syntax errors in the original's words: what was found, where, and what was expected there.

Source: reference 2.3, the paragraph on syntax-error text.
"""

from __future__ import annotations

from typing import Final

from termprom.errors import ParseError
from termprom.promql.syntax.tokens import ERROR, Token, describe

_DURATION_START: Final = "number, duration, step(), or range()"

# Error alternative of the grammar to (context, what was expected).
EXPECTED: Final[dict[str, tuple[str, str]]] = {
    "fail_labels_open": ("grouping opts", '"("'),
    "fail_labels_more": ("grouping opts", '"," or ")"'),
    "fail_label": ("grouping opts", "label"),
    "fail_offset": ("offset", _DURATION_START),
    "fail_at": ("@", "timestamp"),
    "fail_subquery_end": ("subquery selector", '"]"'),
    "fail_subquery_step": ("subquery selector", 'number, duration, step(), range(), or "]"'),
    "fail_range_end": ("subquery or range", '":" or "]"'),
    "fail_range": ("subquery or range selector", _DURATION_START),
    "fail_aggregate": ("aggregation", ""),
    "fail_matchers_more": ("label matching", '"," or "}"'),
    "fail_matcher_value": ("label matching", "string"),
    "fail_matcher_op": ("label matching", "label matching operator"),
    "fail_matcher": ("label matching", 'identifier or "}"'),
}


def unexpected(token: Token, method: str = "") -> ParseError:
    """`token` does not fit; `method` is the error alternative that applies, if any."""
    if token.type == ERROR:
        return ParseError(token.text, token.start, token.end)
    context, wanted = EXPECTED.get(method, ("", ""))
    message = f"unexpected {describe(token)}"
    if context:
        message += f" in {context}"
    if wanted:
        message += f", expected {wanted}"
    return ParseError(message, token.start, token.end)


def located(problem: ParseError, source: bytes) -> ParseError:
    """`problem` with the line and column of its start."""
    if problem.start < 0 or problem.line:
        return problem
    before = source[: problem.start]
    line = 1 + before.count(b"\n")
    column = problem.start - (before.rfind(b"\n") + 1) + 1
    return ParseError(problem.message, problem.start, problem.end, line, column)
