"""The HTTP API and the remote-write receiver beside a real Prometheus on the same data.

    make bench

Figures are printed. CPU per request says more than requests per second where cores are shared.
"""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import cramjam
import numpy as np
import psutil
import pytest

from tests.benchmarks.doors_load import closed_loop, cpu_seconds, get, one_by_one, peak_bytes, post
from tests.daemon.process import Served, eventually
from tests.differential.side_by_side import free_port
from tests.peers import running
from tests.remote.encoder import Series, request

pytestmark = [pytest.mark.benchmark, pytest.mark.peer]

HEADERS = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
TARGETS, PER_TARGET, BATCH = 20, 500, 2_000


@dataclass(frozen=True)
class End:
    name: str
    url: str
    pid: int


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[End]]:
    folder: Path = tmp_path_factory.mktemp("doors")
    (folder / "prom.yml").write_text("scrape_configs: []\n", "utf-8")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    flags = ("--web.enable-remote-write-receiver",)
    with (
        running(
            url,
            "/-/ready",
            folder / "log",
            "prometheus",
            f"--config.file={folder / 'prom.yml'}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{port}",
            *flags,
        ),
        Served(folder, *flags, config="scrape_configs: []\n") as served,
    ):
        mine = [one for one in psutil.Process().children() if one.pid != served.process.pid]
        real = End("prometheus", url, mine[-1].pid)
        yield [real, End("termprom", served.ready().url, served.process.pid)]


def _requests(start_ms: int, steps: int, name: str, targets: int = TARGETS) -> list[bytes]:
    """What a sender makes of the scrapes of some targets, one sample in each series message."""
    chance = np.random.default_rng(3)
    series = [
        (target, [("__name__", f"{name}_{n // 10}_total"), ("cpu", str(n % 10)),
                  ("instance", f"host-{target}:9100"), ("job", "node"), ("mode", "idle")])
        for target in range(targets)
        for n in range(PER_TARGET)
    ]  # fmt: skip
    values = np.zeros(len(series))
    found = []
    for step in range(steps):
        values += np.round(chance.random(values.size) * 15, 2)
        numbers = values.tolist()
        for first in range(0, len(series), BATCH):
            batch = [
                Series(labels, [(start_ms + step * 15_000 + target * 37, numbers[first + n])])
                for n, (target, labels) in enumerate(series[first : first + BATCH])
            ]
            body = bytes(cramjam.snappy.compress_raw(request(*batch)))
            found.append(post("/api/v1/write", body, HEADERS))
    return found


def test_remote_write(ends: list[End]) -> None:
    steps = 60
    requests = _requests(int(time.time() - 3600) * 1000, steps, "written")
    known = TARGETS * PER_TARGET // BATCH
    print(f"\n{TARGETS * PER_TARGET * steps:,} samples, {BATCH} in a request, one connection")
    for end in ends:
        one_by_one(end.url, requests[:known], end.pid)  # the series become known
        load = one_by_one(end.url, requests[known:], end.pid)
        samples = load.requests * BATCH
        print(
            f"{end.name:>10}: {samples / load.seconds:9,.0f} samples/s, "
            f"{load.cpu_seconds / samples * 1e6:5.2f} CPU-s per million, "
            f"{samples / load.cpu_seconds:9,.0f} samples/s per core"
        )


@pytest.mark.parametrize("clients", [1, 50])
def test_a_small_instant_query(ends: list[End], clients: int) -> None:
    print()
    for end in ends:
        at = int(time.time())
        for written in _requests(at * 1000 - 1000, 1, "small", targets=1):
            one_by_one(end.url, [written], end.pid)
        text = urlencode({"query": 'small_1_total{cpu="3"}', "time": at})
        asked = get(f"/api/v1/query?{text}")
        closed_loop(end.url, asked, end.pid, clients=clients, seconds=0.5)
        print(
            f"{end.name:>10}, {clients:2} clients: "
            f"{closed_loop(end.url, asked, end.pid, clients=clients, seconds=4.0)}"
        )


def test_a_hundred_megabytes(ends: list[End]) -> None:
    """All series of two targets, an hour at one second: 3.6 million points."""
    start = int(time.time()) - 3600
    requests = _requests(start * 1000, 240, "large", targets=2)
    text = urlencode(
        {"query": '{__name__=~"large_.*"}', "start": start, "end": start + 3599, "step": 1}
    )
    print()
    for end in ends:
        one_by_one(end.url, requests, end.pid)
        eventually("it is there", lambda end=end: _count(end) == 1000)
        before, cpu, began = peak_bytes(end.pid), cpu_seconds(end.pid), time.perf_counter()
        first, size = 0.0, 0
        with urllib.request.urlopen(f"{end.url}/api/v1/query_range?{text}", timeout=300) as answer:
            while piece := answer.read(1 << 20):
                first = first or time.perf_counter() - began
                size += len(piece)
        spent = time.perf_counter() - began
        print(
            f"{end.name:>10}: {size / 1e6:.0f} MB in {spent:.2f} s (first byte {first:.2f} s), "
            f"{cpu_seconds(end.pid) - cpu:.2f} s CPU, peak {before / 1e6:.0f} -> "
            f"{peak_bytes(end.pid) / 1e6:.0f} MB"
        )


def _count(end: End) -> int:
    text = urlencode({"query": 'count({__name__=~"large_.*"})'})
    with urllib.request.urlopen(f"{end.url}/api/v1/query?{text}", timeout=30) as answer:
        return 1000 if b'"1000"' in answer.read() else 0
