"""What a query will cost, guessed before it runs: samples that its selectors give over its steps.

Each selector is counted at the end of the range, which costs the engine a look at its index. A
count that does not come in time says nothing, and the query runs.
"""

from __future__ import annotations

import asyncio
from typing import Final

from termprom.backend.interface import Backend
from termprom.errors import TermpromError
from termprom.tui.editor.context import selectors_in

SAMPLES_MAX: Final = 5_000_000  # more than this, and the operator is asked
_PATIENCE_SECONDS: Final = 0.5


async def samples_of(backend: Backend, expr: str, at_ms: int, steps: int) -> int:
    """Series of all selectors times steps; 0 where nobody knows."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            counts = [await _count(backend, one, at_ms) for one in selectors_in(expr)]
    except (TermpromError, TimeoutError):
        return 0
    return sum(counts) * max(steps, 1)


async def _count(backend: Backend, selector: str, at_ms: int) -> int:
    result = await backend.query(f"count({selector})", at_ms, timeout_seconds=_PATIENCE_SECONDS)
    return int(result.values[0, 0]) if result.values.size else 0
