"""`termprom query` over a fake server: forms of output, notices apart, exit codes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from termprom.backend.remote import RemoteBackend
from termprom.cli.graph import graph_text
from termprom.cli.query import run
from termprom.errors import BackendUnavailable, ParseError
from termprom.model.labels import Labels
from termprom.model.result import QueryResult, ResultType
from termprom.testing.clock import ManualClock
from termprom.testing.fake_backend import FakeBackend


@pytest.fixture
def backend(monkeypatch) -> FakeBackend:
    fake = FakeBackend(ManualClock(1_777_723_471_000))
    fake.answer = lambda expr, steps: (
        [Labels.of({"__name__": "up", "job": "a\x1b[31m"}), Labels.of({"__name__": "up"})],
        np.vstack([np.ones(steps.size), np.full(steps.size, 0.5)]),
    )
    fake.series_labels = [Labels.of({"__name__": "up", "job": "a"})]

    async def connect(url: str) -> FakeBackend:
        assert url == "http://127.0.0.1:9090"
        return fake

    monkeypatch.setattr(RemoteBackend, "connect", connect)
    return fake


def test_a_table_is_inert_and_aligned(backend, capsys):
    assert run(["instant", "up"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert not any("\x1b" in line for line in lines)
    assert lines[0].endswith("  1")
    assert lines[1].endswith("  0.5")


def test_csv_has_a_column_per_label(backend, capsys):
    assert run(["range", "up", "--start=100", "--end=130", "--step=15s", "--csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "__name__,job,time,value"
    assert len(lines) == 1 + 2 * 3
    assert lines[-1] == "up,,130.000,0.5"


def test_json_is_the_answer_of_the_api(backend, capsys):
    assert run(["instant", "up", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["resultType"] == "vector"


def test_a_graph_is_drawn(backend, capsys):
    assert run(["range", "up", "--start=0", "--end=3600", "--graph"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 10
    assert "┤" in lines[0] + lines[1] + lines[2]
    assert lines[-2].startswith(" a  ")
    assert lines[-2].endswith("last 1")
    assert lines[-1].endswith("last 0.50")


def test_a_graph_leaves_gaps_and_can_do_with_ascii():
    values = np.ones((1, 61))
    present = np.ones((1, 61), bool)
    present[0, 20:40] = False
    times = np.arange(61, dtype=np.int64) * 60_000
    result = QueryResult(ResultType.MATRIX, [Labels.of(job="a")], times, values, present)
    text = graph_text(result, 80, 20, ascii_only=True)
    assert text.isascii()
    row = max(text.splitlines()[:10], key=lambda line: line.count("'") + line.count("."))
    assert " " * 15 in row.strip()


def test_series_and_labels(backend, capsys):
    assert run(["series", "--match=up"]) == 0
    assert capsys.readouterr().out == 'up{job="a"}\n'
    assert run(["labels", "job"]) == 0
    assert capsys.readouterr().out == "a\n"


def test_a_bad_query_points_at_its_place_and_fails(backend, capsys, monkeypatch):
    async def query(expr, at_ms=None, **options):
        raise ParseError("unexpected end of input", 4, 4, 1, 5)

    monkeypatch.setattr(backend, "query", query)
    assert run(["instant", "sum("]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[1:] == ["  sum(", "      ^"]


def test_a_server_that_is_away_fails(monkeypatch, capsys):
    async def connect(url: str):
        raise BackendUnavailable("connection refused")

    monkeypatch.setattr(RemoteBackend, "connect", connect)
    assert run(["instant", "up"]) == 1
    assert "connection refused" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [[], ["instant"], ["range", "up", "--step=x"], ["instant", "up", "--time=soon"], ["nothing"]],
)
def test_a_wrong_command_line_is_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        run(arguments)
    assert caught.value.code == 2


def test_a_range_that_runs_backwards_is_2(backend, capsys):
    assert run(["range", "up", "--start=200", "--end=100"]) == 2
