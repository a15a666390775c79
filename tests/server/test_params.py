"""The grammar of parameters: upstream's table, in upstream's words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from termprom.server.params import (
    MAX_TIME_MS,
    MIN_TIME_MS,
    parse_bool,
    parse_integer,
    parse_limit,
    parse_step,
    parse_time,
)


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        ("0", 0),
        ("1435781451.781", 1435781451781),
        ("1435781451.7815", 1435781451782),
        ("-1.5", -1500),
        ("1e3", 1_000_000),
        ("0x1p4", 16_000),
        ("2015-07-01T20:10:51.781Z", 1435781451781),
        ("2015-07-01T20:10:51,781999Z", 1435781451781),
        ("2015-07-01T22:10:51+02:00", 1435781451000),
        ("-292273086-05-16T16:47:06Z", MIN_TIME_MS),
        ("292277025-08-18T07:12:54.999999999Z", MAX_TIME_MS),
        ("1e300", MAX_TIME_MS),
        ("-Inf", MIN_TIME_MS),
    ],
)
def test_times(text: str, time_ms: int) -> None:
    assert parse_time(text) == time_ms


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("15", 15_000_000_000),
        ("0.5", 500_000_000),
        ("-1", -1_000_000_000),
        ("1h30m", 5_400_000_000_000),
        ("1y2w3d", (365 + 14 + 3) * 86_400_000_000_000),
        ("0", 0),
        ("5ms", 5_000_000),
    ],
)
def test_durations(text: str, nanoseconds: int) -> None:
    assert parse_step(text) == nanoseconds


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_time, "", 'cannot parse "" to a valid timestamp'),
        (parse_time, "NaN", 'cannot parse "NaN" to a valid timestamp'),
        (parse_time, "2015-07-01 20:10:51Z", "to a valid timestamp"),
        (parse_time, "2015-07-01t20:10:51z", "to a valid timestamp"),
        (parse_time, "2015-13-01T20:10:51Z", "to a valid timestamp"),
        (parse_time, "1_000", "to a valid timestamp"),
        (parse_step, "", 'cannot parse "" to a valid duration'),
        (parse_step, "1m1h", 'cannot parse "1m1h" to a valid duration'),
        (parse_step, "-1h", "to a valid duration"),
        (parse_step, "1e30", 'cannot parse "1e30" to a valid duration. It overflows int64'),
        (parse_limit, "-1", "limit must be non-negative"),
        (parse_limit, "x", 'strconv.Atoi: parsing "x": invalid syntax'),
        (parse_integer, "9" * 20, "value out of range"),
        (parse_integer, "9" * 9999, "value out of range"),
        (parse_integer, "1.0", "invalid syntax"),
        (parse_bool, "yes", 'strconv.ParseBool: parsing "yes": invalid syntax'),
    ],
)
def test_what_cannot_be_read(parse: Callable[[str], object], text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".*") as caught:
        parse(text)
    assert message in str(caught.value)
