"""static_configs: said once, at the start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from termprom.config.schema import TargetGroup


def static_groups(groups: Sequence[TargetGroup]) -> tuple[TargetGroup, ...]:
    """The groups with their place in the list as source."""
    return tuple(replace(group, source=str(number)) for number, group in enumerate(groups))
