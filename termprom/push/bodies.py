"""Pushed bodies as families: text 0.0.4, or length-delimited protobuf where the type says so."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import Message
from typing import Final

from termprom.errors import ExpositionError, PushError
from termprom.exposition.families import MetricFamily, Sample, parse_families
from termprom.exposition.names import is_legacy_metric_name
from termprom.exposition.protobuf import HistogramForms, ProtoFamily, read_protobuf
from termprom.model.labels import METRIC_NAME, Labels, is_legacy_label_name

_PROTOBUF: Final = "application/vnd.google.protobuf"
_MESSAGE: Final = "io.prometheus.client.MetricFamily"


def parse_body(body: bytes, content_type: str, *, utf8_names: bool) -> list[MetricFamily]:
    """The families of a body, under names that are allowed. Raises PushError."""
    try:
        families = _parse_protobuf(body) if _is_protobuf(content_type) else parse_families(body)
    except ExpositionError as problem:
        raise PushError(str(problem)) from problem
    if not utf8_names:
        _require_legacy_names(families)
    return families


def _is_protobuf(content_type: str) -> bool:
    """Upstream takes protobuf by its exact parameters; everything else is text."""
    if _PROTOBUF not in content_type:
        return False
    header = Message()
    header["Content-Type"] = content_type
    return (
        header.get_content_type() == _PROTOBUF
        and header.get_param("proto") == _MESSAGE
        and header.get_param("encoding") == "delimited"
    )


def _parse_protobuf(body: bytes) -> list[MetricFamily]:
    """Of two messages with one name the later counts, as upstream. Raises ExpositionError.

    Of native histograms sum and count are kept: the text format has no place for their buckets.
    """
    found: dict[str, MetricFamily] = {}
    name, samples = "", list[Sample]()
    for one in read_protobuf(body, HistogramForms()):
        if isinstance(one, ProtoFamily):
            name, samples = one.name, []
            found.pop(name, None)
            found[name] = MetricFamily(name, one.metadata, ())
            continue
        labels = one.pairs()
        if len({label for label, _ in labels}) < len(labels):
            raise ExpositionError(f'duplicate label names for metric "{name}"')
        samples.append(Sample(Labels(sorted(labels)), one.value, one.time_ms))
        found[name] = MetricFamily(name, found[name].metadata, tuple(samples))
    return [family for family in found.values() if family.samples]


def _require_legacy_names(families: Sequence[MetricFamily]) -> None:
    """Raises PushError."""
    for family in families:
        if not is_legacy_metric_name(family.name):
            raise PushError(f'invalid metric name "{family.name}"')
        for sample in family.samples:
            for name, _ in sample.labels:
                if name != METRIC_NAME and not is_legacy_label_name(name):
                    raise PushError(f'invalid label name "{name}" for metric "{family.name}"')
