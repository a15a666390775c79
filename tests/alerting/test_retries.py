"""What a receiver in trouble costs: its own alerts some time, everybody else nothing."""

from __future__ import annotations

import asyncio
import logging

import pytest
from prometheus_client import CollectorRegistry

from termprom.alerting.client import SendError
from termprom.alerting.metrics import NotifierMetrics
from termprom.alerting.retry import Pending, retry_seconds, still_valid
from termprom.alerting.sender import Sender
from termprom.testing.clock import ManualClock
from tests.alerting.fakes import until

URL = "http://am/api/v2/alerts"
NOW_MS = 1_700_000_000_000
LATER_MS = NOW_MS + 240_000


class Receiver:
    """Fails as often as told, then takes everything."""

    def __init__(self, *problems: SendError) -> None:
        self.problems = list(problems)
        self.attempts_ms: list[int] = []
        self.taken: list[bytes] = []
        self.clock = ManualClock(NOW_MS)
        self.registry = CollectorRegistry()
        self.sender = Sender(
            URL,
            self.post,
            clock=self.clock,
            metrics=NotifierMetrics(self.registry, self.clock),
            capacity=10,
            batch=2,
        )

    async def post(self, url: str, body: bytes) -> None:
        self.attempts_ms.append(self.clock.now_ms() - NOW_MS)
        if self.problems:
            raise self.problems.pop(0)
        self.taken.append(body)

    def count(self, name: str) -> float | None:
        labels = {"alertmanager": URL}
        return self.registry.get_sample_value(f"prometheus_notifications_{name}", labels)


def pending(*names: str, until_ms: int = LATER_MS) -> list[Pending]:
    return [Pending({"labels": {"alertname": name}}, until_ms) for name in names]


def away() -> SendError:
    return SendError("dial tcp am:9093: Connection refused")


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (100, 30), (10**9, 30)]
)
def test_the_wait_doubles_up_to_half_a_minute(failures: int, seconds: float) -> None:
    assert retry_seconds(failures) == seconds


@pytest.mark.parametrize(
    ("status", "passing"),
    [(0, True), (500, True), (503, True), (429, True), (408, True), (400, False), (404, False)],
)
def test_which_failures_may_pass(status: int, passing: bool) -> None:
    assert SendError("x", status).passing is passing


def test_what_was_outlived_is_not_told() -> None:
    kept = pending("A", until_ms=5)
    assert still_valid([*pending("B", until_ms=4), *kept], 4) == kept


async def test_a_failure_that_passes_costs_seconds_and_no_alert() -> None:
    receiver = Receiver(away(), SendError("bad response status 503 x", 503), away())
    receiver.sender.add(pending("A", "B", "C"))
    await receiver.clock.advance(10)
    assert receiver.attempts_ms == [0, 1_000, 3_000, 7_000, 7_000]
    assert [body.count(b"alertname") for body in receiver.taken] == [2, 1]
    assert receiver.count("sent_total") == 3
    assert receiver.count("errors_total") == 6
    assert receiver.count("dropped_total") == 0
    await receiver.sender.stop(drain=True)


async def test_a_request_that_is_wrong_is_not_repeated() -> None:
    receiver = Receiver(SendError("bad response status 400 Bad Request", 400))
    receiver.sender.add(pending("A"))
    receiver.sender.add(pending("B", "C"))
    await receiver.clock.advance(60)
    assert receiver.attempts_ms == [0, 0]
    assert receiver.count("dropped_total") == 2
    await receiver.sender.stop(drain=True)


async def test_trouble_is_said_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "termprom.alerting")
    receiver = Receiver(*(away() for _ in range(20)))
    for _ in range(5):
        receiver.sender.add(pending("A", "B", "C", "D", until_ms=NOW_MS + 10_000_000))
        await receiver.clock.advance(60)
    assert [record.getMessage() for record in caplog.records] == [
        "sending alerts failed, trying again until it works",
        "alert notification queue full, dropping alerts",
    ]
    # Ten wait in the queue, two are on their way.
    assert receiver.count("queue_length") == 10
    assert receiver.count("dropped_total") == 8
    caplog.clear()
    await receiver.clock.advance(600)
    (record,) = caplog.records
    assert record.getMessage() == "alerts are delivered again"
    assert record.fields["dropped"] == 8  # type: ignore[attr-defined]
    assert receiver.count("sent_total") == 12
    await receiver.sender.stop(drain=True)


async def test_alerts_that_ended_meanwhile_are_dropped() -> None:
    receiver = Receiver(*(away() for _ in range(8)))
    receiver.sender.add([*pending("A", until_ms=NOW_MS + 2_000), *pending("B")])
    await receiver.clock.advance(3_600)
    assert receiver.count("dropped_total") == 1 + 0
    assert receiver.count("sent_total") == 1
    assert receiver.taken == [b'[{"labels":{"alertname":"B"}}]']
    await receiver.sender.stop(drain=True)


async def test_the_stop_gives_each_batch_one_attempt_more() -> None:
    receiver = Receiver(*(away() for _ in range(100)))
    receiver.sender.add(pending("A", "B", "C", "D"))
    await receiver.clock.advance(0)
    assert receiver.attempts_ms == [0]
    # The clock stands still: nothing here may wait for it.
    async with asyncio.timeout(5):
        await receiver.sender.stop(drain=True)
    assert len(receiver.attempts_ms) == 3
    assert receiver.count("sent_total") is None


async def test_the_stop_delivers_what_it_can() -> None:
    receiver = Receiver(away())
    receiver.sender.add(pending("A", "B", "C"))
    await until(lambda: receiver.attempts_ms)
    async with asyncio.timeout(5):
        await receiver.sender.stop(drain=True)
    assert len(receiver.taken) == 2
