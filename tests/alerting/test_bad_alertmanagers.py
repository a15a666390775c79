"""Three Alertmanagers in trouble and a sound one: it hears of everything, no evaluation is late."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.alerting.stage import answering
from tests.daemon.process import Served, eventually

RULES = """groups:
- name: g
  interval: 100ms
  rules:
  - {alert: Always, expr: vector(1)}
"""
REFUSAL = (
    b"HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 4\r\n\r\nnope"
)


@contextmanager
def misbehaving(treat: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does `treat` to every connection; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            held.append(connection)
            treat(connection)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield "{}:{}".format(*listener.getsockname())
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for connection in held:
            connection.close()


def refuse(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(REFUSAL)


def metrics(url: str) -> dict[str, float]:
    with urllib.request.urlopen(url + "/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in lines
        if not line.startswith("#")
    }


@pytest.mark.slow
def test_each_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULES)
    heard: list[bytes] = []
    with ExitStack() as stack:
        sound = stack.enter_context(answering(lambda path, body: heard.append(body) or ""))
        hangs = stack.enter_context(misbehaving(lambda connection: None))
        closes = stack.enter_context(misbehaving(lambda connection: connection.close()))
        refuses = stack.enter_context(misbehaving(refuse))
        targets = ", ".join(f"'{one}'" for one in (hangs, closes, refuses, sound))
        config = (
            f"rule_files: [{tmp_path / 'rules.yml'}]\nalerting:\n  alertmanagers:\n"
            f"  - {{timeout: 1500ms, static_configs: [{{targets: [{targets}]}}]}}\n"
        )
        served = stack.enter_context(
            Served(tmp_path, "--rules.alert.resend-delay=200ms", config=config)
        )
        url = served.ready().url

        def errors(address: str) -> float:
            name = "prometheus_notifications_errors_total"
            return metrics(url)[f'{name}{{alertmanager="http://{address}/api/v2/alerts"}}']

        eventually("the sound one hears again and again", lambda: len(heard) > 5)
        eventually("each failure is counted", lambda: all(map(errors, (hangs, closes, refuses))))
        found = metrics(url)
        key = f'{{rule_group="{tmp_path / "rules.yml"};g"}}'
        assert found["prometheus_rule_group_iterations_total" + key] > 5
        assert found["prometheus_rule_group_last_duration_seconds" + key] < 5
        began = time.monotonic()
        status, log = served.stop()
        assert status == 0
        assert time.monotonic() - began < 25, "bounded by the time for draining"
        for address, word in (
            (hangs, "no answer in time"),
            (closes, "the connection was closed before an answer came"),
            (refuses, "500 Internal Server Error"),
        ):
            lines = [one for one in log.splitlines() if address in one and "failed" in one]
            assert len(lines) == 1, log
            assert word in lines[0]
