"""One target: what is stored, what ends, and what the report says. Vectors of the reference."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from termprom.config.schema import ScrapeConfig
from termprom.errors import ScrapeError, TargetUnreachable
from termprom.relabel import RelabelAction, RelabelConfig
from termprom.scrape.failure_log import FailureLog
from termprom.views import Health
from tests.scrape.fakes import STALE, Bench, FakeTarget


async def test_a_scrape_stores_samples_and_its_report_at_one_time() -> None:
    bench = Bench(FakeTarget('a{x="1"} 1\nb 2\n'))
    await bench.scrape()
    assert bench.series() == [
        'a{instance="host:1", job="j", x="1"}',
        'b{instance="host:1", job="j"}',
        'scrape_duration_seconds{instance="host:1", job="j"}',
        'scrape_samples_post_metric_relabeling{instance="host:1", job="j"}',
        'scrape_samples_scraped{instance="host:1", job="j"}',
        'scrape_series_added{instance="host:1", job="j"}',
        'up{instance="host:1", job="j"}',
    ]
    assert bench.values("up") == [1.0]
    assert bench.values("scrape_samples_scraped") == [2.0]
    assert bench.values("scrape_series_added") == [2.0]
    assert {time for one in bench.storage.samples.values() for time in one} == {bench.time_ms}


async def test_a_series_that_is_gone_ends_once() -> None:
    bench = Bench(FakeTarget("a 1\nb 1\n", "a 2\n", "a 3\n"))
    await bench.scrape(3)
    assert bench.values("a") == [1.0, 2.0, 3.0]
    assert bench.values("b") == [1.0, STALE]


async def test_all_series_end_once_while_the_target_is_down() -> None:
    down = TargetUnreachable("no")
    bench = Bench(FakeTarget("a 1\n", down, down, down, "a 5\n"))
    await bench.scrape(5)
    assert bench.values("a") == [1.0, STALE, 5.0]
    assert bench.values("up") == [1.0, 0.0, 0.0, 0.0, 1.0]
    assert bench.values("scrape_series_added") == [1.0, 0.0, 0.0, 0.0, 0.0]


async def test_an_empty_body_is_a_success_that_ends_everything() -> None:
    fake = FakeTarget("a 1\n", "")
    bench = Bench(fake)
    await bench.scrape(2)
    assert bench.values("a") == [1.0, STALE]
    assert bench.values("up") == [1.0, 1.0]


async def test_a_broken_body_ends_only_what_it_did_not_reach() -> None:
    bench = Bench(FakeTarget("a 1\nb 1\n", "a 2\noops\nb 2\n", "c 1\n"))
    await bench.scrape(2)
    assert bench.values("a") == [1.0]
    assert bench.values("b") == [1.0, STALE]
    assert bench.values("up") == [1.0, 0.0]
    await bench.scrape()
    assert bench.values("a") == [1.0, STALE]


async def test_the_sample_limit_fails_the_scrape_and_ends_nothing_that_was_within() -> None:
    four, five = "a 1\nb 1\nc 1\nd 1\n", "a 1\nb 1\nc 1\nd 1\ne 1\n"
    bench = Bench(FakeTarget(four, five, four), sample_limit=4)
    await bench.scrape(3)
    assert bench.values("a") == [1.0, 1.0]
    assert bench.values("e") == []
    assert bench.values("up") == [1.0, 0.0, 1.0]
    assert bench.values("scrape_samples_scraped") == [4.0, 5.0, 4.0]
    assert bench.values("scrape_samples_post_metric_relabeling") == [4.0, 5.0, 4.0]


async def test_relabelling_comes_before_the_sample_limit() -> None:
    drop = RelabelConfig(("__name__",), regex="d.*", action=RelabelAction.DROP)
    body = "".join(f"k{n} 1\n" for n in range(8)) + "".join(f"d{n} 1\n" for n in range(4))
    bench = Bench(FakeTarget(body), sample_limit=10, metric_relabel_configs=(drop,))
    await bench.scrape()
    assert bench.values("up") == [1.0]
    assert bench.values("scrape_samples_scraped") == [12.0]
    assert bench.values("scrape_samples_post_metric_relabeling") == [8.0]


@pytest.mark.parametrize(
    ("honor", "body", "stored"),
    [
        (False, 'm{instance="a"} 1\n', 'm{exported_instance="a", instance="host:1", job="j"}'),
        (False, 'm{instance=""} 1\n', 'm{instance="host:1", job="j"}'),
        (True, 'm{instance="a"} 1\n', 'm{instance="a", job="j"}'),
        (True, 'm{instance=""} 1\n', 'm{job="j"}'),
        (
            False,
            'm{job="1",exported_job="2"} 1\n',
            'm{exported_exported_job="1", exported_job="2", instance="host:1", job="j"}',
        ),
    ],
)
async def test_labels_that_clash_with_the_target(honor: bool, body: str, stored: str) -> None:
    bench = Bench(FakeTarget(body), honor_labels=honor)
    await bench.scrape()
    assert stored in bench.series()


@pytest.mark.parametrize(
    ("body", "settings", "error"),
    [
        ('foo{a="1",a="2"} 1\n', {}, 'label name "a" is not unique: invalid sample'),
        (
            '{"a.b"} 1\n',
            {"metric_name_validation_scheme": "legacy"},
            'invalid metric name or label names: {__name__="a.b", instance="host:1", job="j"}',
        ),
        (
            "foo 1\n",
            {"metric_relabel_configs": (
                RelabelConfig(regex="__name__", action=RelabelAction.LABELDROP),)},
            "missing metric name (__name__ label)",
        ),
        ("foo 1\n", {"label_limit": 2},
         "label_limit exceeded (metric: foo, number of labels: 3, limit: 2)"),
        (f'foo{{a="{"x" * 300}"}} 1\n', {"label_value_length_limit": 200},
         f'label_value_length_limit exceeded (metric: foo, label name: a, value: "{"x" * 50}", '
         "length: 300, limit: 200)"),
    ],
)  # fmt: skip
async def test_what_fails_a_scrape(body: str, settings: dict[str, object], error: str) -> None:
    bench = Bench(FakeTarget(body), **settings)
    await bench.scrape(2)
    assert bench.loop.view().last_error == error
    assert bench.loop.view().health is Health.DOWN
    assert bench.values("foo") == []
    assert bench.values("up") == [0.0, 0.0]


async def test_a_repeated_line_keeps_its_first_value() -> None:
    bench = Bench(FakeTarget("foo 1\nfoo 2\n"))
    await bench.scrape()
    assert bench.values("foo") == [1.0]
    assert bench.values("scrape_samples_post_metric_relabeling") == [2.0]
    assert bench.around.metrics.duplicates._value.get() == 1


async def test_own_timestamps_are_honoured_and_such_series_do_not_end() -> None:
    bench = Bench(FakeTarget(f"a 1 {1_700_000_000_123}\n", "b 1\n"))
    await bench.scrape(2)
    [times] = [sorted(s) for labels, s in bench.storage.samples.items() if labels.metric == "a"]
    assert times == [1_700_000_000_123]
    assert bench.values("a") == [1.0]


async def test_own_timestamps_that_are_tracked_end_at_the_time_of_the_scrape() -> None:
    bench = Bench(
        FakeTarget(f"a 1 {1_700_000_000_123}\n", "b 1\n"), track_timestamps_staleness=True
    )
    await bench.scrape(2)
    assert bench.values("a") == [1.0, STALE]


async def test_own_timestamps_that_are_not_honoured() -> None:
    bench = Bench(FakeTarget("a 1 5\n", "b 1\n"), honor_timestamps=False)
    await bench.scrape(2)
    assert bench.values("a") == [1.0, STALE]


async def test_extra_metrics() -> None:
    bench = Bench(FakeTarget("a 1\n"), extra_scrape_metrics=True, sample_limit=7)
    await bench.scrape()
    assert bench.values("scrape_timeout_seconds") == [5.0]
    assert bench.values("scrape_sample_limit") == [7.0]
    assert bench.values("scrape_body_size_bytes") == [4.0]


async def test_an_exposed_up_is_stored_in_place_of_ours() -> None:
    bench = Bench(FakeTarget("up 7\n", "a 1\n"))
    await bench.scrape(2)
    assert bench.values("up") == [7.0, 1.0]


async def test_a_target_over_the_target_limit_is_not_asked() -> None:
    fake = FakeTarget("a 1\n")
    bench = Bench(fake)
    await bench.scrape()
    bench.loop.forced_error = "target_limit exceeded (number of targets: 2, limit: 1)"
    await bench.scrape()
    assert fake.asked == 1
    assert bench.values("a") == [1.0, STALE]
    assert bench.values("up") == [1.0, 0.0]


@pytest.mark.parametrize(
    ("content_type", "body", "error"),
    [
        ("text/html", "<p>\n",
         'received unsupported Content-Type "text/html" and no fallback_scrape_protocol '
         "specified for target"),
        (None, "a 1\n",
         "non-compliant scrape target sending blank Content-Type and no "
         "fallback_scrape_protocol specified for target"),
        ("text/html", "", ""),
    ],
)  # fmt: skip
async def test_content_types(content_type: str | None, body: str, error: str) -> None:
    fake = FakeTarget(body)
    fake.content_type = content_type
    bench = Bench(fake)
    await bench.scrape()
    assert bench.loop.view().last_error == error


async def test_a_change_of_health_is_told() -> None:
    bench = Bench(FakeTarget("a 1\n", ScrapeError("gone"), "a 1\n"))
    await bench.scrape(3)
    assert [text for text in bench.changes if text] == [
        "j http://host:1/metrics is down: gone",
        "j http://host:1/metrics is up again",
    ]
    assert bench.loop.view().recent == (True, False, True)


async def test_the_loop_keeps_to_its_place_in_the_interval() -> None:
    fake = FakeTarget("a 1\n")
    bench = Bench(fake)
    bench.loop.start()
    await bench.clock.advance(35)
    await bench.loop.stop()
    await bench.clock.advance(60)
    assert fake.asked == 3
    [times] = [sorted(s) for labels, s in bench.storage.samples.items() if labels.metric == "a"]
    assert [time % 10_000 for time in times] == [0, 0, 0]


async def test_a_new_configuration_keeps_the_state_and_ends_what_it_no_longer_stores() -> None:
    fake = FakeTarget("a 1\nb 1\n")
    bench = Bench(fake)
    await bench.scrape()
    drop = RelabelConfig(("__name__",), regex="b", action=RelabelAction.DROP)
    job = ScrapeConfig(
        "j", scrape_interval=10_000, scrape_timeout=5_000, metric_relabel_configs=(drop,)
    )
    await bench.loop.reconfigure(bench.target, job, fake, 0)
    await bench.scrape()
    assert bench.values("a") == [1.0, 1.0]
    assert bench.values("b") == [1.0, STALE]
    assert bench.loop.view().recent == (True, True)


async def test_a_large_page_is_read_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("termprom.limits.SCRAPE_INLINE_BYTES", 1)
    bench = Bench(FakeTarget("a 1\nb 1\n", "a 2\nb 2\nc 1\n", "a 3\nbad line\n", "a 4\nb 4\nc 4\n"))
    await bench.scrape(4)
    assert bench.values("a") == [1.0, 2.0, 4.0]
    assert bench.values("b") == [1.0, 2.0, STALE, 4.0]
    assert bench.values("c") == [1.0, STALE, 4.0]
    assert bench.values("up") == [1.0, 1.0, 0.0, 1.0]


async def test_failed_requests_are_written_down_where_the_job_says(tmp_path: Path) -> None:
    path = tmp_path / "failures.json"
    down = TargetUnreachable('Get "http://host:1/metrics": EOF')
    bench = Bench(FakeTarget("a 1\n", down, "a 1\nbad line\n"), scrape_failure_log_file=str(path))
    bench.around.failure_logs = {str(path): FailureLog(str(path))}
    await bench.scrape(3)
    bench.around.failure_logs[str(path)].close()
    (line,) = path.read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {
        "time": "2023-11-14T22:13:40+00:00",
        "level": "ERROR",
        "source": "scrape",
        "msg": 'Get "http://host:1/metrics": EOF',
        "job_name": "j",
        "target": "http://host:1/metrics",
    }
