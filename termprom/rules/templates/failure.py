"""How parsing and executing a template end early; only `expand` shows them to others."""

from __future__ import annotations

from termprom.errors import TemplateError


class FunctionFailure(Exception):
    """A function that cannot give a result; the text follows `error calling NAME: `."""


def parse_failure(name: str, line: int, message: str) -> TemplateError:
    """A template that cannot be read."""
    return TemplateError(f"template: {name}:{line}: {message}")
