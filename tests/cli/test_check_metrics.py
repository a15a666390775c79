"""`termprom check metrics`: findings in promtool's words, and its table."""

from __future__ import annotations

import io
import subprocess

import pytest

from termprom.cli import check
from tests.peers import peer

CLEAN = b"""# HELP http_requests_total r
# TYPE http_requests_total counter
http_requests_total{a="1"} 1
http_requests_total{a="2"} 1
# HELP d_seconds d
# TYPE d_seconds histogram
d_seconds_bucket{le="1"} 1
d_seconds_bucket{le="+Inf"} 1
d_seconds_sum 1
d_seconds_count 1
"""
ODD = b"""# HELP a_ms x
# TYPE a_ms gauge
a_ms{le="1"} 1
a_ms{le="2",camelCase="x"} 1
# TYPE b_count counter
b_count 1
b_count 1
# HELP h_milliseconds h
# TYPE h_milliseconds histogram
h_milliseconds_bucket{le="+Inf"} 1
h_milliseconds_sum 1
h_milliseconds_count 1
# TYPE s summary
s{quantile="0.5"} 1
s_sum 1
s_count 1
fooBar:x_gauge 1
size_kibibytes_total 1
# TYPE counter_gauge_total gauge
counter_gauge_total{quantile="1"} 3
# HELP ok_hours_ratio x
# TYPE ok_hours_ratio gauge
ok_hours_ratio 1
"""


def checked(monkeypatch: pytest.MonkeyPatch, page: bytes, *arguments: str) -> int:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(page)))
    return check.run(["metrics", *arguments])


def test_a_clean_page_has_no_findings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked(monkeypatch, CLEAN, "--extended") == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.splitlines() == [
        "Metric                 Cardinality    Percentage    ",
        "d_seconds              4              66.67%        ",
        "http_requests_total    2              33.33%        ",
        "Total                  6              100%          ",
    ]


def test_findings_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked(monkeypatch, ODD) == 3
    lines = capsys.readouterr().err.splitlines()
    assert 'h_milliseconds use base unit "seconds" instead of "milliseconds"' in lines
    assert 'ok_hours_ratio use base unit "seconds" instead of "hours"' in lines
    assert "b_count metric not unique" in lines
    assert lines == sorted(lines)


def test_what_cannot_be_read_and_what_asks_for_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked(monkeypatch, b"foo bar\n") == 1
    assert "error while linting: text format parsing error in line 1" in capsys.readouterr().err
    assert checked(monkeypatch, CLEAN, "--lint=none") == 1
    assert "at least one of --extended or linting must be enabled" in capsys.readouterr().err


@pytest.mark.peer
@pytest.mark.parametrize("page", [CLEAN, ODD], ids=["clean", "odd"])
def test_promtool_says_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], page: bytes
) -> None:
    theirs = subprocess.run(
        [peer("promtool"), "check", "metrics"], input=page, capture_output=True, check=False
    )
    assert checked(monkeypatch, page) == theirs.returncode
    assert capsys.readouterr().err == theirs.stderr.decode()
