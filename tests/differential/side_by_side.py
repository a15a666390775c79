"""A real Prometheus and a termprom that watch the same page and run the same rules."""

from __future__ import annotations

import json
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.daemon.process import Served, eventually
from tests.peers import running

PAGE = """# HELP load The "load".\\nsecond line
# TYPE load gauge
load{cpu="0"} 1.5
load{cpu="1"} 2.5
# HELP req_total Requests.
# TYPE req_total counter
req_total{code="200",path="/a\\"b"} 100
req_total{code="500",path="/é"} 3
# TYPE lat histogram
lat_bucket{le="0.1"} 1
lat_bucket{le="1"} 2
lat_bucket{le="+Inf"} 3
lat_sum 4.25
lat_count 3
odd NaN
endless +Inf
big 1e21
small 1e-7
"""

RULES = """groups:
- name: first
  interval: 1s
  rules:
  - record: job:load:sum
    expr: sum by (job) (load)
    labels: {src: rule}
  - alert: Hot
    expr: load > 1
    keep_firing_for: 5m
    labels: {severity: page}
    annotations: {summary: "load of {{ $labels.cpu }} is {{ $value }}"}
  - alert: Slow
    expr: load > 2
    for: 10m
    annotations: {a: b}
- name: second
  rules:
  - record: one:one
    expr: vector(1)
    labels: {src: rule}
"""

CONFIG = """global: {{scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 1s,
  external_labels: {{region: eu}}}}
rule_files: [{rules}]
scrape_configs:
- job_name: app
  static_configs: [{{targets: ['127.0.0.1:{port}'], labels: {{zone: a}}}}]
- job_name: broken
  metrics_path: /nope
  static_configs: [{{targets: ['127.0.0.1:{port}']}}]
- job_name: drop
  static_configs: [{{targets: ['127.0.0.1:{port}']}}]
  relabel_configs: [{{action: drop, source_labels: [job], regex: drop}}]
"""

FLAGS = (
    "--web.enable-lifecycle",
    "--web.enable-remote-write-receiver",
    "--web.enable-admin-api",
    "--enable-feature=exemplar-storage,native-histograms",
)


class _Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = PAGE.encode()
        self.send_response(200 if self.path == "/metrics" else 404)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str | None
    body: Any  # decoded JSON, else text


@dataclass(frozen=True)
class Pair:
    """The URLs of both; `ask` gives the answer of Prometheus first."""

    prometheus: str
    termprom: str

    def ask(
        self,
        path: str,
        params: Sequence[tuple[str, object]] = (),
        *,
        method: str = "GET",
        form: bool = False,
    ) -> tuple[Answer, Answer]:
        text = urllib.parse.urlencode([(name, str(value)) for name, value in params])
        body = text.encode() if form else None
        found = [
            _answer(base + path + (f"?{text}" if text and not form else ""), method, body)
            for base in (self.prometheus, self.termprom)
        ]
        return found[0], found[1]


def _answer(url: str, method: str, body: bytes | None) -> Answer:
    request = urllib.request.Request(url, method=method, data=body)
    try:
        with urllib.request.urlopen(request, timeout=20) as found:
            status, kind, text = found.status, found.headers.get("Content-Type"), found.read()
    except urllib.error.HTTPError as problem:
        with problem:
            status, kind, text = problem.code, problem.headers.get("Content-Type"), problem.read()
    try:
        return Answer(status, kind, json.loads(text))
    except ValueError:
        return Answer(status, kind, text.decode("utf-8", "replace"))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def side_by_side(folder: Path) -> Iterator[Pair]:
    """Both, once both have scraped and evaluated what the tests look at."""
    page = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=page.serve_forever, daemon=True).start()
    rules = folder / "rules.yml"
    rules.write_text(RULES, "utf-8")
    config = CONFIG.format(rules=rules, port=page.server_port)
    (folder / "prom.yml").write_text(config, "utf-8")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    try:
        with (
            running(
                url,
                "/-/ready",
                folder / "prometheus.log",
                "prometheus",
                f"--config.file={folder / 'prom.yml'}",
                f"--storage.tsdb.path={folder / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{port}",
                f"--web.external-url={url}",
                *FLAGS,
            ),
            Served(folder, *FLAGS, config=config) as served,
        ):
            pair = Pair(url, served.ready().url)
            settled = 'ALERTS{alertstate="firing"} and on() one:one and on() load offset 3s'
            for base in (pair.prometheus, pair.termprom):
                eventually("scraped and evaluated", lambda base=base: _has(base, settled))
            yield pair
    finally:
        page.shutdown()
        page.server_close()


def _has(base: str, expr: str) -> bool:
    found = _answer(f"{base}/api/v1/query?query={urllib.parse.quote(expr)}", "GET", None)
    return bool(found.body["data"]["result"])
