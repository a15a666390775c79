"""Bytes per sample on disk, after compaction, side by side with Prometheus and VictoriaMetrics.

    python -m tests.benchmarks.storage_size dataset  FOLDER [--hosts 100] [--hours 6]
    python -m tests.benchmarks.storage_size recorded FOLDER

The same samples go into each system by its own import: promtool's blocks of a day, VictoriaMetrics'
import followed by a forced merge, termprom's import followed by maintenance. `dataset` is
../shared/bench/dataset.py, `recorded` the scrapes of a real node_exporter in ../shared/data. What
is counted are the bytes of all files of samples and indexes. FOLDER is made and left behind.
"""

from __future__ import annotations

import argparse
import http.client
import lzma
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from termprom.clock import SystemClock
from termprom.tsdb.db import Database
from tests.peers import peer
from tests.shared_folder import shared


def dataset(path: Path, hosts: int, hours: float) -> None:
    """dataset.py's text."""
    program = [sys.executable, str(shared("bench", "dataset.py"))]
    with path.open("wb") as output:
        subprocess.run(
            [*program, "--hosts", str(hosts), "--hours", str(hours)], stdout=output, check=True
        )


def recorded(path: Path) -> None:
    """The recorded scrapes, each sample with the time of its scrape."""
    stamp = b""
    with lzma.open(shared("data", "node_exporter_450x2s.txt.xz")) as pages, path.open("wb") as out:
        for line in pages:
            if line.startswith(b"#@@"):
                time_ms = int(line[3:])
                stamp = b" %d.%03d\n" % (time_ms // 1000, time_ms % 1000)
            elif not line.startswith(b"#"):
                out.write(line.rstrip(b"\n") + stamp)
        out.write(b"# EOF\n")


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def into_termprom(source: Path, folder: Path) -> int:
    program = str(Path(sys.executable).with_name("termprom"))
    subprocess.run([program, "tsdb", "import", "openmetrics", str(source), str(folder)], check=True)
    store = Database.open(folder, clock=SystemClock())
    store.maintain()
    print(f"  {len(store.view().blocks)} blocks")
    store.close()
    return size_of(folder / "blocks")


def into_prometheus(source: Path, folder: Path) -> int:
    command = [peer("promtool"), "tsdb", "create-blocks-from", "openmetrics"]
    command += ["--max-block-duration=24h", "-q", str(source), str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return size_of(folder)


def into_victoria(source: Path, folder: Path) -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen(
        [
            peer("victoria-metrics"),
            f"-storageDataPath={folder}",
            f"-httpListenAddr={address}",
            "-retentionPeriod=100y",
            "-loggerLevel=ERROR",
        ]
    )
    try:
        _until_it_answers(address)
        _ask(address, "POST", "/api/v1/import/prometheus", _milliseconds(source))
        _ask(address, "GET", "/internal/force_flush")
        _ask(address, "GET", "/internal/force_merge")
        _until_merged(address)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    return (
        size_of(folder / "data") + size_of(folder / "indexdb")
        if (folder / "indexdb").exists()
        else size_of(folder / "data")
    )


def _until_it_answers(address: str) -> None:
    for _ in range(100):
        try:
            _ask(address, "GET", "/health")
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("VictoriaMetrics does not answer")


def _until_merged(address: str) -> None:
    """No merge runs any more, seen three times in a row."""
    quiet = 0
    while quiet < 3:
        time.sleep(1)
        text = _ask(address, "GET", "/metrics").decode()
        active = sum(
            float(line.rsplit(" ", 1)[1])
            for line in text.splitlines()
            if line.startswith("vm_active_merges")
        )
        quiet = quiet + 1 if active == 0 else 0


def _milliseconds(source: Path) -> Iterator[bytes]:
    """The text with timestamps in milliseconds, as VictoriaMetrics takes it."""
    with source.open("rb") as lines:
        piece: list[bytes] = []
        for line in lines:
            if line.startswith(b"#"):
                continue
            rest, stamp = line[:-1].rsplit(b" ", 1)
            whole, _, part = stamp.partition(b".")
            piece.append(rest + b" " + whole + part.ljust(3, b"0")[:3] + b"\n")
            if len(piece) >= 50_000:
                yield b"".join(piece)
                piece = []
        yield b"".join(piece)


def _ask(address: str, method: str, path: str, body: Iterator[bytes] | None = None) -> bytes:
    connection = http.client.HTTPConnection(address, timeout=600)
    try:
        connection.request(method, path, body=body, encode_chunked=body is not None)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{path}: {answer.status} {text[:200]!r}")
        return text
    finally:
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("dataset", "recorded"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--hours", type=float, default=6)
    parser.add_argument("--only", choices=("termprom", "prometheus", "victoria"))
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    source = chosen.folder / f"{chosen.what}.om"
    if not source.exists():
        if chosen.what == "dataset":
            dataset(source, chosen.hosts, chosen.hours)
        else:
            recorded(source)
    with source.open("rb") as lines:
        samples = sum(1 for line in lines if not line.startswith(b"#"))
    print(f"{samples} samples")
    systems = {
        "termprom": into_termprom,
        "prometheus": into_prometheus,
        "victoria": into_victoria,
    }
    for name, put in systems.items():
        if chosen.only in (None, name):
            folder = chosen.folder / name
            shutil.rmtree(folder, ignore_errors=True)
            began = time.monotonic()
            size = put(source, folder)
            took = time.monotonic() - began
            print(f"{name:11} {size:12} bytes, {size / samples:.4f} per sample, {took:.1f} s")


if __name__ == "__main__":
    main()
