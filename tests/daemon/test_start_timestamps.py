"""A counter that says since when it counts, from its page to the answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.daemon.process import Served, eventually

_CONFIG = """\
scrape_configs:
- job_name: counted
  scrape_interval: 1s
  scrape_protocols: [OpenMetricsText1.0.0]
  static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class _Page(BaseHTTPRequestHandler):
    """Five requests since three seconds before the page was first asked for."""

    began = time.time() - 3

    def do_GET(self) -> None:
        text = f"# TYPE asked counter\nasked_total 5\nasked_created {self.began:.3f}\n# EOF\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/openmetrics-text; version=1.0.0")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("features", "counts"), [("st-storage,use-start-timestamps", True), ("st-storage", False)]
)
def test_what_was_counted_before_the_first_scrape_counts(
    tmp_path: Path, port: int, features: str, *, counts: bool
) -> None:
    flag = f"--enable-feature={features}"
    with Served(tmp_path, flag, config=_CONFIG.format(port=port)) as served:
        served.ready()
        found = eventually(
            "two samples", lambda: served.value("count_over_time(asked_total[1h]) > 1")
        )
        assert found >= 2
        increase = served.value("increase(asked_total[1h])")
        assert increase is not None
        # Stretched to the end of the window, by a part of the interval.
        assert 5 <= increase < 10 if counts else increase == 0
        status, text = served.stop()
        assert status == 0, text
        assert "no effect" not in text
