"""A real Prometheus and termprom on the same exporters, a hostile one and real ones: the same `up`,
the same series, the same values, the same ends.
"""

from __future__ import annotations

import json
import re
import socket
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Enum,
    Gauge,
    Histogram,
    Info,
    Summary,
    generate_latest,
)
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_page

from tests.daemon.process import Served, eventually
from tests.peers import running
from tests.scrape.hostile import (
    OPENMETRICS,
    PATHS,
    PHASES,
    Answer,
    Hostile,
    configuration,
    hostile,
)

pytestmark = [pytest.mark.peer, pytest.mark.slow]

# Three scrapes of every path in a phase: the first may have begun before it.
_SCRAPES = 3
_TIMINGS = frozenset({"scrape_duration_seconds"})


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def both(folder: Path, theirs: str, ours: str) -> Iterator[tuple[str, str]]:
    """The URLs of a Prometheus and a termprom with these configurations."""
    path = folder / "theirs.yml"
    path.write_text(theirs, encoding="utf-8")
    address = free_address()
    prometheus = running(
        f"http://{address}",
        "/-/ready",
        folder / "log",
        "prometheus",
        f"--config.file={path}",
        f"--storage.tsdb.path={folder / 'theirs'}",
        f"--web.listen-address={address}",
        "--enable-feature=native-histograms",
    )
    with Served(folder, config=ours) as served, prometheus as url:
        yield url, served.ready().url


def ask(url: str, path: str) -> Any:
    with urllib.request.urlopen(url + path, timeout=30) as answer:
        return json.load(answer)["data"]


def series(url: str, selector: str) -> dict[str, Any]:
    """What an instant query sees: labels as text to value or histogram."""
    result = ask(url, "/api/v1/query?query=" + urllib.parse.quote(selector))["result"]
    found = {}
    for one in result:
        if one["metric"]["__name__"] not in _TIMINGS:
            text = json.dumps(one["metric"], sort_keys=True)
            found[text] = one["value"][1] if "value" in one else one["histogram"][1]
    return found


def wait_for_scrapes(state: Hostile, paths: Iterable[str] = PATHS) -> None:
    """Until both asked for every path often enough."""

    def look() -> bool:
        names = state.agents()
        return len(names) == 2 and all(
            state.asked(path, agent) >= _SCRAPES for path in paths for agent in names
        )

    eventually("both have scraped every path", look)
    # The last answers have been given; now they have to be stored.
    time.sleep(0.3)


def test_a_hostile_exporter_looks_the_same_to_both(tmp_path: Path) -> None:
    differences: list[str] = []
    with hostile() as state, ExitStack() as stack:
        configs = [configuration(state.address, native=native) for native in (False, True)]
        theirs, ours = stack.enter_context(both(tmp_path, *configs))
        for phase in range(PHASES):
            state.enter(phase)
            wait_for_scrapes(state)
            for path in PATHS:
                selector = (
                    f'{{job=~"{path}|mine",__name__!=""}}'
                    if path == "conflicts"
                    else (f'{{job="{path}"}}')
                )
                expected, found = series(theirs, selector), series(ours, selector)
                differences += [
                    f"phase {phase}, {path}: {text}: {expected.get(text)} there, {found.get(text)}"
                    for text in sorted({*expected, *found})
                    if expected.get(text) != found.get(text)
                ]
            differences += [f"phase {phase}, {line}" for line in errors_apart(theirs, ours)]
    assert not differences, "\n" + "\n".join(differences)


def words(error: str) -> str:
    """An error up to the place in the body; ours tells the line in front of it."""
    return re.split(r' while parsing|, got "', re.sub(r"^line \d+: ", "", error))[0]


def errors_apart(theirs: str, ours: str) -> list[str]:
    """The jobs whose last errors have different words."""
    expected, found = last_errors(theirs), last_errors(ours)
    return [
        f"{job}: error {expected[job]!r} there, {found[job]!r}"
        for job in expected
        if words(expected[job]) != words(found[job])
    ]


def last_errors(url: str) -> dict[str, str]:
    targets = ask(url, "/api/v1/targets?state=active")["activeTargets"]
    return {one["scrapePool"]: one["lastError"] for one in targets}


# --- Real exporters -----------------------------------------------------------------------------


def client_page() -> tuple[bytes, bytes]:
    """A page of every kind of metric, by the Python client: as text and as OpenMetrics."""
    registry = CollectorRegistry()
    counter = Counter("requests", 'With "quotes"\nand lines', ["path"], registry=registry)
    counter.labels('/a"\\\n').inc(3, {"trace_id": "x"})
    counter.labels("").inc(1e-7)
    Gauge("temperature_celsius", "", registry=registry).set(-0.0)
    Gauge("not_a_number", "", registry=registry).set(float("nan"))
    histogram = Histogram("sizes", "", buckets=[0.1, 1, 2.5, 1e6, 1e21], registry=registry)
    for value in (0.05, 0.7, 2, 5e20, 1e22):
        histogram.observe(value, {"trace_id": f"{value}"})
    Summary("spent", "", ["who"], registry=registry).labels("é").observe(2.25)
    Info("build", "", registry=registry).info({"version": "1.2.3", "instance": "x"})
    Enum("state", "", states=["on", "off"], registry=registry).state("off")
    return generate_latest(registry), openmetrics_page(registry)


def test_pages_of_the_python_client_are_stored_the_same(tmp_path: Path) -> None:
    text, openmetrics = client_page()
    pages = {
        "text": Answer(text),
        "openmetrics": Answer(openmetrics, content_type=OPENMETRICS),
    }
    with hostile({name: lambda phase, page=page: page for name, page in pages.items()}) as state:
        config = configuration(state.address, native=False, paths=pages)
        with both(tmp_path, config, config) as (theirs, ours):
            state.enter(0)
            wait_for_scrapes(state, pages)
            for name in pages:
                expected, found = (series(url, f'{{job="{name}"}}') for url in (theirs, ours))
                assert found == expected
                assert len(found) > 20


def test_node_exporter_and_prometheus_itself(tmp_path: Path) -> None:
    """Values move between two scrapes, so what is compared is which series there are."""
    node = free_address()
    exporter = running(
        f"http://{node}",
        "/metrics",
        tmp_path / "node.log",
        "prometheus-node-exporter",
        f"--web.listen-address={node}",
        "--collector.disable-defaults",
        *(f"--collector.{name}" for name in ("cpu", "meminfo", "filesystem", "netdev", "stat")),
    )
    config = (
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"
        f"- job_name: node\n  static_configs: [{{targets: ['{node}']}}]\n"
    )
    with exporter, both(tmp_path, config, config) as (theirs, ours):
        eventually("both have scraped", lambda: all(
            series(url, "up") and float(next(iter(series(url, "up").values()))) for url in
            (theirs, ours)))  # fmt: skip
        expected, found = (series(url, '{job="node"}') for url in (theirs, ours))
        assert sorted(found) == sorted(expected)
        same = [text for text, value in found.items() if value == expected[text]]
        assert len(same) > len(found) // 2
        kinds = [ask(url, "/api/v1/metadata") for url in (theirs, ours)]
        assert kinds[0] == kinds[1]
