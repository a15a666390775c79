"""Which format a target is asked for, and which parser reads its answer.

Source: Prometheus docs, "Content negotiation"; RFC 2045 for the shape of a Content-Type.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final

from termprom.errors import ExpositionError
from termprom.exposition.openmetrics import OpenMetricsScanner
from termprom.exposition.scanner import Scanner
from termprom.exposition.text import TextScanner


class Format(StrEnum):
    """What a body is written in; the values are media types."""

    TEXT = "text/plain"
    OPENMETRICS = "application/openmetrics-text"
    PROTOBUF = "application/vnd.google.protobuf"


_FIRST_WEIGHT: Final = 6

_MEDIA: Final = {
    "PrometheusProto": (
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
    ),
    "OpenMetricsText1.0.0": "application/openmetrics-text;version=1.0.0;escaping={escaping}",
    "OpenMetricsText0.0.1": "application/openmetrics-text;version=0.0.1",
    "PrometheusText1.0.0": "text/plain;version=1.0.0;escaping={escaping}",
    "PrometheusText0.0.4": "text/plain;version=0.0.4",
}
_FORMATS: Final = {
    "OpenMetricsText1.0.0": Format.OPENMETRICS,
    "OpenMetricsText0.0.1": Format.OPENMETRICS,
    "PrometheusText1.0.0": Format.TEXT,
    "PrometheusText0.0.4": Format.TEXT,
    "PrometheusProto": Format.PROTOBUF,
}

_TOKEN: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_MEDIA_TYPE: Final = re.compile(rf"\s*({_TOKEN}(?:/{_TOKEN})?)\s*(?=;|$)")
_PARAMETER: Final = re.compile(rf';\s*({_TOKEN})\s*=\s*({_TOKEN}|"(?:[^"\\]|\\.)*")\s*(?=;|$)')
_TRAILING: Final = re.compile(r"[;\s]*")


def accept_header(protocols: Sequence[str], escaping: str) -> str:
    """The Accept header for these scrape protocols, best first."""
    media = [_MEDIA[name].format(escaping=escaping) for name in protocols]
    return ",".join(
        f"{one};q=0.{_FIRST_WEIGHT - number}" for number, one in enumerate([*media, "*/*"])
    )


@lru_cache(maxsize=256)
def body_format(content_type: str | None, fallback: str = "") -> Format:
    """The format of a non-empty body. Raises ExpositionError in upstream's words.

    `fallback` is a scrape protocol; it is asked only where the header names no format at all.
    """
    try:
        return Format(_media_type(content_type or ""))
    except ValueError as problem:
        if fallback:
            return _FORMATS[fallback]
        if not content_type:
            raise ExpositionError(
                "non-compliant scrape target sending blank Content-Type and no "
                "fallback_scrape_protocol specified for target"
            ) from None
        if isinstance(problem, _BadMediaType):
            raise ExpositionError(
                f'cannot parse Content-Type "{content_type}" and no fallback_scrape_protocol '
                f"for target\n{problem}"
            ) from None
        raise ExpositionError(
            f'received unsupported Content-Type "{content_type}" and no '
            "fallback_scrape_protocol specified for target"
        ) from None


def scanner_for(body: bytes, kind: Format) -> Scanner:
    """The scanner of `body`, which is text of one kind or the other."""
    assert kind is not Format.PROTOBUF, "protobuf has no lines to scan"
    return OpenMetricsScanner(body) if kind is Format.OPENMETRICS else TextScanner(body)


class _BadMediaType(ValueError):
    """A Content-Type that does not follow RFC 2045."""


def _media_type(content_type: str) -> str:
    """The lower-case type/subtype, after checking that the parameters are well formed."""
    found = _MEDIA_TYPE.match(content_type)
    if found is None:
        reason = "expected token after slash" if "/" in content_type else "no media type"
        raise _BadMediaType(f"mime: {reason}")
    names: set[str] = set()
    at = found.end()
    while (parameter := _PARAMETER.match(content_type, at)) is not None:
        name = parameter[1].lower()
        if name in names:
            raise _BadMediaType("mime: duplicate parameter name")
        names.add(name)
        at = parameter.end()
    if _TRAILING.fullmatch(content_type, at) is None:
        raise _BadMediaType("mime: invalid media parameter")
    return found[1].lower()
