"""`termprom check healthy|ready|web-config`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from termprom.cli import check


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sound = self.path == "/-/healthy"
            self.send_response(200 if sound else 503)
            self.end_headers()
            self.wfile.write(b"Healthy.\n" if sound else b"Service Unavailable")

        def log_message(self, format: str, *args: object) -> None:
            return

    found = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=found.serve_forever, args=(0.01,))
    thread.start()
    yield f"127.0.0.1:{found.server_port}"
    found.shutdown()
    found.server_close()
    thread.join()


def test_a_server_that_is_there_and_not_ready(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check.run(["healthy", f"--url=http://{server}/"]) == 0
    assert capsys.readouterr().err == "  SUCCESS:  Healthy.\n\n"
    assert check.run(["ready", f"--url={server}"]) == 1
    assert capsys.readouterr().err == f"check failed: URL=http://{server}, status=503\n"


def test_nobody_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.run(["ready", "--url=http://127.0.0.1:1"]) == 1
    assert "error requesting: http://127.0.0.1:1: " in capsys.readouterr().err
    assert check.run(["ready", "--url=ftp://x"]) == 1


def test_web_configuration_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.yml", tmp_path / "bad.yml"
    good.write_text("basic_auth_users: {}\n", encoding="utf-8")
    bad.write_text("oops: 1\n", encoding="utf-8")
    assert check.run(["web-config", str(good)]) == 0
    assert check.run(["web-config", str(good), str(bad)]) == 1
    said = capsys.readouterr().err
    assert f"{good} SUCCESS" in said
    assert f"{bad} FAILED: {bad}:1:1: field oops not found in type web.Config" in said
