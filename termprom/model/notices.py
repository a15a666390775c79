"""Notices: warnings and infos that travel with a query's result and never stop it.

(The original calls them annotations; here that word means an alert's annotations only.)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class NoticeLevel(StrEnum):
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Notice:
    """One remark on a result; [start, end) in bytes of the expression, -1 where there is none."""

    level: NoticeLevel
    text: str
    start: int = -1
    end: int = -1
