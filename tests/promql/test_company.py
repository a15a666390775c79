"""Work shared out among threads: in order, bounded, and with errors where they belong."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from termprom.promql.company import shared_out


def test_results_come_in_order_whoever_is_first() -> None:
    gate = threading.Event()

    def work(item: int) -> int:
        if item == 1:
            assert gate.wait(10)
        if item == 2:
            gate.set()
        return item * item

    assert list(shared_out(iter(range(20)), work)) == [one * one for one in range(20)]


def test_the_first_is_done_by_who_asks() -> None:
    threads = list(shared_out(iter(range(3)), lambda _: threading.current_thread().name))
    assert threads[0] == threading.current_thread().name
    assert set(threads[1:]).isdisjoint({threads[0]})


def test_an_error_comes_at_its_place_and_ends_it() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    def work(item: int) -> int:
        if item == 5:
            raise ValueError(item)
        return item

    found = shared_out(items(), work)
    assert [next(found) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="5"):
        next(found)
    assert len(taken) < 100


def test_not_much_is_under_way_ahead_of_who_takes() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    found = shared_out(items(), lambda item: item)
    for number in range(50):
        assert next(found) == number
        assert len(taken) - number < 20
    found.close()  # type: ignore[attr-defined]


def test_other_threads_take_odd_numbers_as_calmly() -> None:
    with np.errstate(all="ignore"):
        found = list(shared_out(iter([0.0, 0.0, 0.0]), lambda one: np.log(np.array([one]))))
    assert [float(one[0]) for one in found] == [-np.inf] * 3
