"""What is wrong with an expression while it is being typed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from termprom.errors import ParseError
from termprom.promql.syntax.parse import parse
from termprom.tui.editor.highlight import closing, open_brackets, pieces


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake at [start, end), in characters; `unfinished` is one that more typing may end."""

    message: str
    start: int
    end: int
    unfinished: bool = False


def diagnose(text: str) -> Finding | None:
    """The first mistake of `text`, None where it can be run (or is empty)."""
    if not text.strip():
        return None
    try:
        parse(text)
    except ParseError as problem:
        return _finding(text, problem)
    return None


def _finding(text: str, problem: ParseError) -> Finding:
    start, end = (characters(text, at) for at in (problem.start, problem.end))
    tail = len(text.rstrip())
    if start < tail and not problem.message.startswith("unterminated"):
        # What the lexer refuses is told to reach to the end of the text.
        refused = [one.end for one in pieces(text) if one.start == start]
        return Finding(problem.message, start, max(min([end, *refused]), start + 1))
    opened = open_brackets(text)
    if not opened:
        return Finding(problem.message, min(start, tail), tail, unfinished=True)
    bracket, at = opened[-1]
    message = f"lacks {closing(text)} for {bracket} at {at + 1}"
    return Finding(message, at, at + 1, unfinished=True)


def characters(text: str, at: int) -> int:
    """A byte offset as a position in characters."""
    if text.isascii():
        return min(max(at, 0), len(text))
    return len(text.encode(errors="surrogatepass")[: max(at, 0)].decode(errors="ignore"))
