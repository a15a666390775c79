"""The series that a scrape writes about itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from termprom.model.labels import METRIC_NAME, Labels

BODY_SIZE_EXCEEDED: Final = -1

_ALWAYS: Final = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)
_EXTRA: Final = ("scrape_timeout_seconds", "scrape_sample_limit", "scrape_body_size_bytes")


@dataclass(slots=True)
class Report:
    """The figures of one scrape. `post` counts what metric relabelling left."""

    scraped: int = 0
    post: int = 0
    added: int = 0
    body_bytes: int = 0
    duration_seconds: float = 0.0
    error: str = ""


def report_labels(target: Labels, *, extra: bool) -> list[Labels]:
    """The label sets of a target's synthetic series, in the order of `report_values`."""
    names = (*_ALWAYS, *_EXTRA) if extra else _ALWAYS
    return [target.merge({METRIC_NAME: name}) for name in names]


def report_values(
    report: Report, *, extra: bool, timeout_ms: int, sample_limit: int
) -> Sequence[float]:
    """What the synthetic series say of a scrape."""
    values = (
        0.0 if report.error else 1.0,
        report.duration_seconds,
        report.scraped,
        report.post,
        report.added,
    )
    return (*values, timeout_ms / 1000, sample_limit, report.body_bytes) if extra else values
