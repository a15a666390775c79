"""What one evaluation carries along: its snapshot, its limits, and what it found worth saying."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Final

from termprom import limits
from termprom.errors import QueryCanceled, QueryTimeout, TooManySamples
from termprom.promql.notices import Notices
from termprom.storage import Querier

_TOO_MANY: Final = "query processing would load too many samples into memory in query execution"


class CancelToken:
    """A flag that any thread may set and the evaluating thread looks at between batches."""

    def __init__(self) -> None:
        self._flag = threading.Event()

    def __repr__(self) -> str:
        return f"CancelToken({'cancelled' if self.cancelled else 'live'})"

    def cancel(self) -> None:
        self._flag.set()

    @property
    def cancelled(self) -> bool:
        return self._flag.is_set()


@dataclass(slots=True)
class Run:
    """One evaluation: one thread leads it, others may help; all methods may be called by any.

    `deadline` is in seconds of time.monotonic(). `one_step` says that duplicates are only checked,
    never merged over time, and that results keep the order that sort() gives.
    """

    querier: Querier
    lookback_ms: int
    default_step_ms: int
    samples_max: int
    deadline: float
    cancel: CancelToken
    one_step: bool
    delayed_name_removal: bool
    start_timestamps: bool = False
    notices: Notices = field(default_factory=Notices)
    held_samples: int = 0
    peak_samples: int = 0
    seen_samples: int = 0
    counting: threading.Lock = field(default_factory=threading.Lock)

    def check(self) -> None:
        """Raise QueryCanceled or QueryTimeout where it is time to stop; cheap."""
        if self.cancel.cancelled:
            raise QueryCanceled("query was canceled in expression evaluation")
        if time.monotonic() > self.deadline:
            raise QueryTimeout("query timed out in expression evaluation")

    def pass_by(self, samples: int) -> None:
        """Samples that are looked at and forgotten again."""
        self.check()
        with self.counting:
            self.seen_samples += samples
            self._limit(self.held_samples + samples)

    def hold(self, samples: int) -> None:
        """Samples that stay in memory until the query ends."""
        self.check()
        with self.counting:
            self.held_samples += samples
            self._limit(self.held_samples)

    def require_room(self, series: int, steps: int) -> None:
        """Refuse a matrix whose bare cells would take too much, whatever is in them."""
        if series * steps > limits.QUERY_CELLS_MAX:
            raise TooManySamples(_TOO_MANY)

    def release(self, samples: int) -> None:
        """Samples that were held and are not needed any more."""
        with self.counting:
            self.held_samples -= samples

    def _limit(self, samples: int) -> None:
        self.peak_samples = max(self.peak_samples, samples)
        if samples > self.samples_max:
            raise TooManySamples(_TOO_MANY)
