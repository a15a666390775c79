"""What is written down of queries: while they run, and when they end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.errors import QueryError, StorageError
from termprom.model.grid import Grid
from termprom.promql.active_queries import ActiveQueries, unfinished
from termprom.promql.engine import Engine, EngineOptions
from termprom.promql.query_log import QueryLog
from termprom.promql.watching import ORIGIN, QueryWatcher, WatchedQuery
from termprom.testing.clock import ManualClock
from termprom.testing.memory_storage import MemoryStorage

_DIES = """
import os, signal, sys
from pathlib import Path
from termprom.promql.active_queries import ActiveQueries
from termprom.promql.watching import WatchedQuery
from termprom.testing.clock import ManualClock
active = ActiveQueries(Path(sys.argv[1]), 3, clock=ManualClock(1_700_000_000_000))
done = WatchedQuery("up", 0, 0, 0, {})
active.began(done)
for text in ("sum(up)", 'label_replace(up, "a", "é", "b", "")'):
    active.began(WatchedQuery(text, 0, 0, 0, {}))
active.ended(done)
os.kill(os.getpid(), signal.SIGKILL)
"""


def _query(text: str) -> WatchedQuery:
    return WatchedQuery(text, 0, 0, 0, {})


def _engine(*watchers: QueryWatcher) -> Engine:
    return Engine(EngineOptions(watchers=watchers))


def test_what_ran_when_a_process_was_killed_is_known_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "queries.active"
    killed = subprocess.run([sys.executable, "-c", _DIES, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert unfinished(path) == [
        {"query": "sum(up)", "timestamp_sec": 1_700_000_000},
        {"query": 'label_replace(up, "a", "é", "b", "")', "timestamp_sec": 1_700_000_000},
    ]


def test_the_file_is_laid_out_as_the_original_s(tmp_path: Path) -> None:
    path = tmp_path / "queries.active"
    active = ActiveQueries(path, 2, clock=ManualClock(5_000))
    running = [_query("a"), _query("b"), _query("c")]
    for one in running:
        active.began(one)
    first, second = b'{"query":"a","timestamp_sec":5}', b'{"query":"b","timestamp_sec":5}'
    slots = [one.ljust(999, b"\0") + b"," for one in (first, second)]
    assert path.read_bytes() == b"[" + b"".join(slots)  # the third has no place
    for one in running:
        active.ended(one)
    assert path.read_bytes() == b"[" + bytes(2000)
    active.close()
    active.began(_query("late"))


@given(st.text(max_size=2000))
def test_any_query_fits_its_slot_and_reads_back(text: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "queries.active"
        ActiveQueries(path, 1, clock=ManualClock(0)).began(_query(text))
        assert path.stat().st_size == 1001
        (found,) = unfinished(path)
    assert text.encode(errors="replace").decode().startswith(found["query"])
    assert found["query"] == text or len(json.dumps(text, ensure_ascii=False).encode()) > 900


@pytest.mark.parametrize(
    "content", [b"", b"[", b"[" + bytes(1000), b"\xff\xfe", b"{}", b'["a"', b"[1,2,"]
)
def test_what_is_no_such_file_holds_no_queries(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "queries.active"
    path.write_bytes(content)
    assert unfinished(path) == []
    assert unfinished(tmp_path / "nothing") == []


def test_a_query_is_running_while_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "queries.active"
    seen: list[list[object]] = []

    class _Peeping(MemoryStorage):
        def querier(self, start_ms: int, end_ms: int):  # type: ignore[no-untyped-def]
            seen.append([one["query"] for one in unfinished(path)])
            return super().querier(start_ms, end_ms)

    engine = _engine(ActiveQueries(path, 2, clock=ManualClock(0)))
    engine.instant(_Peeping(), "up + 1", 0)
    with pytest.raises(QueryError):
        engine.instant(_Peeping(), 'label_replace(up, "", "", "", "")', 0)
    assert seen == [["up + 1"], ['label_replace(up, "", "", "", "")']]
    assert unfinished(path) == []


def test_the_query_log_tells_what_the_original_tells(tmp_path: Path) -> None:
    path = tmp_path / "queries.log"
    log = QueryLog(path, clock=ManualClock(1_600_000_000_123))
    engine, nothing = _engine(log), MemoryStorage()
    engine.range(nothing, 'up{a="é"}', Grid(1_000_000, 1_100_000, 15_000))
    token = ORIGIN.set({"ruleGroup": {"file": "r.yml", "name": "g"}})
    with pytest.raises(QueryError):
        engine.instant(nothing, 'label_replace(vector(1), "", "", "", "")', 1_500)
    ORIGIN.reset(token)
    log.close()
    engine.instant(nothing, "up", 0)  # after its end nothing is written
    ranged, failed = map(json.loads, path.read_text("utf-8").splitlines())
    assert ranged.pop("stats")["samples"]["totalQueryableSamples"] == 0
    assert ranged == {
        "time": "2020-09-13T12:26:40.123Z",
        "level": "INFO",
        "msg": "promql query logged",
        "params": {
            "end": "1970-01-01T00:18:20.000Z",
            "query": 'up{a="é"}',
            "start": "1970-01-01T00:16:40.000Z",
            "step": 15,
        },
    }
    assert failed["error"] == "invalid destination label name in label_replace(): "
    assert failed["params"]["step"] == 0
    assert failed["ruleGroup"] == {"file": "r.yml", "name": "g"}


def test_a_full_disk_costs_lines_and_no_queries(tmp_path: Path) -> None:
    lost: list[bool] = []
    log = QueryLog(Path("/dev/full"), clock=ManualClock(0), on_failure=lambda: lost.append(True))
    _engine(log).instant(MemoryStorage(), "1", 0)
    log.close()
    assert lost == [True]
    with pytest.raises(StorageError, match="nowhere"):
        QueryLog(tmp_path / "nowhere" / "queries.log", clock=ManualClock(0))


def test_a_full_disk_is_met_when_the_file_is_made_and_not_by_a_query() -> None:
    """A mapped hole that cannot be filled would be a signal, which ends the process."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(StorageError, match="No space left"):
        ActiveQueries(Path("/dev/full"), 2, clock=ManualClock(0))
