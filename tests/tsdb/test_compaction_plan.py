"""What is merged and what is deleted, decided on descriptions of blocks."""

from __future__ import annotations

import pytest

from termprom.testing.clock import ManualClock
from termprom.tsdb.block_meta import BlockMeta, Ulids, is_ulid
from termprom.tsdb.compaction_plan import plan_compaction, range_lengths
from termprom.tsdb.retention import plan_retention

HOUR = 3_600_000
LENGTHS = [2, 6, 18]


def metas(spans: str) -> list[BlockMeta]:
    """Blocks named by "start-end" in hours."""
    return [
        BlockMeta(span, *map(int, span.split("-")), 100, 1000, 900, 100) for span in spans.split()
    ]


@pytest.mark.parametrize(
    ("spans", "wanted"),
    [
        ("", ""),
        ("0-2", ""),
        ("0-2 2-4 4-6", ""),  # nothing younger: the range may not be over
        ("0-2 2-4 4-6 6-8", "0-2 2-4 4-6"),
        ("0-2 4-6 6-8", "0-2 4-6"),  # a gap is no reason to wait
        ("4-6 6-8", ""),  # one block is as good as merged
        ("0-6 6-12 12-18 18-20", "0-6 6-12 12-18"),
        ("0-6 6-8 8-10 10-12 12-14", "6-8 8-10 10-12"),  # short ranges first
        ("0-2 2-4 4-6 6-8 2-3", "2-3 2-4"),  # what overlaps comes before all else
        ("0-6 6-8 1-2 5-6", "0-6 1-2 5-6"),
        ("0-2 1-2", "0-2 1-2"),
    ],
)
def test_what_is_merged_next(spans: str, wanted: str) -> None:
    assert [meta.ulid for meta in plan_compaction(metas(spans), LENGTHS, {})] == wanted.split()


def test_a_block_that_lost_much_is_written_anew() -> None:
    blocks = metas("0-2 2-4")
    assert plan_compaction(blocks, LENGTHS, {"2-4": 5}) == []
    assert plan_compaction(blocks, LENGTHS, {"2-4": 6}) == [blocks[1]]


def test_the_longest_range_is_a_tenth_of_the_retention() -> None:
    assert range_lengths(2 * HOUR, 15 * 24 * HOUR) == [2 * HOUR, 6 * HOUR, 18 * HOUR]
    assert range_lengths(2 * HOUR, 0)[-1] == 486 * HOUR
    assert range_lengths(2 * HOUR, HOUR) == [2 * HOUR]


@pytest.mark.parametrize(
    ("retention_ms", "retention_bytes", "gone"),
    [
        (0, 0, ""),
        (4, 0, "0-2"),  # it ends four before the newest sample
        (5, 0, ""),
        (0, 3500, ""),
        (0, 3499, "0-2"),
        (0, 2500, "0-2"),
        (0, 2499, "0-2 2-4"),
        (0, 1, "0-2 2-4 4-6"),
        (2, 2500, "0-2 2-4"),
    ],
)
def test_what_is_deleted(retention_ms: int, retention_bytes: int, gone: str) -> None:
    found = plan_retention(
        metas("0-2 2-4 4-6"),
        newest_ms=6,
        retention_ms=retention_ms,
        retention_bytes=retention_bytes,
        other_bytes=500,
    )
    assert found == set(gone.split())


def test_names_of_blocks_ascend_even_when_the_clock_steps_back() -> None:
    clock = ManualClock(1_700_000_000_000)
    names = Ulids(clock)
    first, second = names.next(), names.next()
    restarted = Ulids(ManualClock(5), [second, first])
    third = restarted.next()
    assert first < second < third
    assert all(map(is_ulid, (first, second, third)))
    assert not is_ulid("lost+found")
