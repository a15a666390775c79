"""Which metric and label names need no quotes, and how the others are written."""

from __future__ import annotations

import re
from typing import Final

from termprom.model.labels import is_legacy_label_name, quote

_LEGACY_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def is_legacy_metric_name(name: str) -> bool:
    """Whether `name` is a metric name of the ASCII kind: [a-zA-Z_:][a-zA-Z0-9_:]*."""
    return _LEGACY_METRIC.fullmatch(name) is not None


def is_valid_metric_name(name: str, scheme: str) -> bool:
    """Whether `name` names a metric under the validation scheme "utf8" or "legacy"."""
    return is_legacy_metric_name(name) if scheme == "legacy" else bool(name)


def is_valid_label_name(name: str, scheme: str) -> bool:
    """Whether `name` names a label under the validation scheme "utf8" or "legacy"."""
    return is_legacy_label_name(name) if scheme == "legacy" else bool(name)


def metric_text(name: str) -> str:
    """`name` as a metadata line writes it: quoted unless legacy-valid."""
    return name if is_legacy_metric_name(name) else quote(name)


def label_text(name: str) -> str:
    """`name` as it stands before the `=` of a label."""
    return name if is_legacy_label_name(name) else quote(name)
