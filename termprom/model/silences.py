"""A silence: matchers, a span of time, and whom to ask about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from termprom.model.labels import EMPTY, Labels
from termprom.model.matchers import Matcher, MatchOp, all_match


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


_PIECE: Final = re.compile(
    r'\s*(?P<name>"(?:[^"\\]|\\.)*"|[^\s{}!=~,\\"\'`]+)\s*(?P<op>=~|!=|!~|=)\s*(?P<value>.*?)\s*',
    re.DOTALL,
)
_ESCAPES: Final = {"n": "\n", '"': '"', "\\": "\\"}


def parse_matcher(text: str) -> Matcher:
    """One matcher as people and amtool write it: `a=b`, `a="b c"`, `"odd name"=~x.*`.

    Raises ValueError in Alertmanager's words.
    """
    found = _PIECE.fullmatch(text)
    if found is None:
        raise ValueError(f"bad matcher format: {text}")
    return Matcher(_unquoted(found["name"]), MatchOp(found["op"]), _unquoted(found["value"]))


def _unquoted(raw: str) -> str:
    inner = raw
    if raw.startswith('"'):
        if len(raw) < 2 or not raw.endswith('"'):
            raise ValueError(f"matcher value contains unescaped double quote: {raw}")
        inner = raw[1:-1]
    if re.search(r'(?<!\\)(?:\\\\)*"', inner):
        raise ValueError(f"matcher value contains unescaped double quote: {raw}")
    # Any other backslash stands for itself, as in Alertmanager's classic syntax.
    return re.sub(r'\\([n"\\])', lambda one: _ESCAPES[one[1]], inner)
