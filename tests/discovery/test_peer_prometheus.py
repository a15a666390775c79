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
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest

from tests.discovery import test_aws, test_docker
from tests.discovery.cases import (
    DIGITALOCEAN,
    EUREKA,
    HETZNER,
    IONOS,
    LINODE,
    MARATHON,
    OVHCLOUD,
    PUPPETDB,
    SCALEWAY,
    TRITON,
    UYUNI,
    VULTR,
    Case,
)
from tests.discovery.fakes import site
from tests.discovery.intercept import certificates, intercepting, server_context
from tests.discovery.side_by_side import (
    Found,
    case_section,
    compare,
    job_section,
    order,
    write_config,
)
from tests.discovery.test_dns import NameServer
from tests.discovery.zookeeper_fake import zookeeper
from tests.discovery.zookeeper_peer import real_zookeeper

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]


async def test_files_and_static_lists(tmp_path: Path) -> None:
    groups = [
        {"targets": ["a:1", "b:9999"], "labels": {"team": "x", "__metrics_path__": "/m"}},
        {"targets": ["c:1", "[::1]:80"], "labels": {"__param_module": "m", "__scheme__": "https"}},
    ]
    (tmp_path / "one.json").write_text(json.dumps(groups))
    (tmp_path / "two.yml").write_text("- targets: [d:1]\n  labels: {number: 7, on: true}\n")
    (tmp_path / "broken.json").write_text("{")
    config = write_config(
        tmp_path,
        [
            job_section(
                "json", file_sd_configs=[{"files": ["one.json"]}], params={"module": ["a", "b"]}
            ),
            job_section("yaml", file_sd_configs=[{"files": ["*.yml", "two.yml"]}]),
            job_section("static", static_configs=[{"targets": ["s:1", "s:1", "s:9999"]}]),
            job_section(
                "both",
                file_sd_configs=[{"files": ["t*.yml"]}],
                static_configs=[{"targets": ["s:2"], "labels": {"env": "prod"}}],
            ),
        ],
    )
    # The configuration itself is YAML too; both take it for what it is not and say so.
    config = config.rename(tmp_path / "prometheus.conf")
    assert await compare(config) == 9


async def test_http(tmp_path: Path) -> None:
    groups = [
        {"targets": ["a:1", "b:9999"], "labels": {"__meta_own": "1", "job": "mine"}},
        {"targets": [], "labels": {"nobody": "1"}},
        {"targets": ["c:1"], "labels": {"empty": ""}},
    ]
    async with site() as server:
        server.answers["/sd"] = groups
        config = write_config(
            tmp_path, [job_section("http", http_sd_configs=[{"url": f"{server.url}/sd"}])]
        )
        assert await compare(config) == 3


_NAMEABLE: Sequence[Case] = (EUREKA, MARATHON, PUPPETDB, UYUNI, *OVHCLOUD, SCALEWAY[0])
_FIXED: Mapping[str, Sequence[Case]] = {
    "api.digitalocean.com": DIGITALOCEAN[:1],  # databases came later
    "api.hetzner.cloud": HETZNER[:1],
    "robot-ws.your-server.de": HETZNER[1:],
    "api.linode.com": (LINODE,),
    "api.vultr.com": (VULTR,),
    "api.ionos.com": (IONOS,),
}


async def test_services_whose_place_can_be_configured(tmp_path: Path) -> None:
    async with AsyncExitStack() as servers:
        jobs = []
        for case in _NAMEABLE:
            server = await servers.enter_async_context(site())
            server.answers = dict(case.answers(server.url))
            jobs.append(job_section(case.name, **case_section(case, server.url)))
        config = write_config(tmp_path, jobs)
        assert await compare(config) == sum(len(case.targets) for case in _NAMEABLE)


async def test_clouds_at_their_fixed_names(tmp_path: Path) -> None:
    """Both go through a proxy that plays the clouds; both check its certificate."""
    certificate, key = certificates(tmp_path, list(_FIXED))
    async with AsyncExitStack() as servers:
        jobs, count = [], 0
        for cases in _FIXED.values():
            for case in cases:
                server = await servers.enter_async_context(site())
                prefix = "/cloudapi/v6" if case is IONOS else ""
                answers = case.answers(server.url)
                server.answers = {prefix + path: one for path, one in answers.items()}
                proxy = await servers.enter_async_context(
                    intercepting(server.address, certificate, key)
                )
                through = {"proxy_url": proxy, "tls_config": {"ca_file": str(certificate)}}
                jobs.append(job_section(case.name, **case_section(case, server.url, **through)))
                count += len(case.targets)
        # Triton's address can be configured, but is always one of TLS.
        secured = server_context(certificate, key)
        for case in TRITON:
            server = await servers.enter_async_context(site(secured))
            server.answers = dict(case.answers(server.url))
            trusting = {"tls_config": {"insecure_skip_verify": True}}
            section = case_section(case, server.url, **trusting)
            jobs.append(job_section(case.name, **section))
            count += len(case.targets)
        assert await compare(write_config(tmp_path, jobs)) == count


_LIGHTSAIL = {
    "name": "n",
    "privateIpAddress": "10.0.0.1",
    "publicIpAddress": "1.2.3.4",
    "ipv6Addresses": ["2001:db8::1"],
    "state": {"name": "running"},
    "location": {"availabilityZone": "a"},
    "blueprintId": "debian",
    "bundleId": "nano",
    "supportCode": "s",
    "tags": [{"key": "a b", "value": "c"}],
}


async def test_docker_swarm_and_amazon(tmp_path: Path) -> None:
    aws = {"region": "eu-west-1", "access_key": "AK", "secret_key": "hush"}
    async with site() as daemon, site() as amazon, site() as lightsail:
        networks = {
            "front": {"NetworkID": "n1", "IPAddress": "172.0.0.2"},
            "back": {"NetworkID": "n2", "IPAddress": "172.1.0.2"},
        }
        ports = [{"PrivatePort": 80, "PublicPort": 8080, "IP": "0.0.0.0", "Type": "tcp"}]
        test_docker._daemon(
            daemon,
            test_docker._container("web", Ports=ports, Labels={"com.x/y": "z"}),
            test_docker._container("two", NetworkSettings={"Networks": networks}),
            test_docker._container("shared", "container:id-two", NetworkSettings={}),
            test_docker._container("host", "host"),
        )
        test_docker._manager(daemon)
        lightsail.answers["/"] = {"instances": [_LIGHTSAIL]}
        test_aws._serve(amazon, test_aws._instances(test_aws._FULL))
        config = write_config(
            tmp_path,
            [
                job_section("docker", docker_sd_configs=[{"host": daemon.url}]),
                job_section(
                    "all networks",
                    docker_sd_configs=[{"host": daemon.url, "match_first_network": False}],
                ),
                *(
                    job_section(role, dockerswarm_sd_configs=[{"host": daemon.url, "role": role}])
                    for role in ("services", "nodes", "tasks")
                ),
                job_section("ls", lightsail_sd_configs=[{"endpoint": lightsail.url, **aws}]),
                job_section("ec2", ec2_sd_configs=[{"endpoint": amazon.url, **aws}]),
            ],
        )
        assert await compare(config) == 16


async def _fill(put: Callable[[str, str], Awaitable[None] | None]) -> None:
    member = {"serviceEndpoint": {"host": "h", "port": 80}, "status": "ALIVE", "shard": 2}
    more = {"additionalEndpoints": {"my-admin": {"host": "a", "port": 81}}}
    contents = {
        "/nerve": "x",
        "/nerve/web": "x",
        "/nerve/web/a": '{"host":"10.0.0.1","port":80,"name":"n"}',
        "/nerve/web/b": '{"host":"fd00::1","port":9999,"name":""}',
        "/nerve/web/broken": "x",
        "/sets": "x",
        "/sets/member_1": json.dumps({**member, **more}, separators=(",", ":")),
        "/sets/member_2": json.dumps(member, separators=(",", ":")),
    }
    for path, text in contents.items():
        done = put(path, text)
        if done is not None:
            await done


def _zookeeper_config(folder: Path, address: str) -> Path:
    jobs = [
        job_section("nerve", nerve_sd_configs=[{"servers": [address], "paths": ["/nerve"]}]),
        job_section("sets", serverset_sd_configs=[{"servers": [address], "paths": ["/sets"]}]),
    ]
    return write_config(folder, jobs)


async def test_a_zookeeper_of_ours(tmp_path: Path) -> None:
    async with zookeeper() as fake:
        await _fill(fake.put)
        assert await compare(_zookeeper_config(tmp_path, fake.address)) == 4


async def test_a_real_zookeeper(tmp_path: Path) -> None:
    async with real_zookeeper(tmp_path) as (address, put):
        await _fill(put)
        assert await compare(_zookeeper_config(tmp_path, address)) == 4


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
    jobs = [job_section(name, dns_sd_configs=[section]) for name, section in sections.items()]
    config = write_config(tmp_path, jobs)
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
            assert await compare(config, *inside, jobs=ours) == 8
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
    return sorted(found, key=order)
