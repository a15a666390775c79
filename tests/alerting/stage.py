"""A stage for real Alertmanagers: a page whose numbers a test decides, a webhook that listens."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.differential.side_by_side import free_port
from tests.peers import running

Answer = Callable[[str, bytes], str]  # path and body of a request to the body of the answer


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """A server on the loopback; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = answer(self.path, self.rfile.read(length)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Webhook:
    """What an Alertmanager notified of, in the order of arrival."""

    payloads: list[dict[str, Any]] = field(default_factory=list)

    def take(self, _: str, body: bytes) -> str:
        self.payloads.append(json.loads(body))
        return ""

    def alerts(self, status: str = "") -> list[dict[str, Any]]:
        """Every alert of every notification, of one status if it is named."""
        return [
            alert
            for payload in self.payloads
            for alert in payload["alerts"]
            if status in ("", alert["status"])
        ]


ALERTMANAGER = """route:
  receiver: hook
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
- name: hook
  webhook_configs: [{{url: 'http://{hook}/'}}]
"""


@contextmanager
def real_alertmanager(folder: Path, name: str = "am") -> Iterator[tuple[str, Webhook]]:
    """A real one that notifies the webhook at once; its address."""
    hook, address = Webhook(), f"127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        listener = stack.enter_context(answering(hook.take))
        config = folder / f"{name}.yml"
        config.write_text(ALERTMANAGER.format(hook=listener), "utf-8")
        stack.enter_context(
            running(
                f"http://{address}",
                "/-/ready",
                folder / f"{name}.log",
                "prometheus-alertmanager",
                f"--config.file={config}",
                f"--storage.path={folder / name}",
                f"--web.listen-address={address}",
                "--cluster.listen-address=",
            )
        )
        yield address, hook


def sleep_until(moment: float) -> None:
    time.sleep(max(moment - time.time(), 0.0))
