"""What becomes of notifications that could not be delivered: pure.

The original sends once and forgets, and leaves it to the next resending, a minute or more away.
Here a failure that may pass is tried again, so that an Alertmanager which was away for seconds
hears of a new alert within seconds; what has been outlived by then is not told any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from termprom import limits
from termprom.alerting.payload import Message


@dataclass(frozen=True, slots=True)
class Pending:
    """A notification on its way; from `valid_until_ms` on its alert counts as over."""

    message: Message
    valid_until_ms: int


def retry_seconds(failures: int) -> float:
    """How long to wait after so many failures in a row, 1 or more."""
    doubled = limits.NOTIFIER_RETRY_SECONDS_MIN * 2.0 ** min(failures - 1, 30)
    return min(doubled, limits.NOTIFIER_RETRY_SECONDS_MAX)


def still_valid(batch: Sequence[Pending], now_ms: int) -> list[Pending]:
    """Those worth another attempt: later the receiver would take them for alerts that ended."""
    return [one for one in batch if one.valid_until_ms > now_ms]
