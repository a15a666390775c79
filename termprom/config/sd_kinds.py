"""The discovery mechanisms that are known by name: their fields and what they refuse.

They find nothing yet; checking them keeps a configuration's mistakes visible all the same.
Values come in the form in which they are printed, so durations are text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from termprom.config.fields import Section, Table


def nothing(_: Section) -> None:
    """There is no rule beyond the types of the fields."""


@dataclass(frozen=True, slots=True)
class SDKind:
    """One mechanism; `http` says that the inline HTTP client options belong to it."""

    table: Table
    check: Callable[[Section], None] = nothing
    http: bool = True


KINDS: Final[dict[str, SDKind]] = {}
