"""`termprom tsdb import|export|analyze`: files in, files out, and what is wrong with them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from termprom.cli import tsdb_import
from termprom.cli.main import main
from termprom.model.histogram import BucketSpan, FloatHistogram
from termprom.model.labels import Labels
from termprom.storage import HistogramSample
from termprom.testing.clock import ManualClock
from termprom.tsdb.db import Database, Options
from tests.tsdb.models import bits, open_store, read_all

TEXT = """\
# HELP http_requests Requests, all of them.
# TYPE http_requests counter
http_requests_total{code="200",path="/a b",job="x"} 1 1700000000.000
http_requests_total{code="200",path="/a b",job="x"} 2.5 1700000015.000 # {trace_id="t"} 1 1700000014
http_requests_total{code="200",path="/a b",job="x"} NaN 1700000030.123
http_requests_total{code="500",path="\\"q\\" # {",job="x"} +Inf 1700000000
# TYPE latency histogram
latency_bucket{le="1"} 3 1700000000
latency_bucket{le="+Inf"} 4e3 1700000000.5
# TYPE no_labels gauge
no_labels -0 1700007300.25
# EOF
"""


def test_import_and_export_are_each_others_mirror(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.om").write_text(TEXT)
    command = ["tsdb", "import", "openmetrics", str(tmp_path / "in.om"), str(tmp_path / "data")]
    assert main(command) == 0
    assert capsys.readouterr().out.startswith("7 samples of 5 series in 2 blocks, ")
    store = open_store(tmp_path / "data")
    first = Labels.of(__name__="http_requests_total", code="200", path="/a b", job="x")
    found = read_all(store)
    assert found[first] == {
        1_700_000_000_000: bits(1.0),
        1_700_000_015_000: bits(2.5),
        1_700_000_030_123: 0x7FF8000000000001,
    }
    assert Labels.of(__name__="latency_bucket", le="1.0") in found, "as a scrape stores it"
    assert found[Labels.of(__name__="no_labels")] == {1_700_007_300_250: 1 << 63}
    store.close()
    assert main(["tsdb", "export", "openmetrics", str(tmp_path / "data")]) == 0
    exported = capsys.readouterr().out
    assert 'http_requests_total{code="200",job="x",path="/a b"} 2.5 1700000015.000\n' in exported
    assert exported.endswith("# EOF\n")
    (tmp_path / "again.om").write_text(exported)
    again = ["tsdb", "import", "openmetrics", "-q", str(tmp_path / "again.om")]
    assert main([*again, str(tmp_path / "copy")]) == 0
    assert capsys.readouterr().out == ""
    store = open_store(tmp_path / "copy")
    assert read_all(store) == found
    store.close()


def test_a_piece_ends_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = None
    for size in (1, 7, 64, 1 << 20):
        monkeypatch.setattr(tsdb_import, "_PIECE_BYTES", size)
        store = Database.open(tmp_path / str(size), clock=ManualClock())
        with store.new_spill(lambda labels: labels) as spill:
            for _ in tsdb_import.read_samples(io.BytesIO(TEXT.encode()), spill, {"dc": "eu"}):
                pass
            store.import_spill(spill)
        found = read_all(store)
        assert all(labels.get("dc") == "eu" for labels in found)
        assert wanted is None or found == wanted
        wanted = found
        store.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("up 1 1700000000\n", "line 1: data does not end with # EOF"),
        ("up 1 17\nup 1\n# EOF\n", "line 2: expected timestamp for series up, got none"),
        ("up 1 17\nup x 18\n# EOF\n", "line 2: "),
        ("up 1 17\n# EOF\nup 1 18\n", "line 3: unexpected data after # EOF"),
        ("up 1 17\n\n# EOF\n", "line 2: "),
        ("up 1 17\nup 1 1e300\n# EOF\n", "line 2: invalid timestamp"),
    ],
)
def test_a_mistake_is_located_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    (tmp_path / "in.om").write_text(text)
    command = ["tsdb", "import", "openmetrics", str(tmp_path / "in.om"), str(tmp_path / "data")]
    assert main(command) == 1
    assert said in capsys.readouterr().err
    assert list((tmp_path / "data" / "blocks").iterdir()) == []
    assert not (tmp_path / "data" / "import.tmp").exists()


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["tsdb", "import", "openmetrics", str(tmp_path / "no.om"), str(tmp_path / "data")]
    assert main(command) == 1
    assert "no.om: No such file or directory" in capsys.readouterr().err


@pytest.fixture
def churned(tmp_path: Path) -> Path:
    """A block of two hours: a steady series, one that lives for an hour, and a histogram."""
    start_ms = 1_700_006_400_000
    store = Database.open(tmp_path, Options(fsync_seconds=0), clock=ManualClock())
    group = store.group(Labels.of(job="a"))
    columns = group.columns(
        [
            Labels.of(__name__="up", job="a"),
            Labels.of(__name__="pod", pod="p-1", job="a"),
            Labels.of(__name__="wait", job="a"),
        ]
    )
    one = FloatHistogram(0, 0.0, 0.0, 3.0, 1.0, (BucketSpan(0, 2),), (1.0, 2.0))
    for step in range(400):
        width = 2 if step < 60 else 1
        group.append(
            start_ms + step * 60_000,
            columns[:width],
            np.arange(width) + float(step),
            histograms=[HistogramSample(int(columns[2]), one)],
        )
    store.maintain()
    store.close()
    return tmp_path


def test_analyze_tells_cardinality_churn_and_cost(
    churned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tsdb", "analyze", str(churned)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "Total Series: 2" in lines, "of the newest block, where the pod is gone"
    assert main(["tsdb", "list", str(churned)]) == 0
    first = capsys.readouterr().out.splitlines()[1].split()[0]
    assert main(["tsdb", "analyze", "--limit", "3", str(churned), first]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert f"Block ID: {first}" in lines
    assert "Total Series: 3" in lines
    assert "Columns of native histograms: 5" in lines
    sections = {part.split("\n")[0]: part.split("\n")[1:] for part in out.split("\n\n")}
    assert sections["Most common label pairs:"][0] == "3 job=a"
    costs = sections[
        "Most expensive metric names (bytes of pages, bytes per sample, samples, series):"
    ]
    assert {line.split()[-1] for line in costs if line} == {"up", "pod", "wait"}
    assert main(["tsdb", "analyze", str(churned), "nothing"]) == 1
    assert "no block nothing" in capsys.readouterr().err


def test_export_says_what_it_leaves_out(churned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tsdb", "export", "openmetrics", "--match", '{job="a"}', str(churned)]) == 0
    said = capsys.readouterr()
    assert said.out.count("\n") == 400 + 60 + 1
    assert "1 series of native histograms" in said.err
