"""The admin API on a real store: delete, clean, snapshot; and off unless asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from termprom.model.labels import Labels
from termprom.model.matchers import Matcher, MatchOp
from termprom.testing.clock import ManualClock
from termprom.tsdb.db import Database
from tests.server.api import Api, serving

NOW_MS = 1_700_000_000_000
PREFIX = "/api/v1/admin/tsdb/"


@asynccontextmanager
async def _administered(folder: Path) -> AsyncIterator[tuple[Api, Database]]:
    database = Database.open(folder, clock=ManualClock(NOW_MS))
    group = database.group(Labels.of(job="j"))
    columns = group.columns([Labels.of(__name__=name) for name in ("x", "y")])
    for time_ms in range(NOW_MS - 50_000, NOW_MS, 10_000):
        group.append(time_ms, columns, np.array([1.0, 2.0]))
    try:
        async with serving(admin=database) as api:
            yield api, database
    finally:
        database.close()


def _times(database: Database, name: str) -> list[int]:
    querier = database.querier(0, NOW_MS)
    try:
        matcher = Matcher("__name__", MatchOp.EQUAL, name)
        frames = querier.select([matcher]).frames()
        return [int(one) for frame in frames for one in frame.times_ms]
    finally:
        querier.close()


async def test_off_unless_asked_for() -> None:
    async with serving() as api:
        for name in ("delete_series", "clean_tombstones", "snapshot"):
            for method in ("POST", "PUT"):
                status, found = await api.ask(method, PREFIX + name)
                assert (status, found["errorType"]) == (500, "unavailable")
                assert found["error"] == "admin APIs disabled"
            assert (await api.ask("GET", PREFIX + name))[0] == 405


async def test_deleting_a_range_of_some_series_and_cleaning_up(tmp_path: Path) -> None:
    async with _administered(tmp_path) as (api, database):
        wanted = {"match[]": "x", "start": NOW_MS / 1000 - 40, "end": NOW_MS / 1000 - 20}
        status, _ = await api.ask("POST", PREFIX + "delete_series", params=wanted)
        assert status == 204
        assert _times(database, "x") == [NOW_MS - 50_000, NOW_MS - 10_000]
        assert len(_times(database, "y")) == 5
        assert (await api.ask("PUT", PREFIX + "clean_tombstones"))[0] == 204
        assert _times(database, "x") == [NOW_MS - 50_000, NOW_MS - 10_000]


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ([], "no match[] parameter provided"),
        ([("match[]", "x"), ("match[]", "y{")], "unexpected end of input"),
        ([("match[]", "x"), ("match[]", "{a=''}")], "at least one non-empty matcher"),
        ([("match[]", "x"), ("start", "never")], 'cannot parse "never" to a valid timestamp'),
    ],
)
async def test_a_wrong_request_deletes_nothing(
    tmp_path: Path, params: list[tuple[str, str]], error: str
) -> None:
    async with _administered(tmp_path) as (api, database):
        status, found = await api.ask("POST", PREFIX + "delete_series", params=params)
        assert (status, found["errorType"]) == (400, "bad_data")
        assert error in found["error"]
        assert len(_times(database, "x")) == 5


async def test_a_snapshot_is_a_data_folder_of_its_own(tmp_path: Path) -> None:
    async with _administered(tmp_path) as (api, database):
        status, found = await api.ask("POST", PREFIX + "snapshot")
        assert status == 200
        copy = Database.open(tmp_path / "snapshots" / found["data"]["name"], clock=ManualClock())
        assert _times(copy, "x") == _times(database, "x")
        copy.close()
        status, found = await api.ask("POST", PREFIX + "snapshot?skip_head=perhaps")
        assert status == 400
        assert found["error"].startswith('invalid parameter "skip_head": unable to parse boolean')
