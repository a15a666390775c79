from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termprom.rules.schedule import Schedule, Ticker, group_hash
from termprom.rules.xxhash64 import xxhash64


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"", 0xEF46DB3751D8E999),
        (b"a", 0xD24EC4F1A98C6E5B),
        (b"abc", 0x44BC2CF5AD770999),
        (b"Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1),
    ],
)
def test_xxhash64_gives_the_published_digests(data: bytes, digest: int) -> None:
    assert xxhash64(data) == digest


@pytest.mark.parametrize(
    ("file", "name", "interval_ms", "digest", "offset_ns", "slot_ns"),
    [
        (
            "/etc/prometheus/rules.yml",
            "example",
            60_000,
            0xD0C1E89349570C56,
            29_682_445_398,
            1_767_323_009_682_445_398,
        ),
        (
            "rules.yml",
            "default",
            15_000,
            0x93FFE570A105CFE3,
            4_537_234_403,
            1_767_323_044_537_234_403,
        ),
        (
            "/etc/prometheus/alerts.yml",
            "node",
            30_000,
            0x5A47F07BC5A70EA6,
            11_147_674_278,
            1_767_323_021_147_674_278,
        ),
    ],
)
def test_offsets_are_the_originals(
    file: str, name: str, interval_ms: int, digest: int, offset_ns: int, slot_ns: int
) -> None:
    assert group_hash(file, name) == digest
    schedule = Schedule.of(file, name, interval_ms)
    assert schedule.offset_ns == offset_ns
    assert schedule.slot(1_767_323_045_678_000_000) == slot_ns


def test_a_long_file_name_is_hashed_with_a_long_length() -> None:
    assert group_hash("x" * 254, "g") != group_hash("x" * 255, "g") != group_hash("x" * 256, "g")


@settings(max_examples=50)
@given(
    name=st.text(max_size=20),
    interval_ms=st.integers(1, 10**7),
    now_ns=st.integers(0, 2 * 10**18),
)
def test_a_slot_is_the_last_one_not_after_now(name: str, interval_ms: int, now_ns: int) -> None:
    schedule = Schedule.of("f", name, interval_ms)
    slot = schedule.slot(now_ns)
    assert slot <= now_ns < slot + schedule.interval_ns
    assert (slot - schedule.offset_ns) % schedule.interval_ns == 0


@pytest.mark.parametrize(
    ("late_seconds", "missed"), [(-0.001, 0), (0, 0), (9.9, 0), (10, 1), (25, 2)]
)
def test_missed_slots(late_seconds: float, missed: int) -> None:
    schedule = Schedule(10_000_000_000, 0)
    due = 10_000_000_000
    assert schedule.missed(0, due + int(late_seconds * 1e9)) == missed


def test_a_late_reader_gets_one_beat_at_once_and_no_more() -> None:
    ticker = Ticker(10, now=0)
    assert ticker.wait(0) == 10
    assert ticker.wait(47) == -7  # the beats of 20 and 30 are gone, that of 40 is in hand
    assert ticker.wait(47) == 3
