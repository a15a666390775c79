"""Which of the program's streams is the terminal."""

from __future__ import annotations

import sys


def draw_on_terminal() -> None:
    """Textual draws on stderr, as it was at the start; where that is a file (`termprom 2>err.log`)
    and stdout is the terminal, it shall draw there.
    """
    errors, output = sys.__stderr__, sys.__stdout__
    if output is not None and output.isatty() and not (errors is not None and errors.isatty()):
        sys.__stderr__ = output  # type: ignore[misc]  # where Textual looks, and nobody else writes
