"""`termprom check relabel` and `check target`: what would happen, step by step."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from termprom.cli import check

CONFIG = r"""scrape_configs:
- job_name: node
  sample_limit: 3
  metric_relabel_configs:
  - {source_labels: [__name__], regex: 'go_.*', action: drop}
  - {regex: handler, action: labeldrop}
  relabel_configs:
  - {source_labels: [__address__], regex: '(.*):\d+', target_label: instance}
  - {source_labels: [env], regex: dev, action: drop}
  - {regex: env, action: labeldrop}
  static_configs:
  - {targets: ['a:80'], labels: {env: prod}}
  - {targets: ['b:80'], labels: {env: dev}}
- {job_name: empty}
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "prometheus.yml"
    path.write_text(CONFIG, encoding="utf-8")
    return f"--config.file={path}"


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_every_static_target_rule_by_rule(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.run(["relabel", config, "--job=node"]) == 0
    lines = said(capsys)
    first = lines[lines.index("") - 12 : lines.index("")]
    assert first == [
        '  env="prod"',
        '  job="node"',
        r"rule 0: replace  source_labels [__address__]  regex (.*):\d+  target_label instance",
        '    + instance="a"',
        "rule 1: drop  source_labels [env]  regex dev",
        "    no change",
        "rule 2: labeldrop  regex env",
        '    - env="prod"',
        "target http://a:80/metrics",
        '  instance="a"',
        '  job="node"',
        "  every 1m, timeout 10s",
    ]
    assert lines[-2:] == ["    dropped here", "dropped by rule 1"]


def test_a_target_as_discovery_would_find_it(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check.run(["relabel", config, "--job=node", "__address__=x:1", "__meta_y=z"]) == 0
    assert "target http://x:1/metrics" in said(capsys)
    assert check.run(["relabel", config, "--job=node", "env=x"]) == 1
    assert "no target: no address" in capsys.readouterr().err


def test_a_series_of_a_target(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["relabel", config, "--job=node", "__address__=x:1", "--series"]
    assert check.run([*arguments, 'h{handler="1",instance="own"}']) == 0
    lines = said(capsys)
    assert "rule 1: labeldrop  regex handler" in lines
    assert lines[-1] == 'stored as h{exported_instance="own", instance="x", job="node"}'
    assert check.run([*arguments, "go_x"]) == 0
    assert said(capsys)[-1] == "dropped"
    assert check.run([*arguments, "no series"]) == 1


def test_a_job_that_is_not_there(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.run(["relabel", config, "--job=nope"]) == 1
    assert "no job 'nope'; there are: node, empty" in capsys.readouterr().err
    assert check.run(["relabel", config, "--job=empty"]) == 1
    assert "no static targets" in capsys.readouterr().err


@contextmanager
def target(page: bytes, content_type: str = "text/plain") -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_target_is_asked_once(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    with target(b'h{handler="1"} 1\nh{handler="2"} 2\ngo_x 1\nt 1 5\n') as address:
        assert check.run(["target", f"http://{address}/metrics?module=x"]) == 0
        lines = [line.strip() for line in said(capsys)]
        assert lines[0] == f"GET http://{address}/metrics?module=x"
        assert "up: 4 samples, 0 of them native histograms" in lines
        assert "1 samples bring their own timestamps" in lines
        assert "4 series stored, with the target's labels" in lines
        assert check.run(["target", config, "--job=node", address]) == 0
        lines = [line.strip() for line in said(capsys)]
        drop = "metric rule 0 drops 1: drop  source_labels [__name__]  regex go_.*"
        assert drop in lines
        assert "1 samples repeat a series and are not stored" in lines


def test_a_target_that_would_be_down(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    with target(b"a 1\nb 1\noops\n") as address:
        assert check.run(["target", address]) == 1
        assert 'line 3: expected value after metric, got "\\n"' in capsys.readouterr().err
    with target(b"a 1\n", "text/html") as address:
        assert check.run(["target", address]) == 1
        assert 'unsupported Content-Type "text/html"' in capsys.readouterr().err
    with target(b"a 1\nb 1\nc 1\nd 1\n") as address:
        assert check.run(["target", config, "--job=node", address]) == 1
        assert "sample limit exceeded" in capsys.readouterr().err
    assert check.run(["target", "127.0.0.1:1"]) == 1
    assert "connection refused" in capsys.readouterr().err
    assert check.run(["target", "ftp://x/"]) == 1
    assert check.run(["target", "--job=node", "x"]) == 2
