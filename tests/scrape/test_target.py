"""From groups to targets. Vectors of the reference."""

from __future__ import annotations

import pytest

from termprom.config.schema import ScrapeConfig, TargetGroup
from termprom.model.labels import Labels
from termprom.relabel import RelabelAction, RelabelConfig
from termprom.scrape.schedule import next_due_ms, offset_ms, take_turn
from termprom.scrape.target import DroppedTarget, Target, find_targets


def one(address: str = "host", labels: dict[str, str] | None = None, **job: object) -> Target:
    config = ScrapeConfig("j", **job)  # type: ignore[arg-type]
    found = find_targets(config, [TargetGroup((address,), Labels.of(labels or {}))])
    assert found.active, found
    return found.active[0]


def problem(address: str = "host", labels: dict[str, str] | None = None, **job: object) -> str:
    config = ScrapeConfig("j", **job)  # type: ignore[arg-type]
    found = find_targets(config, [TargetGroup((address,), Labels.of(labels or {}), "0")])
    assert not found.active
    return found.problems[0].removeprefix("instance 0 in group 0: ")


def test_no_port_is_added() -> None:
    target = one("host")
    assert target.url == "http://host/metrics"
    assert target.public == Labels.of(instance="host", job="j")


def test_labels_of_the_group_override_the_job() -> None:
    target = one("host", {"__scheme__": "https", "job": "x", "__address__": "ignored"})
    assert target.url == "https://host/metrics"
    assert target.public.get("job") == "x"
    assert target.pool == "j"


@pytest.mark.parametrize(
    ("path", "params", "labels", "url"),
    [
        ("/probe", {"b": ("2", "3"), "a": ("x y",)}, {}, "http://h/probe?a=x+y&b=2&b=3"),
        ("/probe", {"b": ("2", "3")}, {"__param_b": "9"}, "http://h/probe?b=9&b=3"),
        ("/m", {}, {"__param_t": "/é"}, "http://h/m?t=%2F%C3%A9"),
        ("/m?x=1", {}, {}, "http://h/m%3Fx=1"),
        ("m n", {}, {}, "http://h/m%20n"),
        ("", {}, {}, "http://h"),
    ],
)
def test_urls(
    path: str, params: dict[str, tuple[str, ...]], labels: dict[str, str], url: str
) -> None:
    assert one("h", labels, metrics_path=path, params=params).url == url


def replace(target: str, value: str) -> tuple[RelabelConfig, ...]:
    return (RelabelConfig(target_label=target, replacement=value),)


@pytest.mark.parametrize(
    ("address", "rules", "text"),
    [
        ("http://x", (), '"http://x" is not a valid hostname'),
        ("h", replace("__address__", ""), "no address"),
        ("h", replace("__scrape_interval__", "5s"),
         'scrape timeout cannot be greater than scrape interval ("10s" > "5s")'),
        ("h", replace("__scrape_timeout__", ""),
         "error parsing scrape timeout: empty duration string"),
        ("h", replace("__scrape_interval__", "0"), "scrape interval cannot be 0"),
        ("h", replace("__scrape_native_histograms__", "maybe"),
         'error parsing scrape native histograms: strconv.ParseBool: parsing "maybe": '
         "invalid syntax"),
    ],
)  # fmt: skip
def test_targets_that_cannot_be(address: str, rules: tuple[RelabelConfig, ...], text: str) -> None:
    assert problem(address, relabel_configs=rules) == text


def test_a_dropped_target_names_its_rule() -> None:
    rules = (
        RelabelConfig(target_label="a", replacement="b"),
        RelabelConfig(("__address__",), regex="h", action=RelabelAction.DROP),
    )
    found = find_targets(ScrapeConfig("j", relabel_configs=rules), [TargetGroup(("h", "k"))])
    assert [target.url for target in found.active] == ["http://k/metrics"]
    [dropped] = found.dropped
    assert isinstance(dropped, DroppedTarget)
    assert dropped.rule == 1
    assert dropped.discovered.get("__address__") == "h"


def test_equal_targets_are_one() -> None:
    found = find_targets(ScrapeConfig("j"), [TargetGroup(("h", "h")), TargetGroup(("h",))])
    assert len(found.active) == 1


def test_meta_labels_do_not_stay() -> None:
    target = one("h", {"__meta_a": "1", "__tmp": "2"})
    assert target.labels.get("__meta_a") == ""
    assert target.labels.get("__tmp") == "2"
    assert target.public == Labels.of(instance="h", job="j")


def test_offsets_are_stable_and_spread() -> None:
    places = [
        offset_ms(Labels.of(instance=f"h{n}"), f"http://h{n}/metrics", 15_000, 7)
        for n in range(200)
    ]
    assert places[0] == offset_ms(Labels.of(instance="h0"), "http://h0/metrics", 15_000, 7)
    assert all(0 <= place < 15_000 for place in places)
    thirds = [sum(place // 5_000 == third for place in places) for third in range(3)]
    assert min(thirds) > 40


@pytest.mark.parametrize(
    ("now_ms", "offset", "due_ms"),
    [(100_000, 0, 110_000), (100_001, 0, 110_000), (100_000, 3, 100_003), (100_003, 3, 110_003)],
)
def test_next_due(now_ms: int, offset: int, due_ms: int) -> None:
    assert next_due_ms(now_ms, 10_000, offset) == due_ms


@pytest.mark.parametrize(
    ("due_ms", "now_ms", "time_ms", "next_ms"),
    [
        (10_000, 10_000, 10_000, 20_000),
        (10_000, 10_002, 10_000, 20_000),
        (10_000, 10_003, 10_003, 20_000),
        (10_000, 34_000, 34_000, 40_000),
        (10_000, 30_001, 30_000, 40_000),
        (500_000, 31_000, 31_000, 40_000),
    ],
)
def test_turns(due_ms: int, now_ms: int, time_ms: int, next_ms: int) -> None:
    turn = take_turn(due_ms, now_ms, 10_000)
    assert (turn.time_ms, turn.next_due_ms) == (time_ms, next_ms)


def test_what_was_made_of_labels_before_is_not_made_again() -> None:
    rule = RelabelConfig(source_labels=("drop",), regex="yes", action=RelabelAction.DROP)
    job = ScrapeConfig("j", relabel_configs=(rule,))
    groups = [
        TargetGroup(("a:1", "b:1")),
        TargetGroup(("c:1",), Labels.of({"drop": "yes"})),
        TargetGroup(("bad/x",)),
    ]
    first = find_targets(job, groups)
    again = find_targets(job, groups, first.by_discovered())
    assert again == first
    assert again.active[0] is first.active[0]
    assert again.dropped[0] is first.dropped[0]
    changed = find_targets(job, [TargetGroup(("a:1", "d:1"))], first.by_discovered())
    assert changed == find_targets(job, [TargetGroup(("a:1", "d:1"))])
