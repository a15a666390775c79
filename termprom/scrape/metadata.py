"""What a body says about its metric families."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from termprom.errors import ExpositionError
from termprom.exposition.entries import HelpEntry, TypeEntry, UnitEntry
from termprom.exposition.negotiate import Format, scanner_for
from termprom.exposition.scanner import scan
from termprom.model.metadata import Metadata

_NOTHING = Metadata()


def layout_metadata(skeleton: bytes, kind: Format) -> Mapping[str, Metadata]:
    """The metadata of each family that a body's comments name; the last word counts."""
    lines = [line for line in skeleton.split(b"\n") if line.lstrip(b" \t").startswith(b"#")]
    if kind is Format.OPENMETRICS:
        lines = [line for line in lines if line != b"# EOF"] + [b"# EOF"]
    found: dict[str, Metadata] = {}
    try:
        for entry in scan(scanner_for(b"\n".join(lines) + b"\n", kind)):
            match entry:
                case TypeEntry():
                    known = found.get(entry.metric, _NOTHING)
                    found[entry.metric] = replace(known, type=entry.type)
                case HelpEntry():
                    known = found.get(entry.metric, _NOTHING)
                    found[entry.metric] = replace(known, help=entry.help)
                case UnitEntry():
                    known = found.get(entry.metric, _NOTHING)
                    found[entry.metric] = replace(known, unit=entry.unit)
    except ExpositionError:
        # A label value over two lines whose second looks like a comment: what came before it stays.
        return found
    return found
