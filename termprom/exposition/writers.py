"""Which format a client of ours is answered in.

Source: reference of exposition, 8.1: the entries of Accept in the order of their weights; the
first that names a format we write decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from termprom.exposition.families import MetricFamily
from termprom.exposition.write import (
    OPENMETRICS_CONTENT_TYPE,
    TEXT_CONTENT_TYPE,
    write_openmetrics,
    write_text,
)
from termprom.exposition.write_protobuf import PROTOBUF_CONTENT_TYPE, write_protobuf


class Writer(NamedTuple):
    content_type: str
    write: Callable[[Iterable[MetricFamily]], bytes]


TEXT: Final = Writer(TEXT_CONTENT_TYPE, write_text)
OPENMETRICS: Final = Writer(OPENMETRICS_CONTENT_TYPE, write_openmetrics)
PROTOBUF: Final = Writer(PROTOBUF_CONTENT_TYPE, write_protobuf)

_MESSAGE: Final = "io.prometheus.client.MetricFamily"


def writer_for(accept: str) -> Writer:
    """The writer for an Accept header; text 0.0.4 where it names nothing that we write."""
    return next((one for entry in _entries(accept) if (one := _writer(*entry))), TEXT)


def _entries(accept: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Media types with their parameters, the heaviest first."""
    found: list[tuple[float, str, dict[str, str]]] = []
    for part in accept.split(","):
        media, *rest = (word.strip() for word in part.split(";"))
        parameters = {
            name.strip().lower(): value.strip().strip('"')
            for name, _, value in (word.partition("=") for word in rest)
        }
        try:
            weight = float(parameters.get("q", "1"))
        except ValueError:
            weight = 0.0
        found.append((weight, media.lower(), parameters))
    found.sort(key=lambda entry: -entry[0])
    for _, media, parameters in found:
        yield media, parameters


def _writer(media: str, parameters: dict[str, str]) -> Writer | None:
    version = parameters.get("version", "")
    match media:
        case "application/vnd.google.protobuf":
            delimited = parameters.get("encoding") == "delimited"
            return PROTOBUF if delimited and parameters.get("proto") == _MESSAGE else None
        case "application/openmetrics-text":
            return OPENMETRICS if version in ("", "0.0.1", "1.0.0") else None
        case "text/plain":
            return TEXT if version in ("", "0.0.4") else None
        case _:
            return None
