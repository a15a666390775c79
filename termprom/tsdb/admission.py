"""Which samples a series takes: the original's rules, as one decision on arrays."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np

from termprom.model.values import AnyArray, Ints, TimesMs

NO_TIME: Final = -(2**63)


class Verdict(IntEnum):
    IN_ORDER = 0  # newer than the series' newest sample
    SAME_TIME = 1  # at the time of the newest sample: stored if it has the same value
    LATE = 2  # inside the out-of-order window
    OUT_OF_ORDER = 3
    TOO_OLD = 4


def admit(
    times_ms: TimesMs | int,
    last_ms: Ints,
    *,
    valid_from_ms: int,
    late_from_ms: int | None,
) -> AnyArray:
    """The verdict on each sample, (K,) int8.

    Shapes: times_ms (K,) or one for all; last_ms (K,) the newest in-order sample of each series.
    Window: in order from `valid_from_ms` on; late from `late_from_ms` on, None without a window.
    Source: tsdb/head_append.go, `appendable`. With a window everything outside it is too old;
            without one only what is older than the head takes at all.
    """
    times = np.broadcast_to(np.asarray(times_ms, dtype=np.int64), last_ms.shape)
    valid = times >= valid_from_ms
    if late_from_ms is None:
        verdicts = np.where(valid, np.int8(Verdict.OUT_OF_ORDER), np.int8(Verdict.TOO_OLD))
    else:
        late = times >= late_from_ms
        verdicts = np.where(late, np.int8(Verdict.LATE), np.int8(Verdict.TOO_OLD))
    verdicts[valid & (times == last_ms)] = Verdict.SAME_TIME
    verdicts[valid & (times > last_ms)] = Verdict.IN_ORDER
    return verdicts
