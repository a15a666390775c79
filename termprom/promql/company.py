"""Work in the company of other threads: numpy lets go of the interpreter while it computes.

What is small is done where it was asked for: a thread costs more than a millisecond of work saves.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Final, TypeVar

import numpy as np

T = TypeVar("T")
R = TypeVar("R")

# Threads of all queries together. A kernel saturates its core; more than there are cores only
# take turns.
_WORKERS_MAX: Final = 8
# Asked for once: it opens a file, which is a tenth of a small query.
_WORKERS: Final = min(max(os.cpu_count() or 1, 1), _WORKERS_MAX)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_WORKERS, thread_name_prefix="query")


def shared_out(items: Iterator[T], work: Callable[[T], R]) -> Iterator[R]:
    """`work` of each item, in order. The first is done here, the others by several threads.

    `items` is taken from in this thread, and only a few items further than what is handed out: what
    is under way stays bounded. An error ends the iteration where it would have without threads.
    """
    first = next(items, None)
    if first is None:
        return
    yield work(first)
    under_way: deque[Future[R]] = deque()
    try:
        for item in items:
            under_way.append(_pool().submit(_quietly, work, item))
            if len(under_way) > _WORKERS:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        for future in under_way:
            future.cancel()


def _quietly(work: Callable[[T], R], item: T) -> R:
    # What numpy may complain about is decided per thread.
    with np.errstate(all="ignore"):
        return work(item)
