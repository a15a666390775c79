"""What an exposition says about a metric family beside its samples."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MetricType(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    GAUGE_HISTOGRAM = "gaugehistogram"
    SUMMARY = "summary"
    INFO = "info"
    STATESET = "stateset"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Metadata:
    """TYPE, HELP and UNIT of one metric family, as one target told them."""

    type: MetricType = MetricType.UNKNOWN
    help: str = ""
    unit: str = ""
