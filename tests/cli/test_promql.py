"""`termprom promql` and `termprom test promql`: what they print, and how they end."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from termprom.cli.main import main
from termprom.model.labels import Labels
from termprom.testing.clock import ManualClock
from termprom.tsdb.db import Database, Options
from tests.daemon.process import Served
from tests.peers import peer

_START_MS = 1_700_006_400_000


def _printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["promql", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert _printed(capsys, "format", "sum(a)by(b)") == (0, "sum by (b) (a)\n", "")


def test_parse_shows_types_and_places(capsys: pytest.CaptureFixture[str]) -> None:
    assert _printed(capsys, "parse", "sum(rate(a[5m]))\n> 1")[1].splitlines() == [
        "Binary (instant vector, 1:1) sum(rate(a[5m])) > 1",
        "  Aggregate (instant vector, 1:1) sum(rate(a[5m]))",
        "    Call (instant vector, 1:5) rate(a[5m])",
        "      MatrixSelector (range vector, 1:10) a[5m]",
        "        VectorSelector (instant vector, 1:10) a",
        "  NumberLiteral (scalar, 2:3) 1",
    ]


@pytest.mark.parametrize("kind", ["format", "parse", "explain"])
def test_a_mistake_is_pointed_at(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    status, out, err = _printed(capsys, kind, "é{} or\nrat(a[5m])".replace("é{}", '{"é"}'))
    assert (status, out) == (1, "")
    assert err.splitlines() == [
        'termprom promql: 2:1: parse error: unknown function with name "rat", did you mean "rate"?',
        "  rat(a[5m])",
        "  ^",
    ]


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["set", "sum(a) / b[5m:]", "job", "x"], None),
        (["set", "sum(a{job='y'}) / b", "job", "x"], 'sum(a{job="x"}) / b{job="x"}'),
        (
            ["set", "-t", "=~", "topk(scalar(a), b)", "j", "x.*"],
            'topk(scalar(a{j=~"x.*"}), b{j=~"x.*"})',
        ),
        (["delete", 'a{job="x",i="1"} or {job="y",i!="2"}', "job"], 'a{i="1"} or {i!="2"}'),
        (["delete", "rate(a[5m])", "__name__"], "rate(a[5m])"),
        (["set", "-t", "=~", "a", "job", "("], None),
    ],
)
def test_matchers_of_every_selector(
    capsys: pytest.CaptureFixture[str], arguments: list[str], printed: str | None
) -> None:
    status, out, err = _printed(capsys, "label-matchers", *arguments)
    if printed is None:
        assert (status, out, err.count("Traceback")) == (1, "", 0)
    else:
        assert (status, out) == (0, printed + "\n")


@pytest.mark.peer
def test_matchers_are_changed_as_promtool_changes_them(capsys: pytest.CaptureFixture[str]) -> None:
    promtool = [peer("promtool"), "--experimental", "promql", "label-matchers"]
    for arguments in (
        ("set", 'sum(foo{a="b"}[5m:])/bar offset 5m', "job", "x"),
        ("set", 'sum(foo{a="b"}) / bar offset 5m', "job", "x"),
        ("set", "-t", "!~", "a and on(x) b @ start()", "a.b", "c|d"),
        ("delete", 'foo{job="a",c="d"} or {job="x",y="z"}', "job"),
        ("set", "foo", "__name__", "bar"),
    ):
        theirs = subprocess.run(
            [*promtool, *arguments], capture_output=True, text=True, check=False
        )
        status, out, _ = _printed(capsys, "label-matchers", *arguments)
        assert (status, out) == (theirs.returncode, theirs.stdout)


# --- explain ----------------------------------------------------------------------------------


def _figures(line: str) -> tuple[list[int], str]:
    """Series, rows and samples of a line, and its node."""
    found = re.fullmatch(r" *(\d+) +(\d+) +(\d+) +[\d.]+ m?s +[\d.]+ [kM]?B  (.*)", line)
    assert found is not None, line
    return [int(one) for one in found.groups()[:3]], found[4]


def test_explain_without_data_is_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    text = "topk(3, sum by (a) (rate(x[5m])) + on(a) y)"
    assert _printed(capsys, "explain", text)[1].splitlines() == [
        f"aggregate topk: {text}",
        "└─ binary +: sum by (a) (rate(x[5m])) + on(a) y",
        "   ├─ aggregate sum: sum by (a) (rate(x[5m]))",
        "   │  └─ call rate: rate(x[5m])",
        "   │     └─ select range: x[5m]",
        "   └─ select: y",
    ]


def test_explain_on_a_data_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Database.open(tmp_path, Options(fsync_seconds=0), clock=ManualClock())
    group = store.group(Labels.of(job="a"))
    columns = group.columns([Labels.of(__name__="x_total", i=str(i)) for i in range(3)])
    for number in range(20):
        group.append(_START_MS + number * 15_000, columns, np.full(3, float(number)))
    store.close()
    start, end = str(_START_MS / 1000), str(_START_MS / 1000 + 240)
    chosen = ["--storage.tsdb.path", str(tmp_path), "--start", start, "--end", end, "--step", "1m"]
    status, out, _ = _printed(capsys, "explain", "sum(rate(x_total[1m]))", *chosen)
    header, *lines, last = out.splitlines()
    assert (status, header.split()) == (0, ["SERIES", "ROWS", "SAMPLES", "TIME", "BYTES", "NODE"])
    assert [_figures(line) for line in lines] == [
        ([1, 4, 0], "aggregate sum: sum(rate(x_total[1m]))"),
        ([3, 12, 0], "└─ call rate: rate(x_total[1m])"),
        ([3, 51, 51], "   └─ select range: x_total[1m]"),
    ]
    assert last.startswith("5 steps in ")


def test_explain_asks_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Served(tmp_path, config="") as served:
        served.ready()
        status, out, _ = _printed(capsys, "explain", "vector(1) + 1", "--server", served.url)
        assert (status, _figures(out.splitlines()[1])) == (
            0,
            ([1, 1, 0], "once for all steps: vector(1) + 1"),
        )
        status, out, err = _printed(capsys, "explain", "sum(", "--server", served.url)
        assert (status, out) == (1, "")
        assert "unclosed left parenthesis" in err


def test_explain_says_what_keeps_it_from_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = _printed(capsys, "explain", "up", "--server", "http://127.0.0.1:1")
    assert (status, out) == (1, "")
    assert err.startswith("termprom promql: http://127.0.0.1:1: ")


# --- termprom test promql ---------------------------------------------------------------------

_SCRIPT = """\
load 1m
  x{a="1"} 1 2 3
  x{a="2"} 4 5 6

eval instant at 1m sum(x)
  {} 7

eval instant at 1m x > 2
  x{a="2"} 6

eval range from 0 to 2m step 1m x{a="1"}
  x{a="1"} 1 2 4
"""


def test_scripts_are_run_and_failures_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.test"
    file.write_text(_SCRIPT)
    assert main(["test", "promql", str(file)]) == 1
    *failures, last = capsys.readouterr().out.splitlines()
    assert last == "1 passed, 2 failed"
    assert len(failures) == 2
    assert failures[0].startswith(f"{file}:line 8: x > 2: ")
    assert "6" in failures[0]  # expected
    assert "5" in failures[0]  # and got
    file.write_text(
        _SCRIPT.replace(" 6\n\neval range", " 5\n\neval range").replace("1 2 4", "1 2 3")
    )
    assert main(["test", "promql", str(file)]) == 0
    assert capsys.readouterr().out == "3 passed, 0 failed\n"


@pytest.mark.parametrize(
    "text", ["load\n", "eval instant at x up\n", "nonsense\n", "load 1m\n  x{ 1 2\n"]
)
def test_a_script_that_is_none_is_one_located_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    file = tmp_path / "broken.test"
    file.write_text("# comment\n" + text)
    assert main(["test", "promql", str(file)]) == 1
    captured = capsys.readouterr()
    assert re.search(r"line [23]\b", captured.err), captured.err
    assert "Traceback" not in captured.err
