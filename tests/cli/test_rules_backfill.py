"""`termprom rules backfill`: files in, blocks out; all errors at once, and nothing half-written."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from termprom.cli.main import main
from termprom.clock import SystemClock
from termprom.model.labels import Labels
from termprom.promql.engine import Engine, EngineOptions
from termprom.tsdb.db import Database
from tests.daemon.process import Served
from tests.peers import peer

START = 1_700_006_400_000  # a multiple of two hours
HOURS = 5
RULES = """groups:
- name: first
  interval: 1m
  rules:
  - record: job:load:sum
    expr: sum by (job) (load)
  - alert: Never
    expr: load > 0
- name: second
  rules:
  - record: job:load:max1h
    expr: max_over_time(job:load:sum[1h])
    labels: {window: 1h}
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with two series over five hours."""
    folder = tmp_path / "data"
    store = Database.open(folder, clock=SystemClock())
    group = store.group(Labels.of(job="a", instance="i"))
    columns = group.columns([Labels.of(__name__="load", job="a", cpu=str(cpu)) for cpu in range(2)])
    for minute in range(HOURS * 60):
        group.append(START + minute * 60_000, columns, np.array([minute, 1.0]))
    store.close()
    return folder


def value(folder: Path, expr: str, at_ms: int) -> dict[str, float]:
    store = Database.open_read_only(folder, clock=SystemClock())
    result = Engine(EngineOptions()).instant(store, expr, at_ms)
    return {
        str(one): float(cell[0]) for one, cell in zip(result.labels, result.values, strict=True)
    }


def backfill(data: Path, rules: Path, *more: str) -> int:
    times = (f"--start={START // 1000}", f"--end={START // 1000 + HOURS * 3600 - 60}")
    return main(["rules", "backfill", f"--storage.tsdb.path={data}", *times, *more, str(rules)])


def test_a_rule_comes_after_what_it_reads(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(RULES)
    before = {path.name for path in (data / "blocks").iterdir()}
    assert backfill(data, rules) == 0
    out = capsys.readouterr().out
    # Where in the minute a group's slots are depends on where its file is.
    found = re.findall("(?m)^([0-9]+) samples of (.*)$", out)
    assert [name for _, name in found] == ["job:load:sum", "job:load:max1h"]
    assert all(int(count) in (298, 299, 300) for count, _ in found)
    at_ms = START + 4 * 3_600_000
    assert value(data, "job:load:sum", at_ms)['job:load:sum{job="a"}'] in (239.0, 240.0)
    ((labels, highest),) = value(data, "job:load:max1h", at_ms).items()
    assert labels == 'job:load:max1h{job="a", window="1h"}'
    assert highest in (239.0, 240.0)
    assert value(data, "ALERTS", at_ms) == {}
    made = {path.name for path in (data / "blocks").iterdir()} - before
    assert all(name in out for name in made)
    # Once more changes nothing that can be seen; the engine merges what overlaps.
    assert backfill(data, rules, "-q") == 0
    assert capsys.readouterr().out == ""
    assert value(data, "count_over_time(job:load:sum[1h])", at_ms) == {'{job="a"}': 60.0}
    store = Database.open(data, clock=SystemClock())
    store.maintain()
    store.close()
    assert value(data, "job:load:sum", at_ms)['job:load:sum{job="a"}'] in (239.0, 240.0)


def test_a_folder_of_its_own_does_not_show_what_was_just_written(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(RULES)
    out = tmp_path / "out"
    assert backfill(data, rules, f"--output-dir={out}") == 0
    assert "WARNING: job:load:max1h may read what was just written" in capsys.readouterr().err
    assert list(value(out, "job:load:sum", START + 3_600_000)) == ['job:load:sum{job="a"}']
    assert not list((data / "blocks").iterdir())


def test_all_mistakes_are_named_and_nothing_is_written(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(
        "groups:\n- name: g\n  rules:\n  - {record: a, expr: 'sum('}\n  - {record: b, expr: ''}\n"
    )
    assert backfill(data, rules) == 1
    errors = capsys.readouterr().err
    assert "rule 1" in errors
    assert "rule 2" in errors
    assert not list((data / "blocks").iterdir())


def test_one_that_fails_leaves_the_others_alone(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(
        "groups:\n- name: g\n  rules:\n"
        "  - {record: bad, expr: load * on () load}\n  - {record: good, expr: sum(load)}\n"
    )
    assert backfill(data, rules, "-q") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f'{rules}: group "g", rule "bad", from 2023-11-15T00:00:')
    assert "found duplicate series for the match group" in captured.err
    assert captured.err.count("\n") == 1
    assert list(value(data, "good", START + 3_600_000)) == ["good"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--start=2000000000", "--end=1000"], "the start is after the end"),
        (["--start=0", "--storage.tsdb.path=/nonexistent"], "not a data folder of termprom"),
        (["--start=0", "--end=1", "--url=127.0.0.1:1"], "127.0.0.1:1"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    tmp_path: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(RULES)
    out = f"--output-dir={tmp_path / 'out'}"
    assert main(["rules", "backfill", *arguments, out, str(rules)]) == 1
    errors = capsys.readouterr().err
    assert words in errors
    assert errors.count("\n") == 1


@pytest.mark.peer
@pytest.mark.slow
def test_promtool_records_the_same(data: Path, tmp_path: Path) -> None:
    """Asked of this engine; ours knows, beyond that, where a series ends."""
    rules = tmp_path / "rules.yml"
    rules.write_text(RULES)
    promtool, theirs, ours = peer("promtool"), tmp_path / "theirs", tmp_path / "ours"
    times = (f"--start={START // 1000}", f"--end={START // 1000 + HOURS * 3600 - 60}")
    with Served(
        tmp_path, "--storage.tsdb.retention.time=20y", config="scrape_configs: []"
    ) as served:
        url = served.ready().url
        common = [f"--url={url}", *times, str(rules)]
        subprocess.run(
            [promtool, "tsdb", "create-blocks-from", "rules", f"--output-dir={theirs}", *common],
            check=True,
            capture_output=True,
            timeout=60,
        )
        assert main(["rules", "backfill", f"--output-dir={ours}", "-q", *common]) == 0
    (theirs / "wal").mkdir()
    dumped = subprocess.run(
        [promtool, "tsdb", "dump", str(theirs)], check=True, capture_output=True, timeout=60
    )
    # It records alerting rules under their names, whatever its help says. And it asks for a
    # phase in nanoseconds, which a server rounds; a group that runs stamps the millisecond below.
    expected = [line for line in dumped.stdout.decode().splitlines() if '"Never"' not in line]
    assert len(expected) in (299, 300)
    found = dump(ours)
    assert len(found) == len(expected)
    for mine, line in zip(found, expected, strict=True):
        labels, value, at_ms = line.rsplit(" ", 2)
        assert mine[:2] == (labels, float(value))
        assert 0 <= int(at_ms) - mine[2] <= 1


def dump(folder: Path) -> list[tuple[str, float, int]]:
    """The labels as promtool dumps them, value and time of every sample of the only series."""
    querier = Database.open_read_only(folder, clock=SystemClock()).querier(0, 2**53)
    selection = querier.select([])
    (frame,) = selection.frames()
    pairs = ", ".join(f'{name}="{text}"' for name, text in selection.labels[0])
    samples = zip(frame.values[0].tolist(), frame.times_ms.tolist(), strict=True)
    found = [(f"{{{pairs}}}", value, at_ms) for value, at_ms in samples]
    querier.close()
    return found
