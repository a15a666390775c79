"""dns_sd_configs: names that are looked up again and again, one target per answer record.

An answer is believed when it is NOERROR, even an empty one, or NXDOMAIN for every name that the
search list makes of the configured one. Anything else keeps the targets that the name had; other
names of the section are not held up by it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from termprom.config.schema import MechanismConfig, TargetGroup
from termprom.discovery.interface import Emit, Surroundings
from termprom.discovery.labelled import Found, Numbered, host_port
from termprom.discovery.refresh import refresh_forever
from termprom.errors import DiscoveryError

if TYPE_CHECKING:  # half of its packages are loaded with it, so only who looks up names pays
    from dns.message import Message

log = logging.getLogger("termprom.discovery")

_PREFIX: Final = "__meta_dns_"
_UDP_PAYLOAD_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Resolving:
    """Whom to ask, and what to make of a short name. Servers are (address, port)."""

    servers: Sequence[tuple[str, int]]
    search: Sequence[str] = ()
    ndots: int = 1
    timeout_seconds: float = 5.0

    def candidates(self, name: str) -> list[str]:
        """The full names that `name` may mean, the likeliest first.

        Source: resolv.conf(5), "ndots" and "search".
        """
        if name.endswith("."):
            return [name]
        full = f"{name}."
        searched = [f"{name}.{domain.rstrip('.')}." for domain in self.search]
        return [full, *searched] if name.count(".") >= self.ndots else [*searched, full]


def system_resolving() -> Resolving:
    """What /etc/resolv.conf says now. Blocking. Raises DiscoveryError."""
    import dns.exception
    import dns.resolver

    try:
        system = dns.resolver.Resolver("/etc/resolv.conf")
    except (OSError, dns.exception.DNSException) as problem:
        raise DiscoveryError(f"could not load resolv.conf: {problem}") from problem
    return Resolving(
        [(str(server), system.port) for server in system.nameservers],
        [domain.to_text(omit_final_dot=True) for domain in system.search],
        1 if system.ndots is None else system.ndots,
        system.timeout,
    )


class DNSDiscovery:
    def __init__(
        self,
        config: MechanismConfig,
        around: Surroundings,
        resolving: Callable[[], Resolving] = system_resolving,
    ) -> None:
        self._names: tuple[str, ...] = config.values["names"]
        self._type: str = config.values["type"].upper()
        self._port: int = config.values["port"]
        self._interval_seconds = config.values["refresh_interval"] / 1000
        self._around = around
        self._resolving = resolving
        self._numbered = Numbered()

    async def run(self, emit: Emit) -> None:
        await refresh_forever(
            self._refresh,
            emit,
            self._around,
            mechanism="dns",
            interval_seconds=self._interval_seconds,
        )

    async def _refresh(self) -> Sequence[TargetGroup]:
        found = await asyncio.gather(*(self._look_up(name) for name in self._names))
        return [group for groups in found for group in groups]

    async def _look_up(self, name: str) -> list[TargetGroup]:
        """The groups of one name; nothing when it cannot be found out, which keeps the old ones."""
        metrics = self._around.metrics
        metrics.dns_lookups.inc()
        try:
            resolving = await asyncio.get_running_loop().run_in_executor(
                self._around.executor, self._resolving
            )
            answer = await _resolve(name, self._type, resolving)
        except DiscoveryError as problem:
            metrics.dns_lookup_failures.inc()
            self._around.failed("unable to look up a name", "dns", problem)
            return []
        records = [] if answer is None else [record for rrset in answer.answer for record in rrset]
        targets = [target for record in records if (target := self._target(record)) is not None]
        return self._numbered.groups(name, targets, {f"{_PREFIX}name": name})

    def _target(self, record: Any) -> Found | None:
        from dns.rdatatype import RdataType

        match record.rdtype:
            case RdataType.SRV:
                target, port = record.target.to_text(), record.port
                return Found(
                    host_port(target.rstrip("."), port),
                    {
                        f"{_PREFIX}srv_record_target": target,
                        f"{_PREFIX}srv_record_port": str(port),
                    },
                )
            case RdataType.MX:
                return self._named("mx", record.exchange.to_text())
            case RdataType.NS:
                return self._named("ns", record.target.to_text())
            case RdataType.A | RdataType.AAAA:
                return Found(host_port(record.address, self._port))
            case RdataType.CNAME:
                return None
            case other:
                log.warning("a DNS record of an unexpected type", extra={"fields": {"type": other}})
                return None

    def _named(self, kind: str, target: str) -> Found:
        address = host_port(target.rstrip("."), self._port)
        return Found(address, {f"{_PREFIX}{kind}_record_target": target})


async def _resolve(name: str, kind: str, resolving: Resolving) -> Message | None:
    """The first answer to be believed; None when the name does not exist. Raises DiscoveryError."""
    from dns.rcode import Rcode

    all_absent = True
    for candidate in resolving.candidates(name):
        answer = await _ask_all(candidate, kind, resolving)
        if answer is None:
            all_absent = False
        elif answer.rcode() == Rcode.NOERROR:
            return answer
    if all_absent:
        return None
    raise DiscoveryError(
        f'could not resolve "{name}": all servers responded with errors to at least one search '
        "domain"
    )


async def _ask_all(name: str, kind: str, resolving: Resolving) -> Message | None:
    """The first viable answer: NOERROR or NXDOMAIN. None when no server has one."""
    import dns.exception
    from dns.rcode import Rcode

    for address, port in resolving.servers:
        try:
            answer = await _ask(name, kind, address, port, resolving.timeout_seconds)
        except (dns.exception.DNSException, OSError, ValueError, EOFError) as problem:
            fields = {"server": address, "name": name, "error": repr(problem)}
            log.warning("a DNS server did not answer", extra={"fields": fields})
            continue
        if answer.rcode() in (Rcode.NOERROR, Rcode.NXDOMAIN):
            return answer
    return None


async def _ask(name: str, kind: str, address: str, port: int, timeout_seconds: float) -> Message:
    """One exchange over UDP, and over TCP what does not fit.

    Raises DNSException, OSError, ValueError.
    """
    import dns.asyncquery
    import dns.flags
    import dns.message

    query = dns.message.make_query(name, kind, use_edns=0, payload=_UDP_PAYLOAD_BYTES)
    answer = await dns.asyncquery.udp(query, address, timeout_seconds, port)
    if not answer.flags & dns.flags.TC:
        return answer
    answer = await dns.asyncquery.tcp(
        dns.message.make_query(name, kind, use_edns=False), address, timeout_seconds, port
    )
    if answer.flags & dns.flags.TC:
        raise ValueError("the answer is cut off over TCP too")
    return answer
