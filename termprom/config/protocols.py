"""Which exposition formats a job asks for, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from termprom.config.fields import Section

PROTO: Final = "PrometheusProto"
TEXT_FIRST: Final = (
    "OpenMetricsText1.0.0",
    "OpenMetricsText0.0.1",
    "PrometheusText1.0.0",
    "PrometheusText0.0.4",
)
PROTO_FIRST: Final = (PROTO, *TEXT_FIRST)
KNOWN: Final = frozenset(PROTO_FIRST)
_SUPPORTED: Final = f"supported: [{' '.join(sorted(KNOWN))}]"


def unknown_protocol(name: str) -> str:
    return f"unknown scrape protocol {name}, {_SUPPORTED}"


def check_protocols(section: Section, protocols: Sequence[str], where: str) -> None:
    """Raises ConfigError; `where` ends the message."""
    key = "scrape_protocols"
    if not protocols:
        section.fail(f"scrape_protocols cannot be empty {where}", key)
    seen: set[str] = set()
    for name in protocols:
        if name.lower() in seen:
            shown = " ".join(protocols)
            section.fail(f"duplicated protocol in scrape_protocols, got [{shown}] {where}", key)
        if name not in KNOWN:
            section.fail(f"scrape_protocols: {unknown_protocol(name)} {where}", key)
        seen.add(name.lower())
