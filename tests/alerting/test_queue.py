from __future__ import annotations

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from termprom.alerting.queue import NotificationQueue


def test_the_oldest_go_first() -> None:
    queue: NotificationQueue[int] = NotificationQueue(3)
    assert queue.add([1, 2]) == 0
    assert queue.add([3, 4]) == 1
    assert queue.take(10) == [2, 3, 4]


def test_of_a_batch_that_is_too_large_the_last_stay() -> None:
    queue: NotificationQueue[int] = NotificationQueue(2)
    queue.add([0])
    assert queue.add([1, 2, 3]) == 2
    assert queue.take(2) == [2, 3]


@settings(max_examples=50)
@given(
    capacity=st.integers(1, 5),
    steps=st.lists(st.one_of(st.lists(st.integers(), max_size=7), st.integers(0, 4)), max_size=30),
)
def test_it_is_a_deque_with_a_bound(capacity: int, steps: list[list[int] | int]) -> None:
    queue: NotificationQueue[int] = NotificationQueue(capacity)
    twin: deque[int] = deque(maxlen=capacity)
    for step in steps:
        if isinstance(step, int):
            assert queue.take(step) == [twin.popleft() for _ in range(min(step, len(twin)))]
        else:
            dropped = queue.add(step)
            assert dropped == max(len(twin) + len(step) - capacity, 0)
            twin.extend(step)
        assert len(queue) == len(twin)
    assert queue.clear() == len(twin)
