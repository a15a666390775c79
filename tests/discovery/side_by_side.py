"""A real Prometheus and discovery of ours on one configuration: do they find the same?

Prometheus tells its targets by its API; ours come from the same functions that the engine is made
of.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from termprom.clock import SystemClock
from termprom.config.load import load_config
from termprom.config.schema import ScrapeConfig, Secret
from termprom.discovery.once import discover_once
from termprom.discovery.static import static_groups
from termprom.scrape.target import find_targets
from tests.discovery.cases import Case
from tests.peers import peer

# What every job does with what it finds: something is dropped, everything is copied.
RULES = [
    {"source_labels": ["__address__"], "regex": ".*(:9999|drop).*", "action": "drop"},
    {"regex": "__meta_(.+)", "action": "labelmap"},
    {"source_labels": ["__address__"], "target_label": "shard", "modulus": 7, "action": "hashmod"},
]

# Per job: the labels before and after relabelling, sorted; None where a target was dropped.
Found = list[tuple[dict[str, str], dict[str, str] | None]]


def job_section(name: str, **sections: Any) -> dict[str, Any]:
    return {"job_name": name, "relabel_configs": RULES, **sections}


def write_config(folder: Path, jobs: Sequence[Mapping[str, Any]]) -> Path:
    path = folder / "prometheus.yml"
    # Nothing is scraped in the time of a test: the first scrapes are spread over an hour.
    globals_ = {"scrape_interval": "1h", "scrape_timeout": "1s"}
    path.write_text(yaml.safe_dump({"global": globals_, "scrape_configs": list(jobs)}))
    return path


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _plain(value: Any) -> Any:
    match value:
        case Secret():
            return value.reveal()
        case tuple():
            return list(value)
        case _:
            return value


def case_section(case: Case, url: str, **more: Any) -> dict[str, Any]:
    """A case as a section of the configuration."""
    values = {name: _plain(value) for name, value in case.values(url).items()} | more
    if case.role and case.role not in ("vps", "dedicated_server", "droplets"):
        values["role"] = case.role
    return {f"{case.kind}_sd_configs": [values]}


@asynccontextmanager
async def server_process(
    name: str, log: Path, *flags: str, before: Sequence[str] = ()
) -> AsyncIterator[None]:
    """A real server while the block runs; `before` is a command that runs another one."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *before, peer(name), *flags, stdout=output, stderr=output
        )
    try:
        yield
        if process.returncode is not None:
            told = await asyncio.to_thread(log.read_text, "utf-8", "replace")
            raise AssertionError(f"{name} ended by itself: {told}")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def prometheus(config: Path, *before: str) -> AsyncIterator[str]:
    port = free_port()
    flags = (
        f"--config.file={config}",
        f"--storage.tsdb.path={config.parent / 'peer'}",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    async with server_process("prometheus", config.parent / "peer.log", *flags, before=before):
        yield f"http://127.0.0.1:{port}"


async def their_targets(url: str) -> dict[str, Found]:
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
        found.setdefault(one.get("scrapePool", ""), []).append((labels, None))
    return {job: sorted(pairs, key=order) for job, pairs in found.items()}


def order(pair: tuple[dict[str, str], dict[str, str] | None]) -> list[tuple[str, str]]:
    return sorted(pair[0].items())


async def our_targets(job: ScrapeConfig) -> Found:
    found = await discover_once(job.job_name, job.sd_configs, SystemClock(), timeout_seconds=20)
    assert [one.error for one in found if one.error] == []
    groups = [group for one in found for group in one.groups]
    made = find_targets(job, [*static_groups(job.static_configs), *groups])
    assert made.problems == ()
    pairs: Found = [(one.discovered.as_dict(), one.public.as_dict()) for one in made.active]
    pairs += [(one.discovered.as_dict(), None) for one in made.dropped]
    return sorted(pairs, key=order)


# What newer versions than the peer's 3.5 say otherwise, by the reference: not compared.
_NEWER_JOB = ("__always_scrape_", "__convert_classic_", "__scrape_native_")
_NEWER = (
    "docker_container_image",
    "docker_container_image_id",
    "ec2_default_ipv6_address",
    "hetzner_datacenter",  # of the Robot only
    "hetzner_hcloud_location",
    "hetzner_hcloud_location_network_zone",
    "hetzner_robot_datacenter",
    "kubernetes_node_condition_ready",
)


def _without_newer(found: Found) -> Found:
    def compared(labels: dict[str, str] | None) -> dict[str, str] | None:
        return labels and {
            name: text
            for name, text in labels.items()
            if not name.startswith(_NEWER_JOB) and name.removeprefix("__meta_") not in _NEWER
        }

    return [(compared(before) or {}, compared(after)) for before, after in found]


async def compare(config: Path, *before: str, jobs: Mapping[str, Found] | None = None) -> int:
    """Number of targets compared. `jobs` are ours where they were found in another way."""
    loaded = load_config(config)
    ours = dict(jobs or {})
    wanted = [job for job in loaded.scrape_configs if job.job_name not in ours]
    found = await asyncio.gather(*map(our_targets, wanted))
    ours |= {job.job_name: pairs for job, pairs in zip(wanted, found, strict=True)}
    ours = {job: _without_newer(found) for job, found in ours.items() if found}
    theirs: dict[str, Found] = {}
    async with prometheus(config, *before) as url:
        for _ in range(150):
            theirs = {
                job: _without_newer(found) for job, found in (await their_targets(url)).items()
            }
            if theirs == ours:
                break
            await asyncio.sleep(0.1)
    for job, found_here in ours.items():
        for own, other in zip(found_here, theirs.get(job, []), strict=False):
            for labels, others in zip(own, other, strict=True):
                here, there = set((labels or {}).items()), set((others or {}).items())
                assert here == there, f"{job}: here {here - there}, there {there - here}"
    counts = [{job: len(found) for job, found in side.items()} for side in (ours, theirs)]
    assert theirs == ours, f"targets per job here and there: {counts}"
    return sum(map(len, ours.values()))
