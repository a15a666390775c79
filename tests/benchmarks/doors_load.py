"""Clients for load on an HTTP server: prepared bytes over open connections, parsed no further."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
import psutil


@dataclass(frozen=True)
class Load:
    """What a run of requests cost the server and its clients."""

    requests: int
    seconds: float
    cpu_seconds: float
    latencies: Sequence[float]

    def __str__(self) -> str:
        p50, p99 = np.percentile(self.latencies, [50, 99]) * 1e3
        return (
            f"{self.requests / self.seconds:6.0f} requests/s, p50 {p50:6.2f} ms, p99 {p99:6.2f} ms,"
            f" {self.cpu_seconds / self.requests * 1e6:5.0f} us CPU each"
        )


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
    return head.encode() + body


def cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def peak_bytes(pid: int) -> int:
    """The largest resident size so far."""
    with open(f"/proc/{pid}/status", encoding="ascii") as opened:
        (line,) = (one for one in opened if one.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def closed_loop(url: str, request: bytes, pid: int, *, clients: int, seconds: float) -> Load:
    """Each client asks again as soon as it has its answer."""
    address = urlsplit(url)
    selector = selectors.DefaultSelector()
    began: dict[socket.socket, float] = {}
    waiting: dict[socket.socket, bytearray] = {}
    for _ in range(clients):
        one = socket.create_connection((address.hostname, address.port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(one, selectors.EVENT_READ)
        waiting[one] = bytearray()
    cpu, start = cpu_seconds(pid), time.perf_counter()
    for one in waiting:
        began[one] = time.perf_counter()
        one.sendall(request)
    latencies: list[float] = []
    while time.perf_counter() - start < seconds:
        for key, _ in selector.select(timeout=1.0):
            one = key.fileobj
            assert isinstance(one, socket.socket)
            got = waiting[one]
            got += one.recv(1 << 16)
            if not _is_whole(got):
                continue
            assert got.startswith(b"HTTP/1.1 20"), bytes(got[:300])
            now = time.perf_counter()
            latencies.append(now - began[one])
            got.clear()
            began[one] = now
            one.sendall(request)
    spent = time.perf_counter() - start
    used = cpu_seconds(pid) - cpu
    for one in waiting:
        one.close()
    return Load(len(latencies), spent, used, latencies)


def _is_whole(answer: bytearray) -> bool:
    head, gap, body = bytes(answer).partition(b"\r\n\r\n")
    if not gap:
        return False
    lower = head.lower()
    at = lower.find(b"content-length:")
    if at < 0:
        return b" 204 " in head[:20] or body.endswith(b"0\r\n\r\n")
    return len(body) >= int(lower[at + 15 :].split(b"\r\n", 1)[0])


def one_by_one(url: str, requests: Sequence[bytes], pid: int) -> Load:
    """All requests over one connection, each after the answer to the one before."""
    address = urlsplit(url)
    latencies = []
    with socket.create_connection((address.hostname, address.port)) as one:
        cpu, start = cpu_seconds(pid), time.perf_counter()
        for request in requests:
            began = time.perf_counter()
            one.sendall(request)
            got = bytearray()
            while not _is_whole(got):
                piece = one.recv(1 << 16)
                assert piece, bytes(got)
                got += piece
            assert got.startswith(b"HTTP/1.1 20"), bytes(got[:300])
            latencies.append(time.perf_counter() - began)
        return Load(len(latencies), time.perf_counter() - start, cpu_seconds(pid) - cpu, latencies)
