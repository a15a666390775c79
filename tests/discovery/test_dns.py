"""DNS discovery against a name server on the loopback that answers, denies, fails and truncates."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from termprom.config.schema import MechanismConfig
from termprom.discovery.dns import DNSDiscovery, Resolving
from termprom.testing.clock import ManualClock
from tests.discovery.fakes import running, surroundings, value


class NameServer(asyncio.DatagramProtocol):
    """Answers what `zone` holds, NXDOMAIN for other names, and `failing` names with SERVFAIL."""

    def __init__(self) -> None:
        self.zone: dict[tuple[str, str], list[str]] = {}
        self.failing: set[str] = set()
        self.truncated: set[str] = set()
        self.over_tcp: list[str] = []
        self.port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(self._answer(data, udp=True), addr)

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        answer = self._answer(await reader.readexactly(size), udp=False)
        writer.write(len(answer).to_bytes(2, "big") + answer)
        await writer.drain()
        writer.close()

    def _answer(self, data: bytes, *, udp: bool) -> bytes:
        query = dns.message.from_wire(data)
        (question,) = query.question
        name, kind = question.name.to_text(), question.rdtype.name
        response = dns.message.make_response(query)
        if not udp:
            self.over_tcp.append(name)
        if name in self.failing:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif udp and name in self.truncated:
            response.flags |= dns.flags.TC
        elif (name, kind) not in self.zone:
            response.set_rcode(dns.rcode.NXDOMAIN)
        else:
            for record in self.zone[name, kind]:
                written, _, data_text = record.partition(" ")
                response.answer.append(dns.rrset.from_text(name, 60, "IN", written, data_text))
        return response.to_wire()


@asynccontextmanager
async def name_server() -> AsyncIterator[NameServer]:
    server = NameServer()
    loop = asyncio.get_running_loop()
    tcp = await asyncio.start_server(server.stream, "127.0.0.1", 0)
    server.port = tcp.sockets[0].getsockname()[1]
    transport, _ = await loop.create_datagram_endpoint(
        lambda: server, local_addr=("127.0.0.1", server.port)
    )
    try:
        yield server
    finally:
        transport.close()
        tcp.close()
        await tcp.wait_closed()


def _section(*names: str, kind: str = "SRV", port: int = 0) -> MechanismConfig:
    values = {"names": names, "type": kind, "port": port, "refresh_interval": 30_000}
    return MechanismConfig("dns", values)


def _resolving(server: NameServer, search: tuple[str, ...] = ()) -> Callable[[], Resolving]:
    return lambda: Resolving([("127.0.0.1", server.port)], search, timeout_seconds=5)


async def test_services_come_and_go_and_a_failing_name_keeps_its_targets() -> None:
    clock = ManualClock()
    async with name_server() as server:
        server.zone["a.test.", "SRV"] = ["SRV 1 2 9100 one.test.", "SRV 1 2 9101 two.test."]
        server.zone["b.test.", "SRV"] = ["SRV 0 0 80 three.test."]
        around = surroundings(clock)
        discovery = DNSDiscovery(_section("a.test", "b.test"), around, _resolving(server))
        async with running(discovery) as emissions:
            await emissions.next()
            assert emissions.targets[0] == {
                "__address__": "one.test:9100",
                "__meta_dns_name": "a.test",
                "__meta_dns_srv_record_target": "one.test.",
                "__meta_dns_srv_record_port": "9100",
            }
            assert [target["__address__"] for target in emissions.targets] == [
                "one.test:9100",
                "three.test:80",
                "two.test:9101",
            ]
            server.failing.add("a.test.")
            server.zone["b.test.", "SRV"] = []
            await clock.advance(30)
            await emissions.next()
            assert [target["__meta_dns_name"] for target in emissions.targets] == ["a.test"] * 2
            server.failing.clear()
            del server.zone["a.test.", "SRV"]
            await clock.advance(30)
            await emissions.next()
            assert emissions.targets == []
        registry = around.metrics.registry
        assert value(registry, "prometheus_sd_dns_lookups_total") == 6
        assert value(registry, "prometheus_sd_dns_lookup_failures_total") == 1


@pytest.mark.parametrize(
    ("kind", "records", "expected"),
    [
        ("a", ["CNAME other.test.", "A 10.0.0.1"], {"__address__": "10.0.0.1:9"}),
        ("AAAA", ["AAAA fd00::1"], {"__address__": "[fd00::1]:9"}),
        (
            "MX",
            ["MX 10 mail.test."],
            {"__address__": "mail.test:9", "__meta_dns_mx_record_target": "mail.test."},
        ),
        (
            "NS",
            ["NS ns.test."],
            {"__address__": "ns.test:9", "__meta_dns_ns_record_target": "ns.test."},
        ),
    ],
)
async def test_each_record_type_has_its_address(
    kind: str, records: list[str], expected: dict[str, str]
) -> None:
    async with name_server() as server:
        server.zone["n.test.", kind.upper()] = records
        section = _section("n.test", kind=kind, port=9)
        discovery = DNSDiscovery(section, surroundings(ManualClock()), _resolving(server))
        async with running(discovery) as emissions:
            await emissions.next()
            assert emissions.targets == [{**expected, "__meta_dns_name": "n.test"}]


async def test_what_does_not_fit_is_asked_for_again_over_tcp() -> None:
    async with name_server() as server:
        server.zone["n.test.", "A"] = ["A 10.0.0.1"]
        server.truncated.add("n.test.")
        section = _section("n.test", kind="A", port=9)
        discovery = DNSDiscovery(section, surroundings(ManualClock()), _resolving(server))
        async with running(discovery) as emissions:
            await emissions.next()
            assert len(emissions.targets) == 1
        assert server.over_tcp == ["n.test."]


async def test_a_short_name_goes_through_the_search_list() -> None:
    async with name_server() as server:
        server.zone["db.example.", "A"] = ["A 10.0.0.1"]
        section = _section("db", kind="A", port=9)
        resolving = _resolving(server, ("nowhere", "example"))
        discovery = DNSDiscovery(section, surroundings(ManualClock()), resolving)
        async with running(discovery) as emissions:
            await emissions.next()
            assert emissions.targets == [{"__address__": "10.0.0.1:9", "__meta_dns_name": "db"}]


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("a.", ["a."]),
        ("a", ["a.x.", "a.y.", "a."]),
        ("a.b", ["a.b.", "a.b.x.", "a.b.y."]),
    ],
)
def test_the_likeliest_meaning_of_a_name_comes_first(name: str, names: list[str]) -> None:
    assert Resolving((), ("x", "y.")).candidates(name) == names
