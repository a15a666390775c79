"""Every bound of the program, with its unit and its reason.

What happens at a bound is said where the bound is used; nothing is dropped silently.
"""

from __future__ import annotations

from typing import Final

# --- Queries (the defaults of the original's flags) -------------------------------------------
QUERY_SAMPLES_MAX: Final = 50_000_000  # --query.max-samples
QUERY_TIMEOUT_SECONDS: Final = 120.0  # --query.timeout
QUERY_CONCURRENCY_MAX: Final = 20  # --query.max-concurrency
QUERY_STEPS_MAX: Final = 11_000  # points per series in one range query, as upstream
LOOKBACK_MS: Final = 300_000  # --query.lookback-delta

# --- Events between engine and screen ---------------------------------------------------------
EVENTS_PER_SECOND_MAX: Final = 4  # per topic and subscriber; more are merged into one
EVENT_QUEUE_MAX: Final = 256  # a subscriber this far behind loses the oldest event
LOG_LINES_MAX: Final = 5_000  # kept in memory for the Logs pane
