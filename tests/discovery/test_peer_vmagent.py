"""Side by side with a vmagent, for mechanisms that the packaged Prometheus is built without: the
same targets, and every label of ours with the same value.

vmagent sets labels beyond those of Prometheus, which are listed here, and leaves out those that
say how a job scrapes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from termprom.config.load import load_config
from tests.discovery.cases import KUMA
from tests.discovery.fakes import Site, site
from tests.discovery.side_by_side import (
    Found,
    case_section,
    free_port,
    our_targets,
    server_process,
    their_targets,
    write_config,
)

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]

_RULES = [
    {"source_labels": ["__address__"], "regex": ".*:9999", "action": "drop"},
    {
        "source_labels": ["__meta_consul_tags", "__meta_consul_health"],
        "regex": ".*,a,.*;(.+)",
        "target_label": "with_a",
    },
    {"source_labels": ["__meta_consul_service"], "target_label": "service"},
]
_OURS_ONLY = re.compile(
    "__scrape_.*|__always_scrape_.*|__convert_classic_.*|__metrics_path__|__scheme__|job"
)
_THEIRS_ONLY = re.compile(
    "__scrape_.*|__metrics_path__|__scheme__|__vm_.*|job"
    "|__meta_consul_tag(present)?_.*"
    "|__meta_consul_(service_tags|external_source)"
)


@asynccontextmanager
async def _vmagent(config: Path) -> AsyncIterator[str]:
    port = free_port()
    flags = (
        f"-promscrape.config={config}",
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-remoteWrite.tmpDataPath={config.parent / 'peer'}",
        "-remoteWrite.url=http://127.0.0.1:1/",
        "-promscrape.dropOriginalLabels=false",
        "-loggerLevel=ERROR",
    )
    async with server_process("vmagent", config.parent / "peer.log", *flags):
        yield f"http://127.0.0.1:{port}"


def _compared(found: Found, strange: re.Pattern[str]) -> Found:
    def kept(labels: Mapping[str, str] | None) -> dict[str, str]:
        # An empty label is none; vmagent shows it all the same.
        return {k: v for k, v in (labels or {}).items() if v and not strange.fullmatch(k)}

    return [(kept(before), None if after is None else kept(after)) for before, after in found]


async def _compare(folder: Path, jobs: Sequence[Mapping[str, Any]]) -> int:
    config = write_config(folder, jobs)
    ours: Found = []
    for job in load_config(config).scrape_configs:
        ours += await our_targets(job)
    # Those that were dropped say nothing of their job there.
    ours = sorted(_compared(ours, _OURS_ONLY), key=str)
    theirs: Found = []
    async with _vmagent(config) as url:
        for _ in range(150):
            told = await their_targets(url)
            theirs = [pair for found in told.values() for pair in found]
            theirs = sorted(_compared(theirs, _THEIRS_ONLY), key=str)
            if theirs == ours:
                break
            await asyncio.sleep(0.1)
    for own, other in zip(ours, theirs, strict=False):
        for here, there in zip(own, other, strict=True):
            assert set((here or {}).items()) ^ set((there or {}).items()) == set()
    assert theirs == ours
    return len(ours)


def _consul(server: Site) -> None:
    """A catalogue that both watch: blocking queries, health, tags, metadata."""
    nodes = {"Node": "n1", "Address": "10.0.0.1", "Meta": {"rack-no": "7"}, "Datacenter": "dc1"}
    nodes["TaggedAddresses"] = {"lan_ipv4": "10.0.0.1", "wan": "1.2.3.4"}

    def entry(name: str, port: int, **service: Any) -> dict[str, Any]:
        content = {"ID": f"{name}-{port}", "Service": name, "Port": port, "Address": ""}
        checks = [{"CheckID": "serfHealth", "Status": "passing"}]
        return {"Node": nodes, "Service": {**content, **service}, "Checks": checks}

    maintained = entry("web", 81, Tags=["a", "b"], Meta={"ver": "2"}, Address="10.0.0.9")
    maintained["Checks"].append({"CheckID": "_node_maintenance", "Status": "critical"})
    warned = entry("api", 90, Tags=["b"], Namespace="ns", Partition="part")
    warned["Checks"].append({"CheckID": "own", "Status": "warning"})
    health: dict[str, Any] = {
        "web": [entry("web", 80, Tags=["a"]), maintained, entry("web", 9999, Tags=["a"])],
        "api": [warned, entry("api", 91, Tags=[])],
    }
    services = {"web": ["a", "b"], "api": ["b"]}

    def watched(content: Any) -> Any:
        async def answer(request: web.Request) -> web.Response:
            if request.query.get("index") == "5":
                await asyncio.sleep(0.5)  # nothing ever changes here
            tags = set(request.query.getall("tag", []))
            held = content
            if isinstance(content, list):
                held = [one for one in content if tags <= set(one["Service"].get("Tags") or ())]
            return web.json_response(held, headers={"X-Consul-Index": "5"})

        return answer

    server.answers["/v1/agent/self"] = {"Config": {"Datacenter": "dc1"}}
    server.answers["/v1/catalog/services"] = watched(services)
    for name, entries in health.items():
        server.answers[f"/v1/health/service/{name}"] = watched(entries)


async def test_consul(tmp_path: Path) -> None:
    async with site() as server:
        _consul(server)
        sections: Sequence[dict[str, Any]] = (
            {},
            {"services": ["web"], "tag_separator": ";"},
            {"tags": ["a"]},
        )
        jobs = [
            {
                "job_name": str(number),
                "consul_sd_configs": [{"server": server.address, **section}],
                "relabel_configs": _RULES,
            }
            for number, section in enumerate(sections)
        ]
        assert await _compare(tmp_path, jobs) == 11


async def test_kuma(tmp_path: Path) -> None:
    async with site() as server:
        server.answers = dict(KUMA.answers(server.url))
        job = {"job_name": "kuma", **case_section(KUMA, server.url)}
        assert await _compare(tmp_path, [job]) == len(KUMA.targets)
