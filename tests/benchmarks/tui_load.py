"""Load for measurements of the screen: exporters to ingest from, and a client that asks.

`python -m tests.benchmarks.tui_load COUNT SAMPLES` serves COUNT exporters of SAMPLES samples each
on ports of its own and prints them; a process of its own, so that only the engine is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

SAMPLES = 1_000
EXPORTERS = 20


def _body(samples: int, turn: int) -> bytes:
    lines = ["# TYPE load_requests_total counter"]
    half = samples // 2
    lines += [
        f'load_requests_total{{route="/r{n}",code="200"}} {n + turn * 7}' for n in range(half)
    ]
    lines.append("# TYPE load_queue gauge")
    lines += [
        f'load_queue{{queue="q{n}"}} {n * 31 % 97 + turn % 3 / 4}' for n in range(samples - half)
    ]
    return ("\n".join(lines) + "\n").encode()


async def _serve(count: int, samples: int) -> None:
    bodies = [_body(samples, turn) for turn in range(60)]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                body = bodies[int(time.time()) % len(bodies)]
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
                    b"Content-Length: %d\r\n\r\n" % len(body)
                )
                writer.write(body)
                await writer.drain()
        writer.close()

    ports = []
    for _ in range(count):
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
    print(*ports, flush=True)
    await asyncio.Event().wait()


@contextlib.contextmanager
def exporters(count: int = EXPORTERS, samples: int = SAMPLES) -> Iterator[list[int]]:
    """Their ports."""
    command = [sys.executable, "-m", "tests.benchmarks.tui_load", str(count), str(samples)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield [int(port) for port in process.stdout.readline().split()]
        finally:
            process.kill()


def configuration(folder: Path, ports: list[int]) -> Path:
    """Scrapes each port once a second, and has rules and an alert as a small installation has."""
    rules = folder / "rules.yml"
    rules.write_text(
        "groups:\n- name: load\n  interval: 5s\n  rules:\n"
        "  - record: job:load_requests:rate1m\n"
        "    expr: sum by (job) (rate(load_requests_total[1m]))\n"
        "  - alert: QueueLong\n    expr: load_queue > 95\n    labels: {severity: warning}\n"
    )
    targets = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
    file = folder / "load.yml"
    file.write_text(
        f"global: {{scrape_interval: 1s}}\nrule_files: [{rules}]\n"
        f"scrape_configs:\n- job_name: load\n  static_configs:\n  - targets: [{targets}]\n"
    )
    return file


class HeavyClient:
    """Asks one heavy range query after another; counts the answers."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="heavy", daemon=True)
        self.answers = 0
        self.seconds = 0.0

    def __enter__(self) -> HeavyClient:
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def _ask(self) -> None:
        expr = "sum by (code) (rate(load_requests_total[1m])) + on () group_left () avg(load_queue)"
        while not self._stop.is_set():
            now = int(time.time())
            fields = {"query": expr, "start": now - 300, "end": now, "step": 1}
            began = time.monotonic()
            try:
                url = f"{self._url}/api/v1/query_range?{urllib.parse.urlencode(fields)}"
                with urllib.request.urlopen(url, timeout=60) as answer:
                    answer.read()
                self.answers += 1
                self.seconds += time.monotonic() - began
            except (urllib.error.URLError, OSError):
                self._stop.wait(0.2)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
