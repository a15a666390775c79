"""Memory with many active series, and the time of a restart, beside a real Prometheus.

    python -m tests.benchmarks.storage_head FOLDER [--series 100000] [--minutes 120] [--only NAME]

Both servers get the same samples by remote write, as fast as they take them: hosts of 1,000 series
each, a sample every 15 s of data time, so that hours pass in minutes. Resident memory is read after
30 minutes of data and at the end; Prometheus' also after a collection that is forced on it. Then
both are killed with SIGKILL, and timed is the start until /-/ready answers, which for either
is when its log has been replayed.

Of the series 60 % do not change, 25 % are counters of whole numbers, 15 % gauges of two decimals:
about what a node_exporter shows.
"""

from __future__ import annotations

import argparse
import http.client
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import cramjam
import numpy as np

from tests.benchmarks.storage_size import size_of
from tests.peers import peer

PER_HOST = 1000
STEP_MS = 15_000


class Host:
    """The write requests of one host: the same bytes but for times and values."""

    def __init__(self, number: int) -> None:
        self._rng = np.random.default_rng(number)
        parts: list[bytes] = []
        places: list[int] = []
        size = 0
        for series in range(PER_HOST):
            labels = b"".join(
                _label(name, value)
                for name, value in (
                    ("__name__", f"node_metric_{series // 20}_total"),
                    ("device", f"dev-{series % 20}"),
                    ("instance", f"host-{number}:9100"),
                    ("job", "node"),
                )
            )
            message = labels + b"\x12\x10" + b"\x09" + bytes(8) + b"\x10" + bytes(6)
            head = b"\x0a" + _varint(len(message))
            places.append(size + len(head) + len(labels) + 3)
            parts.append(head + message)
            size += len(head) + len(message)
        self._body = np.frombuffer(b"".join(parts), dtype=np.uint8).copy()
        at = np.array(places)
        self._values_at = at[:, np.newaxis] + np.arange(8)
        self._times_at = at[:, np.newaxis] + 9 + np.arange(6)
        self._values = np.floor(self._rng.random(PER_HOST) * 1e6)

    def request(self, time_ms: int) -> bytes:
        """The body of the next request, compressed."""
        values, rng = self._values, self._rng
        values[600:850] += rng.integers(0, 500, 250)
        values[850:] = np.round(rng.random(150) * 100, 2)
        self._body[self._values_at] = values.view(np.uint8).reshape(-1, 8)
        self._body[self._times_at] = np.frombuffer(_varint(time_ms), dtype=np.uint8)
        return bytes(cramjam.snappy.compress_raw(self._body.tobytes()))


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)


def _label(name: str, value: str) -> bytes:
    pair = b"".join(
        tag + _varint(len(text)) + text.encode()
        for tag, text in ((b"\x0a", name), (b"\x12", value))
    )
    return b"\x0a" + _varint(len(pair)) + pair


class Server:
    """One of the two, on a free port."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        config = folder.with_suffix(".yml")
        text = "global: {scrape_interval: 15s}\n"
        if name == "termprom":
            # Nothing of its own: a sample of now would make those of the past too old.
            text += "x_pushgateway: {enabled: false}\n"
        config.write_text(text)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        program = (
            [peer("prometheus"), "--log.level=error"]
            if name == "prometheus"
            else [str(Path(sys.executable).with_name("termprom")), "serve", "--log.level=error"]
        )
        self._command = [
            *program,
            f"--config.file={config}",
            f"--storage.tsdb.path={folder}",
            f"--web.listen-address=127.0.0.1:{self._port}",
            "--web.enable-remote-write-receiver",
        ]

    def start(self) -> float:
        """Seconds until it is ready."""
        began = time.monotonic()
        self._process = subprocess.Popen(self._command)
        while True:
            assert self._process.poll() is None, "it ended"
            try:
                if self.ask("GET", "/-/ready")[0] == 200:
                    return time.monotonic() - began
            except OSError:
                pass
            time.sleep(0.05)

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def feed(self, hosts: list[Host], times_ms: range) -> float:
        """Seconds that it took to send."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
        spent = 0.0
        for time_ms in times_ms:
            for host in hosts:
                body = host.request(time_ms)
                began = time.monotonic()
                connection.request("POST", "/api/v1/write", body, headers)
                answer = connection.getresponse()
                text = answer.read()
                spent += time.monotonic() - began
                assert answer.status < 300, text
        connection.close()
        return spent

    def resident(self) -> int:
        """Megabytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(one for one in status.splitlines() if one.startswith("VmRSS"))
        return int(line.split()[1]) // 1024

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def collect_garbage(self) -> None:
        if self.name == "prometheus":
            self.ask("GET", "/debug/pprof/heap?gc=1")

    def count(self, time_ms: int) -> str:
        """How many series there are at that time, in its own words."""
        query = f"/api/v1/query?query=count(%7Bjob%3D%22node%22%7D)&time={time_ms // 1000}"
        return self.ask("GET", query)[1].decode()

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def measure(name: str, folder: Path, series: int, minutes: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    hosts = [Host(number) for number in range(series // PER_HOST)]
    rounds = minutes * 60_000 // STEP_MS
    # From an even two hours on, as late in the past as it has to be.
    start_ms = (int(time.time()) - minutes * 60) // 7200 * 7_200_000
    times_ms = range(start_ms, start_ms + rounds * STEP_MS, STEP_MS)
    first = min(30 * 60_000 // STEP_MS, rounds)
    server = Server(name, folder)
    server.start()
    print(f"{name}: empty {server.resident()} MB", flush=True)
    spent = server.feed(hosts, times_ms[:first])
    _settle(server)
    print(f"{name}: after {first * STEP_MS // 60_000} min {server.resident()} MB", end="")
    server.collect_garbage()
    print(f", {server.resident()} MB after a collection", flush=True)
    spent += server.feed(hosts, times_ms[first:])
    _settle(server)
    samples = rounds * len(hosts) * PER_HOST
    print(
        f"{name}: after {minutes} min {server.resident()} MB; {samples} samples sent in "
        f"{spent:.1f} s, {server.cpu_seconds() / samples * 1e6:.2f} CPU-s per million; "
        f"{size_of(folder) / samples:.3f} bytes per sample in files"
    )
    print(f"{name}: {server.count(times_ms[-1])[-60:]}")
    server.kill()
    took = server.start()
    cpu = server.cpu_seconds()
    print(f"{name}: ready {took:.1f} s after a kill, {cpu:.1f} CPU-s, {server.resident()} MB")
    print(f"{name}: {server.count(times_ms[-1])[-60:]}", flush=True)
    server.kill()


def _settle(server: Server) -> None:
    """Its background work done: a second without using the processor."""
    before = server.cpu_seconds()
    for _ in range(60):
        time.sleep(1)
        now = server.cpu_seconds()
        if now - before < 0.15:
            return
        before = now


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--minutes", type=int, default=120)
    parser.add_argument("--only", choices=("termprom", "prometheus"))
    chosen = parser.parse_args()
    for name in ("termprom", "prometheus"):
        if chosen.only in (None, name):
            measure(name, chosen.folder / name, chosen.series, chosen.minutes)


if __name__ == "__main__":
    main()
