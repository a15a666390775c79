"""A silence: matchers, a span of time, and whom to ask about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from termprom.model.labels import EMPTY, Labels
from termprom.model.matcher_text import parse_matcher
from termprom.model.matchers import Matcher, all_match

__all__ = ["Silence", "SilenceState", "parse_matcher"]


class SilenceState(StrEnum):
    ACTIVE = "active"
    PENDING = "pending"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Silence:
    """Silences every alert that passes all `matchers`, in [starts_ms, ends_ms].

    `id` is empty for one that is still to be made; `starts_ms` 0 stands for now, then.
    """

    matchers: tuple[Matcher, ...]
    starts_ms: int
    ends_ms: int
    created_by: str = ""
    comment: str = ""
    annotations: Labels = EMPTY
    id: str = ""
    updated_ms: int = 0

    def state(self, now_ms: int) -> SilenceState:
        if now_ms < self.starts_ms:
            return SilenceState.PENDING
        return SilenceState.EXPIRED if now_ms > self.ends_ms else SilenceState.ACTIVE

    def mutes(self, labels: Labels, now_ms: int) -> bool:
        return self.state(now_ms) is SilenceState.ACTIVE and all_match(self.matchers, labels)
