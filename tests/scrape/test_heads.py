"""Heads are recognised whatever the values between them, and only if every byte is right."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from termprom.model.values import Ints
from termprom.scrape.heads import Heads

# Around the width of a piece, and far above it.
TEXTS = st.one_of(st.integers(1, 6), st.integers(28, 36), st.integers(60, 100)).flatmap(
    lambda size: st.binary(min_size=size, max_size=size).map(
        lambda text: text.replace(b"\n", b"#").replace(b" ", b"_") + b" "
    )
)
HEADS = st.lists(TEXTS, min_size=1, max_size=12)
SIZES = st.lists(st.integers(1, 30), min_size=12, max_size=12)


def body_of(heads: list[bytes], sizes: list[int]) -> tuple[bytes, Ints, Ints]:
    """A body, and the bounds of its values; each value is as long as `sizes` says."""
    body = bytearray()
    starts, ends = [], []
    for head, size in zip(heads, sizes, strict=False):
        body += head
        starts.append(len(body))
        body += b"7" * size
        ends.append(len(body))
        body += b"\n"
    return bytes(body), np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64)


@given(HEADS, SIZES, SIZES)
def test_other_values_do_not_matter(heads: list[bytes], old: list[int], new: list[int]) -> None:
    known = Heads(*body_of(heads, old))
    body, starts, ends = body_of(heads, new)
    found = known.find(body, ends)
    assert found is not None
    assert found.tolist() == starts.tolist()
    assert known.text() == b"\n".join([*heads, b""])


@given(HEADS, SIZES, SIZES, st.data())
def test_a_changed_byte_matters(
    heads: list[bytes], old: list[int], new: list[int], data: st.DataObject
) -> None:
    known = Heads(*body_of(heads, old))
    number = data.draw(st.integers(0, len(heads) - 1))
    place = data.draw(st.integers(0, len(heads[number]) - 1))
    broken = bytearray(heads[number])
    broken[place] ^= 1
    body, _, ends = body_of([*heads[:number], bytes(broken), *heads[number + 1 :]], new)
    assert known.find(body, ends) is None


@given(HEADS, SIZES, st.data())
def test_a_head_of_another_length_matters(
    heads: list[bytes], sizes: list[int], data: st.DataObject
) -> None:
    known = Heads(*body_of(heads, sizes))
    number = data.draw(st.integers(0, len(heads) - 1))
    longer = [*heads[:number], b"xx" + heads[number], *heads[number + 1 :]]
    body, _, ends = body_of(longer, sizes)
    assert known.find(body, ends) is None
    fewer = body_of(heads, sizes)
    assert Heads(*body_of(longer, sizes)).find(fewer[0], fewer[2]) is None
