"""The shortest way for a cursor. Places are (row, column), both from 0."""

from __future__ import annotations

from functools import lru_cache

Place = tuple[int, int]


@lru_cache(maxsize=16_384)
def move(origin: Place | None, goal: Place) -> str:
    """The shortest sequence that takes the cursor to `goal`. From an unknown place, or from behind
    the last column (which terminals treat differently), only an absolute move will do.
    """
    if origin == goal:
        return ""
    row, column = goal
    absolute = _absolute(row, column)
    if origin is None:
        return absolute
    candidates = [absolute]
    down = row - origin[0]
    for vertical in _vertical(down, row):
        candidates += [vertical + across for across in _horizontal(origin[1], column)]
    if down == 1:
        # A line feed may or may not return the carriage, as the tty is set: return it first.
        candidates += ["\r\n" + across for across in _horizontal(0, column)]
    return min(candidates, key=len)


def _absolute(row: int, column: int) -> str:
    if column == 0:
        return f"\x1b[{row + 1}H" if row else "\x1b[H"
    return f"\x1b[{row + 1 if row else ''};{column + 1}H"


def _vertical(down: int, row: int) -> tuple[str, ...]:
    if down == 0:
        return ("",)
    return (f"\x1b[{_count(abs(down))}{'B' if down > 0 else 'A'}", f"\x1b[{row + 1}d")


def _horizontal(origin: int, column: int) -> list[str]:
    right = column - origin
    if right == 0:
        return [""]
    ways = [f"\x1b[{column + 1}G"]
    if column == 0:
        ways.append("\r")
    if right > 0:
        ways.append(f"\x1b[{_count(right)}C")
    else:
        ways += ["\b" * -right, f"\x1b[{_count(-right)}D"]
    return ways


def _count(number: int) -> str:
    return "" if number == 1 else str(number)
