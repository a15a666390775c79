"""Metadata of metric families.

/metadata           {"go_goroutines":[{"type":"gauge","unit":"","help":"..."}]}
/targets/metadata   [{"target":{...},"metric":"up","type":"gauge","help":"...","unit":""}]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from termprom.backend.wire_text import Json, labels_from, labels_object, text
from termprom.model.metadata import Metadata, MetricType
from termprom.views import MetadataView


def metadata_object(families: Mapping[str, Sequence[Metadata]]) -> Json:
    return {
        name: [
            {"type": one.type.value, "unit": text(one.unit), "help": text(one.help)}
            for one in families[name]
        ]
        for name in sorted(families)
    }


def metadata_from(data: Json) -> dict[str, Sequence[Metadata]]:
    return {name: tuple(map(_metadata, found)) for name, found in data.items()}


def targets_metadata_list(views: Sequence[MetadataView], *, with_metric: bool) -> Json:
    """`with_metric` is False where the request named the metric: it is not repeated then."""
    return [
        {
            "target": labels_object(view.target),
            **({"metric": text(view.metric)} if with_metric else {}),
            "type": view.metadata.type.value,
            "help": text(view.metadata.help),
            "unit": text(view.metadata.unit),
        }
        for view in views
    ]


def targets_metadata_from(data: Json, metric: str) -> Sequence[MetadataView]:
    """`metric` is the family that the request named; entries do not repeat it."""
    return tuple(
        MetadataView(labels_from(one["target"]), one.get("metric", metric), _metadata(one))
        for one in data or ()
    )


def _metadata(one: Json) -> Metadata:
    known = {kind.value for kind in MetricType}
    kind = MetricType(one["type"]) if one.get("type") in known else MetricType.UNKNOWN
    return Metadata(kind, one.get("help", ""), one.get("unit", ""))
