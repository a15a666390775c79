"""Exemplars: [{"seriesLabels":{...},"exemplars":[{"labels":{...},"value":"6","timestamp":1.5}]}]"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from termprom.backend.interface import SeriesExemplars
from termprom.backend.wire_numbers import format_timestamp, format_value
from termprom.backend.wire_text import Json, labels_from, labels_object
from termprom.model.floats import parse_float
from termprom.storage import Exemplar


def exemplars_list(found: Sequence[SeriesExemplars]) -> Json:
    return [
        {
            "seriesLabels": labels_object(labels),
            "exemplars": [
                {
                    "labels": labels_object(one.labels),
                    "value": format_value(one.value),
                    "timestamp": orjson.Fragment(format_timestamp(one.time_ms)),
                }
                for one in exemplars
            ],
        }
        for labels, exemplars in found
    ]


def exemplars_from(data: Json) -> Sequence[SeriesExemplars]:
    """Raises ValueError, KeyError, TypeError for another shape."""
    return [(labels_from(one["seriesLabels"]), _exemplars(one["exemplars"])) for one in data or ()]


def _exemplars(data: Json) -> Sequence[Exemplar]:
    return [
        Exemplar(
            labels_from(one["labels"]),
            parse_float(one["value"]),
            round(float(one["timestamp"]) * 1000),
        )
        for one in data
    ]
