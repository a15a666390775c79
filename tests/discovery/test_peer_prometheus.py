"""Side by side with a real Prometheus: the same sources, the same targets, the same labels before
and after relabelling.

Both read one configuration. Prometheus tells its targets by its API; ours come from the same two
functions that the engine is made of. Where the original cannot be told where its service is, it
cannot be compared here: test_cases.py has those.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web

from termprom.clock import SystemClock
from termprom.config.load import load_config
from termprom.config.schema import ScrapeConfig, Secret
from termprom.discovery.once import discover_once
from termprom.discovery.static import static_groups
from termprom.scrape.target import find_targets
from tests.discovery.cases import (
    EUREKA,
    MARATHON,
    OVHCLOUD,
    PUPPETDB,
    SCALEWAY,
    UYUNI,
    Case,
)
from tests.discovery.fakes import Site, site
from tests.discovery.test_dns import NameServer
from tests.peers import peer

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]

# What every job does with what it finds: something is dropped, everything is copied.
_RULES = [
    {"source_labels": ["__address__"], "regex": ".*(:9999|drop).*", "action": "drop"},
    {"regex": "__meta_(.+)", "action": "labelmap"},
    {"source_labels": ["__address__"], "target_label": "shard", "modulus": 7, "action": "hashmod"},
]

# Per job: the labels before and after relabelling, sorted; None where a target was dropped.
Found = list[tuple[dict[str, str], dict[str, str] | None]]


def _job(name: str, **sections: Any) -> dict[str, Any]:
    return {"job_name": name, "relabel_configs": _RULES, **sections}


def _config(folder: Path, jobs: Sequence[Mapping[str, Any]]) -> Path:
    path = folder / "prometheus.yml"
    # Nothing is scraped in the time of a test: the first scrapes are spread over an hour.
    globals_ = {"scrape_interval": "1h", "scrape_timeout": "1s"}
    path.write_text(yaml.safe_dump({"global": globals_, "scrape_configs": list(jobs)}))
    return path


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@asynccontextmanager
async def _prometheus(config: Path, *before: str) -> AsyncIterator[str]:
    program, port = peer("prometheus"), _free_port()
    log = config.parent / "peer.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *before,
            program,
            f"--config.file={config}",
            f"--storage.tsdb.path={config.parent / 'peer'}",
            f"--web.listen-address=127.0.0.1:{port}",
            stdout=output,
            stderr=output,
        )
    try:
        yield f"http://127.0.0.1:{port}"
        assert process.returncode is None, log.read_text("utf-8", "replace")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _theirs(url: str) -> dict[str, Found]:
    found: dict[str, Found] = {}
    async with aiohttp.ClientSession() as client:
        try:
            async with client.get(f"{url}/api/v1/targets") as answer:
                data = (await answer.json())["data"]
        except aiohttp.ClientError:
            return {}
    for one in data["activeTargets"]:
        found.setdefault(one["scrapePool"], []).append((one["discoveredLabels"], one["labels"]))
    for one in data["droppedTargets"]:
        labels = one["discoveredLabels"]
        found.setdefault(one["scrapePool"], []).append((labels, None))
    return {job: sorted(pairs, key=_order) for job, pairs in found.items()}


def _order(pair: tuple[dict[str, str], dict[str, str] | None]) -> list[tuple[str, str]]:
    return sorted(pair[0].items())


async def _ours(job: ScrapeConfig) -> Found:
    found = await discover_once(job.job_name, job.sd_configs, SystemClock(), timeout_seconds=20)
    assert [one.error for one in found if one.error] == []
    groups = [group for one in found for group in one.groups]
    made = find_targets(job, [*static_groups(job.static_configs), *groups])
    assert made.problems == ()
    pairs: Found = [(one.discovered.as_dict(), one.public.as_dict()) for one in made.active]
    pairs += [(one.discovered.as_dict(), None) for one in made.dropped]
    return sorted(pairs, key=_order)


# Labels that newer versions than the peer's set before relabelling.
_NEWER = ("__always_scrape_", "__convert_classic_", "__scrape_native_")


def _without_newer(found: Found) -> Found:
    return [
        ({name: text for name, text in before.items() if not name.startswith(_NEWER)}, after)
        for before, after in found
    ]


async def _compare(config: Path, *before: str, jobs: Mapping[str, Found] | None = None) -> int:
    """Number of targets compared. `jobs` are ours where they were found in another way."""
    loaded = load_config(config)
    ours = dict(jobs or {})
    wanted = [job for job in loaded.scrape_configs if job.job_name not in ours]
    found = await asyncio.gather(*map(_ours, wanted))
    ours |= {job.job_name: pairs for job, pairs in zip(wanted, found, strict=True)}
    ours = {job: _without_newer(found) for job, found in ours.items() if found}
    theirs: dict[str, Found] = {}
    async with _prometheus(config, *before) as url:
        for _ in range(150):
            theirs = {job: _without_newer(found) for job, found in (await _theirs(url)).items()}
            if theirs == ours:
                break
            await asyncio.sleep(0.1)
    for job, found_here in ours.items():
        for own, other in zip(found_here, theirs.get(job, []), strict=False):
            for labels, others in zip(own, other, strict=True):
                assert sorted((others or {}).items()) == sorted((labels or {}).items()), job
    assert theirs == ours
    return sum(map(len, ours.values()))


async def test_files_and_static_lists(tmp_path: Path) -> None:
    groups = [
        {"targets": ["a:1", "b:9999"], "labels": {"team": "x", "__metrics_path__": "/m"}},
        {"targets": ["c:1", "[::1]:80"], "labels": {"__param_module": "m", "__scheme__": "https"}},
    ]
    (tmp_path / "one.json").write_text(json.dumps(groups))
    (tmp_path / "two.yml").write_text("- targets: [d:1]\n  labels: {number: 7, on: true}\n")
    (tmp_path / "broken.json").write_text("{")
    config = _config(
        tmp_path,
        [
            _job("json", file_sd_configs=[{"files": ["one.json"]}], params={"module": ["a", "b"]}),
            _job("yaml", file_sd_configs=[{"files": ["*.yml", "two.yml"]}]),
            _job("static", static_configs=[{"targets": ["s:1", "s:1", "s:9999"]}]),
            _job(
                "both",
                file_sd_configs=[{"files": ["t*.yml"]}],
                static_configs=[{"targets": ["s:2"], "labels": {"env": "prod"}}],
            ),
        ],
    )
    # The configuration itself is YAML too; both take it for what it is not and say so.
    config = config.rename(tmp_path / "prometheus.conf")
    assert await _compare(config) == 9


async def test_http(tmp_path: Path) -> None:
    groups = [
        {"targets": ["a:1", "b:9999"], "labels": {"__meta_own": "1", "job": "mine"}},
        {"targets": [], "labels": {"nobody": "1"}},
        {"targets": ["c:1"], "labels": {"empty": ""}},
    ]
    async with site() as server:
        server.answers["/sd"] = groups
        config = _config(tmp_path, [_job("http", http_sd_configs=[{"url": f"{server.url}/sd"}])])
        assert await _compare(config) == 3


def _consul(server: Site) -> None:
    """A catalogue that both watch: blocking queries, health, tags, metadata."""
    nodes = {"Node": "n1", "Address": "10.0.0.1", "Meta": {"rack-no": "7"}}
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
        sections = {
            "all": {},
            "some": {"services": ["web"], "tag_separator": ";"},
            "tagged": {"tags": ["a"]},
        }
        config = _config(
            tmp_path,
            [
                _job(name, consul_sd_configs=[{"server": server.address, **section}])
                for name, section in sections.items()
            ],
        )
        assert await _compare(config) == 11


def _plain(value: Any) -> Any:
    match value:
        case Secret():
            return value.reveal()
        case tuple():
            return list(value)
        case _:
            return value


_CASES: Sequence[Case] = (EUREKA, MARATHON, PUPPETDB, UYUNI, *OVHCLOUD, SCALEWAY[0])


async def test_services_whose_place_can_be_configured(tmp_path: Path) -> None:
    async with AsyncExitStack() as servers:
        jobs = []
        for case in _CASES:
            server = await servers.enter_async_context(site())
            server.answers = dict(case.answers(server.url))
            jobs.append(_case_job(case, server.url))
        config = _config(tmp_path, jobs)
        assert await _compare(config) == sum(len(case.targets) for case in _CASES)


def _case_job(case: Case, url: str) -> dict[str, Any]:
    values = {name: _plain(value) for name, value in case.values(url).items()}
    if case.role and case.kind != "ovhcloud":
        values["role"] = case.role
    return _job(case.name, **{f"{case.kind}_sd_configs": [values]})


@contextmanager
def _own_resolv_conf(folder: Path, address: str) -> Iterator[list[str]]:
    """The command that runs another one with a resolv.conf of its own."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root can give Prometheus another /etc/resolv.conf")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("mounts of its own are not allowed here")
    written = folder / "resolv.conf"
    written.write_text(f"nameserver {address}\nsearch example\noptions ndots:1\n")
    script = f'mount --bind {written} /etc/resolv.conf && exec "$@"'
    yield ["unshare", "--mount", "sh", "-c", script, "sh"]


async def test_dns(tmp_path: Path) -> None:
    zone = {
        ("_web._tcp.example.", "SRV"): [
            "SRV 1 2 8080 one.example.",
            "SRV 1 2 9999 two.example.",
        ],
        ("hosts.example.", "A"): ["A 10.0.0.1", "CNAME other.example.", "A 10.0.0.2"],
        ("hosts.example.", "AAAA"): ["AAAA 2001:db8::1"],
        ("example.", "MX"): ["MX 10 mail.example."],
        ("example.", "NS"): ["NS ns1.example."],
        ("short.example.", "A"): ["A 10.0.0.3"],
    }
    sections = {
        "srv": {"names": ["_web._tcp.example", "none.example"]},
        "a": {"names": ["hosts.example", "short"], "type": "A", "port": 9100},
        "aaaa": {"names": ["hosts.example."], "type": "aaaa", "port": 9100},
        "mx": {"names": ["example."], "type": "MX", "port": 25},
        "ns": {"names": ["example."], "type": "NS", "port": 53},
    }
    jobs = [_job(name, dns_sd_configs=[section]) for name, section in sections.items()]
    config = _config(tmp_path, jobs)
    server, loop, address = NameServer(), asyncio.get_running_loop(), "127.53.7.53"
    server.zone = zone
    try:
        transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=(address, 53))
    except OSError as problem:
        pytest.skip(f"no name server can listen on port 53: {problem}")
    try:
        with _own_resolv_conf(tmp_path, address) as inside:
            # The command as its user has it: it reads that resolv.conf too.
            ours = {name: await _checked(config, name, inside) for name in sections}
            assert await _compare(config, *inside, jobs=ours) == 8
    finally:
        transport.close()


async def _checked(config: Path, job: str, inside: Sequence[str]) -> Found:
    """What `termprom check sd` finds."""
    command = [sys.executable, "-c", "from termprom.cli.main import main; raise SystemExit(main())"]
    process = await asyncio.create_subprocess_exec(
        *inside,
        *command,
        "check",
        "sd",
        "--json",
        str(config),
        job,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    found: Found = []
    for one in json.loads(out):
        labels = {name: text for name, text in one["labels"].items() if not name.startswith("__")}
        found.append((one["discoveredLabels"], labels or None))
    return sorted(found, key=_order)
