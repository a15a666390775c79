from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import parse_qsl

import orjson
import pytest
from prometheus_client import CollectorRegistry

from termprom import limits
from termprom.alerting.notifier import Notifier
from termprom.config.schema import (
    AlertingConfig,
    Authorization,
    BasicAuth,
    HTTPClientConfig,
    HTTPHeader,
    Secret,
    TargetGroup,
)
from termprom.errors import ConfigError
from termprom.model.labels import EMPTY, Labels
from termprom.relabel import RelabelAction, RelabelConfig
from termprom.scrape.oauth2 import TokenSource
from termprom.testing.clock import ManualClock
from tests.alerting.fakes import alertmanager, block, firing, until
from tests.alerting.stage import answering

# Before the alerts of `firing` cease to be valid.
NOW_MS = 1_767_323_046_000


def make_notifier(
    clock: ManualClock | None = None, **settings: object
) -> tuple[Notifier, CollectorRegistry]:
    registry = CollectorRegistry()
    clock = clock or ManualClock(NOW_MS)
    notifier = Notifier(clock=clock, registry=registry, **settings)  # type: ignore[arg-type]
    return notifier, registry


def drop(label: str, value: str) -> RelabelConfig:
    return RelabelConfig(source_labels=(label,), regex=value, action=RelabelAction.DROP)


async def test_an_alert_arrives_in_the_form_of_api_v2() -> None:
    notifier, registry = make_notifier(user_agent="Prometheus/9.9.9")
    async with alertmanager() as fake:
        await notifier.apply(AlertingConfig(alertmanagers=(block(fake.address),)), EMPTY)
        notifier.send([firing("Down", Labels.of(summary="it is"), job="node"), firing("Bare")])
        await until(lambda: fake.posts)
        ((first, second),) = fake.posts
        assert first == {
            "annotations": {"summary": "it is"},
            "endsAt": "2026-01-02T03:08:05.678Z",
            "startsAt": "2026-01-02T03:04:05.678Z",
            "generatorURL": "http://here/graph?g0.expr=up&g0.tab=1",
            "labels": {"alertname": "Down", "job": "node"},
        }
        assert "annotations" not in second
        assert fake.paths == ["/api/v2/alerts"]
        assert fake.requests[0]["Content-Type"] == "application/json"
        assert fake.requests[0]["User-Agent"] == "Prometheus/9.9.9"
        (url,) = notifier.alertmanagers()
        sent = "prometheus_notifications_sent_total"
        await until(lambda: registry.get_sample_value(sent, {"alertmanager": url}) == 2)
        assert registry.get_sample_value("prometheus_notifications_alertmanagers_discovered") == 1
        await notifier.stop()


async def test_external_labels_fill_in_and_relabelling_decides_who_hears_of_it() -> None:
    notifier, _ = make_notifier()
    async with alertmanager() as one, alertmanager() as two:
        alerting = AlertingConfig(
            alert_relabel_configs=(drop("severity", "info"),),
            alertmanagers=(
                block(one.address),
                block(two.address, alert_relabel_configs=(drop("team", "db"),)),
            ),
        )
        await notifier.apply(alerting, Labels.of(site="eu", job="external"))
        notifier.send(
            [
                firing("A", job="own"),
                firing("B", severity="info"),
                firing("C", team="db"),
            ]
        )
        await until(lambda: one.posts and two.posts)
        assert one.names == ["A", "C"]
        assert two.names == ["A"]
        assert two.posts[0][0]["labels"] == {"alertname": "A", "job": "own", "site": "eu"}
        await notifier.stop()


async def test_batches_keep_the_order() -> None:
    notifier, _ = make_notifier(batch_size=3)
    async with alertmanager() as fake:
        await notifier.apply(AlertingConfig(alertmanagers=(block(fake.address),)), EMPTY)
        notifier.send([firing(str(number)) for number in range(8)])
        await until(lambda: len(fake.names) == 8)
        assert [len(post) for post in fake.posts] == [3, 3, 2]
        assert fake.names == [str(number) for number in range(8)]
        await notifier.stop()


async def test_one_that_refuses_loses_its_batch_and_disturbs_nobody() -> None:
    notifier, registry = make_notifier()
    async with alertmanager() as good, alertmanager() as bad:
        bad.status = 400
        await notifier.apply(
            AlertingConfig(alertmanagers=(block(bad.address, good.address),)), EMPTY
        )
        notifier.send([firing("A"), firing("B")])
        url = f"http://{bad.address}/api/v2/alerts"

        def count(name: str) -> float | None:
            labels = {"alertmanager": url}
            return registry.get_sample_value(f"prometheus_notifications_{name}_total", labels)

        await until(lambda: count("errors") == 2)
        await until(lambda: good.names == ["A", "B"])
        assert (count("dropped"), count("sent")) == (2, 0)
        bad.status = 200
        notifier.send([firing("C")])
        await until(lambda: bad.names == ["C"])
        await notifier.stop()


async def test_a_full_queue_drops_the_oldest_and_sending_never_waits() -> None:
    notifier, registry = make_notifier(queue_capacity=5, batch_size=2)
    async with alertmanager() as fake:
        fake.gate = asyncio.Event()
        await notifier.apply(AlertingConfig(alertmanagers=(block(fake.address),)), EMPTY)
        notifier.send([firing("first")])
        await until(lambda: fake.requests)
        for number in range(20):
            notifier.send([firing(str(number))])
        (url,) = notifier.alertmanagers()
        label = {"alertmanager": url}
        dropped = registry.get_sample_value("prometheus_notifications_dropped_total", label)
        length = registry.get_sample_value("prometheus_notifications_queue_length", label)
        assert (dropped, length) == (15, 5)
        fake.gate.set()
        await until(lambda: len(fake.names) == 6)
        assert fake.names == ["first", "15", "16", "17", "18", "19"]
        await notifier.stop()


async def test_a_storm_is_dealt_with_in_pieces_and_in_order() -> None:
    notifier, registry = make_notifier(queue_capacity=1_000)
    async with alertmanager() as fake:
        await notifier.apply(AlertingConfig(alertmanagers=(block(fake.address),)), EMPTY)
        turns = 0

        async def count_turns() -> None:
            nonlocal turns
            while len(fake.names) < 901:
                await asyncio.sleep(0)
                turns += 1

        counting = asyncio.create_task(count_turns())
        notifier.send([firing(str(number)) for number in range(900)])
        notifier.send([firing("900")])
        (url,) = notifier.alertmanagers()
        label = {"alertmanager": url}
        queued = "prometheus_notifications_queue_length"
        assert registry.get_sample_value(queued, label) == 0, "nothing was done at once"
        await counting
        assert turns > 7
        assert fake.names == [str(number) for number in range(901)]
        await notifier.stop()


async def test_a_storm_at_the_stop_is_delivered_and_one_without_end_is_bounded() -> None:
    notifier, registry = make_notifier(queue_capacity=500)
    async with alertmanager() as fake:
        await notifier.apply(AlertingConfig(alertmanagers=(block(fake.address),)), EMPTY)
        (url,) = notifier.alertmanagers()
        notifier.send([firing(str(number)) for number in range(800)])
        dropped = "prometheus_notifications_dropped_total"
        assert registry.get_sample_value(dropped, {"alertmanager": url}) == 300
        await notifier.stop()
        assert fake.names == [str(number) for number in range(300, 800)]


async def test_an_unchanged_block_keeps_its_queue_over_a_reload() -> None:
    notifier, registry = make_notifier()
    async with alertmanager() as kept, alertmanager() as gone, alertmanager() as new:
        kept.gate = asyncio.Event()
        await notifier.apply(
            AlertingConfig(alertmanagers=(block(gone.address), block(kept.address))), EMPTY
        )
        notifier.send([firing("A")])
        await until(lambda: kept.requests and gone.posts)
        notifier.send([firing("B")])
        await until(lambda: len(gone.posts) == 2)
        await notifier.apply(
            AlertingConfig(alertmanagers=(block(kept.address), block(new.address))), EMPTY
        )
        kept.gate.set()
        notifier.send([firing("C")])
        await until(lambda: len(kept.names) == 3 and new.posts)
        assert kept.names == ["A", "B", "C"]
        assert (gone.names, new.names) == (["A", "B"], ["C"])
        label = {"alertmanager": f"http://{gone.address}/api/v2/alerts"}
        assert registry.get_sample_value("prometheus_notifications_sent_total", label) is None
        await notifier.stop()


async def test_discovered_targets_join_the_static_ones_and_leave_again() -> None:
    notifier, _ = make_notifier()
    async with alertmanager() as static, alertmanager() as found:
        await notifier.apply(AlertingConfig(alertmanagers=(block(static.address),)), EMPTY)
        await notifier.update_targets(0, [TargetGroup((found.address,), EMPTY, "file:0")])
        assert len(notifier.alertmanagers()) == 2
        notifier.send([firing("A")])
        await until(lambda: static.names == found.names == ["A"])
        await notifier.update_targets(0, [])
        assert notifier.alertmanagers() == (f"http://{static.address}/api/v2/alerts",)
        await notifier.stop()


async def test_stopping_sends_what_is_queued() -> None:
    notifier, _ = make_notifier(batch_size=1)
    async with alertmanager() as fake:
        await notifier.apply(AlertingConfig(alertmanagers=(block(fake.address),)), EMPTY)
        notifier.send([firing(str(number)) for number in range(5)])
        await notifier.stop()
        assert len(fake.names) == 5
        notifier.send([firing("late")])
        assert notifier.alertmanagers() == ()


async def test_stopping_without_draining_does_not_wait() -> None:
    notifier, _ = make_notifier(drain_on_stop=False)
    async with alertmanager() as fake:
        fake.gate = asyncio.Event()
        await notifier.apply(AlertingConfig(alertmanagers=(block(fake.address),)), EMPTY)
        notifier.send([firing("A")])
        await until(lambda: fake.requests)
        async with asyncio.timeout(5):
            await notifier.stop()
        assert fake.names == []


async def test_one_that_hangs_does_not_hold_up_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NOTIFIER_DRAIN_SECONDS", 0.05)
    notifier, _ = make_notifier()
    async with alertmanager() as fake:
        fake.gate = asyncio.Event()
        await notifier.apply(AlertingConfig(alertmanagers=(block(fake.address),)), EMPTY)
        notifier.send([firing("A")])
        async with asyncio.timeout(5):
            await notifier.stop()
        assert fake.names == []


async def test_one_that_is_not_there_is_counted() -> None:
    notifier, registry = make_notifier()
    await notifier.apply(AlertingConfig(alertmanagers=(block("127.0.0.1:1"),)), EMPTY)
    notifier.send([firing("A")])
    label = {"alertmanager": "http://127.0.0.1:1/api/v2/alerts"}
    errors = "prometheus_notifications_errors_total"
    await until(lambda: registry.get_sample_value(errors, label) == 1)
    await notifier.stop()


async def test_a_timeout_is_an_error() -> None:
    notifier, registry = make_notifier()
    async with alertmanager() as fake:
        fake.gate = asyncio.Event()
        await notifier.apply(
            AlertingConfig(alertmanagers=(block(fake.address, timeout=50),)), EMPTY
        )
        notifier.send([firing("A")])
        label = {"alertmanager": f"http://{fake.address}/api/v2/alerts"}
        errors = "prometheus_notifications_errors_total"
        await until(lambda: registry.get_sample_value(errors, label) == 1)
        await notifier.stop()


async def test_credentials_and_headers(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("from file\n")
    notifier, _ = make_notifier()
    async with alertmanager() as one, alertmanager() as two:
        basic = HTTPClientConfig(basic_auth=BasicAuth(username="u", password_file=str(secret)))
        bearer = HTTPClientConfig(
            authorization=Authorization(credentials=Secret("token")),
            http_headers={"X-Scope": HTTPHeader(values=("tenant",))},
        )
        await notifier.apply(
            AlertingConfig(
                alertmanagers=(block(one.address, http=basic), block(two.address, http=bearer))
            ),
            EMPTY,
        )
        notifier.send([firing("A")])
        await until(lambda: one.posts and two.posts)
        assert one.requests[0]["Authorization"] == "Basic dTpmcm9tIGZpbGU="
        assert two.requests[0]["Authorization"] == "Bearer token"
        assert two.requests[0]["X-Scope"] == "tenant"
        await notifier.stop()


async def test_tokens_of_an_oauth2_section() -> None:
    clock = ManualClock(NOW_MS)
    asked: list[dict[str, str]] = []

    def answer(path: str, body: bytes) -> str:
        asked.append(dict(parse_qsl(body.decode())))
        return orjson.dumps({"access_token": f"secret{len(asked)}", "expires_in": 60}).decode()

    notifier, registry = make_notifier(clock, tokens=lambda s, post: TokenSource(s, post, clock))
    with answering(answer) as server:
        async with alertmanager() as fake:
            section = {"client_id": "x", "token_url": f"http://{server}/token", "scopes": ["a"]}
            http = HTTPClientConfig(oauth2=section)
            await notifier.apply(
                AlertingConfig(alertmanagers=(block(fake.address, http=http),)), EMPTY
            )
            for name in ("A", "B"):
                notifier.send([firing(name)])
                await until(lambda name=name: name in fake.names)  # type: ignore[misc]
            await clock.advance(60)
            notifier.send([firing("C")])
            await until(lambda: "C" in fake.names)
            assert [one["Authorization"] for one in fake.requests] == [
                "Bearer secret1",
                "Bearer secret1",
                "Bearer secret2",
            ]
            assert asked[0] == {"grant_type": "client_credentials", "scope": "a"}
    # The token's server is away: an error like any other.
    await clock.advance(60)
    notifier.send([firing("D")])
    label = {"alertmanager": f"http://{fake.address}/api/v2/alerts"}
    errors = "prometheus_notifications_errors_total"
    await until(lambda: registry.get_sample_value(errors, label) == 1)
    await notifier.stop()


async def test_a_client_that_cannot_be_made_leaves_everything_as_it_was() -> None:
    notifier, _ = make_notifier()
    async with alertmanager() as fake:
        good = block(fake.address)
        await notifier.apply(AlertingConfig(alertmanagers=(good,)), EMPTY)
        broken = block("other:1", http=HTTPClientConfig(oauth2={"client_id": "x"}))
        with pytest.raises(ConfigError, match="oauth2"):
            await notifier.apply(AlertingConfig(alertmanagers=(block("n:1"), broken)), EMPTY)
        notifier.send([firing("A")])
        await until(lambda: fake.names == ["A"])
        await notifier.stop()
