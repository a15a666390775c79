"""The order in which people read numbers inside texts: a2 before a10."""

from __future__ import annotations


def natural_less(left: str, right: str) -> bool:
    """Whether `left` comes first. Source: reference 6.5, quirks with leading zeroes included."""
    a, b = left.encode(), right.encode()
    i = j = 0
    while True:
        if i >= len(a):
            return j < len(b)
        if j >= len(b):
            return False
        if _is_digit(a[i]) and _is_digit(b[j]):
            (i_start, i_end), (j_start, j_end) = _run(a, i), _run(b, j)
            first, second = a[i_start:i_end], b[j_start:j_end]
            if len(first) != len(second):
                return len(first) < len(second)
            if first != second:
                return first < second
            i, j = i_end, j_end
        elif a[i] != b[j]:
            return a[i] < b[j]
        else:
            i, j = i + 1, j + 1


def _is_digit(byte: int) -> bool:
    return 0x30 <= byte <= 0x39


def _run(text: bytes, start: int) -> tuple[int, int]:
    """The digits at `start` less leading zeroes, [start, end)."""
    end = start + 1
    while end < len(text):
        if text[start] == 0x30:
            start += 1
            end = start + 1
        elif _is_digit(text[end]):
            end += 1
        else:
            break
    return start, end
