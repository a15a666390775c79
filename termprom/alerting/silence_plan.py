"""What a request to make, change or end a silence leads to: pure.

Source: Alertmanager, package silence, `setSilence`, `canUpdate` and `expire`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from termprom import limits
from termprom.errors import BadSilence, UnknownSilence
from termprom.model.silences import Silence, SilenceState


@dataclass(frozen=True, slots=True)
class SilencePlan:
    """The silences to put in place of those with their ids, and the id to answer with."""

    id: str
    changed: tuple[Silence, ...]


def check(wanted: Silence, now_ms: int) -> None:
    """Raises BadSilence."""
    if not wanted.matchers:
        raise BadSilence("invalid silence: at least one matcher required")
    for number, matcher in enumerate(wanted.matchers):
        if not matcher.name:
            raise BadSilence(f'invalid silence: invalid label matcher {number}: invalid name ""')
    if all(matcher.matches_empty() for matcher in wanted.matchers):
        raise BadSilence("invalid silence: at least one matcher must not match the empty string")
    if wanted.ends_ms <= 0:
        raise BadSilence("invalid silence: invalid zero end timestamp")
    if wanted.starts_ms >= wanted.ends_ms:
        raise BadSilence("Failed to create silence: start time must be before end time")
    if wanted.ends_ms < now_ms:
        raise BadSilence("Failed to create silence: end time can't be in the past")
    size = sum(len(one.name) + len(one.value) for one in wanted.matchers)
    size += len(wanted.comment) + len(wanted.created_by) + len(str(wanted.annotations))
    if size > limits.SILENCE_CHARS_MAX:
        raise BadSilence(
            f"silence exceeded maximum size: {size} characters (limit: {limits.SILENCE_CHARS_MAX})"
        )


def plan_set(
    known: Mapping[str, Silence], wanted: Silence, now_ms: int, new_id: str
) -> SilencePlan:
    """Raises BadSilence, UnknownSilence."""
    if not wanted.starts_ms:
        wanted = replace(wanted, starts_ms=now_ms)
    check(wanted, now_ms)
    old = known.get(wanted.id)
    if wanted.id and old is None:
        raise UnknownSilence(wanted.id)
    if old is not None and _may_change(old, wanted, now_ms):
        return SilencePlan(old.id, (replace(wanted, id=old.id, updated_ms=now_ms),))
    if len(known) >= limits.SILENCES_MAX:
        raise BadSilence(
            f"exceeded maximum number of silences: {len(known)} (limit: {limits.SILENCES_MAX})"
        )
    starts_ms = max(wanted.starts_ms, now_ms)
    made = replace(wanted, id=new_id, starts_ms=starts_ms, updated_ms=now_ms)
    ended = plan_expire(old, now_ms) if old is not None else None
    return SilencePlan(new_id, (made, *((ended,) if ended is not None else ())))


def _may_change(old: Silence, wanted: Silence, now_ms: int) -> bool:
    """Whether `old` can become `wanted`; otherwise a new silence takes its place."""
    if old.matchers != wanted.matchers:
        return False
    match old.state(now_ms):
        case SilenceState.ACTIVE:
            return old.starts_ms // 1000 == wanted.starts_ms // 1000 and wanted.ends_ms >= now_ms
        case SilenceState.PENDING:
            return wanted.starts_ms >= now_ms
        case SilenceState.EXPIRED:
            return False


def plan_expire(silence: Silence, now_ms: int) -> Silence | None:
    """The silence as it ends now; None where it has ended before."""
    match silence.state(now_ms):
        case SilenceState.ACTIVE:
            # A millisecond ago: an end is inclusive, and "now" has to be over.
            return replace(silence, ends_ms=now_ms - 1, updated_ms=now_ms)
        case SilenceState.PENDING:
            return replace(silence, starts_ms=now_ms - 1, ends_ms=now_ms - 1, updated_ms=now_ms)
        case SilenceState.EXPIRED:
            return None


def outdated(silence: Silence, now_ms: int) -> bool:
    """Whether an expired silence need not be shown any longer."""
    return silence.ends_ms + limits.SILENCE_RETENTION_MS < now_ms
