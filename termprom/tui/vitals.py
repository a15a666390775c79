"""What the status line counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from termprom.views import AlertState, AlertView, Health, StatusView, TargetsView


@dataclass(frozen=True, slots=True)
class Vitals:
    """The counts of one moment. None: this server does not say, or was not asked yet."""

    up: int | None = None
    down: int | None = None
    firing: int | None = None
    pending: int | None = None
    status: StatusView | None = None


def vitals_of(
    alerts: Sequence[AlertView] | None, targets: TargetsView | None, status: StatusView | None
) -> Vitals:
    up = down = firing = pending = None
    if targets is not None:
        down = sum(one.health is Health.DOWN for one in targets.active)
        up = sum(one.health is Health.UP for one in targets.active)
    if alerts is not None:
        loud = [one for one in alerts if not one.silenced_by]
        firing = sum(one.state is AlertState.FIRING for one in loud)
        pending = sum(one.state is AlertState.PENDING for one in loud)
    return Vitals(up, down, firing, pending, status)
