"""What the Targets pane says about a target: pure, no widgets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from rich.style import Style

from termprom.model.labels import Labels, quote
from termprom.tui.colours import Colours
from termprom.tui.figures import age, clock, count, size, span, took
from termprom.tui.glyphs import Glyphs
from termprom.tui.session import Session
from termprom.tui.widgets.columns import Column, RowModel
from termprom.tui.widgets.text_box import Fact, Ink, Row, facts
from termprom.views import DroppedTargetView, Health, TargetView

_SLOW_SHARE: Final = 0.8  # of the timeout; a scrape beyond may fail the next time
_RECENT: Final = 20

_HEAD: Final = re.compile(r'Get "[^"]*": (?:dial tcp \S+: (?:connect: |lookup )?)?')


def reason_of(error: str) -> str:
    """What an error of a scrape comes down to; its head names what the row already tells.

    `Get "http://a:1/metrics": dial tcp 127.0.0.1:1: connect: connection refused` is
    `connection refused`. The detail has the whole of it.
    """
    return _HEAD.sub("", error, count=1) or error


def is_slow(target: TargetView) -> bool:
    """Whether it answers, but comes close to its timeout."""
    limit = target.timeout_seconds
    return target.health is Health.UP and 0 < limit * _SLOW_SHARE < target.last_duration_seconds


def rank(target: TargetView) -> int:
    """The worst first."""
    if target.health is Health.DOWN:
        return 0
    if is_slow(target):
        return 1
    return 2 if target.health is Health.UNKNOWN else 3


def health_text(target: TargetView, signs: Glyphs) -> str:
    signs_and_words = (
        f"{signs.down} down",
        f"{signs.slow} slow",
        f"{signs.unknown} not yet",
        f"{signs.up} up",
    )
    return signs_and_words[rank(target)]


def health_kind(target: TargetView) -> str:
    return ("critical", "warning", "muted", "ok")[rank(target)]


def recent_strip(target: TargetView, signs: Glyphs) -> str:
    """The last scrapes, the newest at the right: a full cell for one that went well."""
    cells = "".join(signs.bar if ok else signs.gap for ok in target.recent[-_RECENT:])
    return cells.rjust(_RECENT)


def instance_of(target: TargetView) -> str:
    return target.labels.get("instance") or target.url


def selector_of(target: TargetView) -> str:
    """The `up` of this target."""
    pairs = [f"{name}={quote(target.labels.get(name))}" for name in ("job", "instance")]
    return f"up{{{', '.join(pairs)}}}"


def target_key(target: TargetView) -> object:
    return (target.pool, target.labels, target.url)


def active_model(session: Session, signs: Glyphs) -> RowModel[TargetView]:
    def style(one: TargetView, colours: Colours) -> Style:
        found = getattr(colours, health_kind(one))
        assert isinstance(found, Style)
        return found

    def error_style(_: TargetView, colours: Colours) -> Style:
        return colours.critical

    return RowModel(
        (
            Column("health", "HEALTH", lambda one: health_text(one, signs), sort=rank, style=style,
                   value=lambda one: "slow" if is_slow(one) else one.health.value),
            Column("pool", "POOL", lambda one: one.pool, width_max=24),
            Column("instance", "INSTANCE", instance_of, width_min=18, width_max=40, flex=1,
                   middle=True),
            Column("last", "LAST", lambda one: age(one.last_scrape_ms, session.now_ms()),
                   right=True, rank=2, sort=lambda one: -one.last_scrape_ms,
                   value=lambda one: (session.now_ms() - one.last_scrape_ms) / 1000),
            Column("dur", "TOOK", lambda one: took(one.last_duration_seconds), right=True, rank=1,
                   sort=lambda one: one.last_duration_seconds, sort_descending=True,
                   value=lambda one: one.last_duration_seconds),
            Column("samples", "SAMPLES", lambda one: count(one.samples), right=True, rank=3,
                   sort=lambda one: one.samples, sort_descending=True,
                   value=lambda one: float(one.samples)),
            Column("recent", "LAST 20", lambda one: recent_strip(one, signs), width_min=_RECENT,
                   rank=4),
            Column("error", "ERROR", lambda one: reason_of(one.last_error), width_min=24,
                   width_max=160, flex=2, style=error_style),
        ),
        key=target_key,
        labels=lambda one: one.labels.as_dict(),
    )  # fmt: skip


def dropped_model() -> RowModel[DroppedTargetView]:
    return RowModel(
        (
            Column("pool", "POOL", lambda one: one.pool, width_max=24),
            Column("rule", "DROPPED BY", rule_text, width_max=24),
            Column("labels", "DISCOVERED LABELS", lambda one: str(one.discovered), width_min=10,
                   width_max=300, flex=1),
        ),
        key=lambda one: (one.pool, one.discovered),
        labels=lambda one: one.discovered.as_dict(),
    )  # fmt: skip


def rule_text(dropped: DroppedTargetView) -> str:
    return f"relabel rule {dropped.rule + 1}" if dropped.rule >= 0 else "relabelling"


def target_detail(target: TargetView, session: Session, signs: Glyphs, width: int) -> Sequence[Row]:
    """Everything about one target; the error first, in full."""
    pairs: list[Fact] = [("health", health_text(target, signs), health_kind(target))]
    if target.last_error:
        pairs.append(("error", target.last_error, "critical"))
    scraped = "never"
    if target.last_scrape_ms:
        ago = age(target.last_scrape_ms, session.now_ms())
        ran = took(target.last_duration_seconds)
        scraped = f"{clock(target.last_scrape_ms, session.zone)}, {ago} ago, took {ran}"
    pairs += [
        ("url", target.url),
        ("scraped", scraped),
        ("every", f"{span(target.interval_seconds)}, timeout {took(target.timeout_seconds)}"),
        ("last 20", f"{recent_strip(target, signs).strip()}  {_recent_words(target)}"),
        ("samples", f"{count(target.samples)}, {count(target.samples_after_relabel)} after "
                    f"relabelling, {count(target.series_added)} new series"),
        ("body", size(target.body_bytes) if target.body_bytes else "size not told"),
    ]  # fmt: skip
    return [
        *facts(pairs, width),
        *labels_rows("labels", target.labels, width),
        *labels_rows("discovered", target.discovered, width),
    ]


def _recent_words(target: TargetView) -> str:
    if not target.recent:
        return "no scrape yet"
    last = target.recent[-_RECENT:]
    return f"{sum(last)} of {len(last)} went well"


def labels_rows(name: str, labels: Labels, width: int) -> list[Row]:
    """A heading and a label per line."""
    lines = [f"{key}={quote(value)}" for key, value in labels.as_dict().items()]
    return facts([(name, "\n".join(lines) or "none")], width)


def dropped_detail(dropped: DroppedTargetView, width: int) -> Sequence[Row]:
    heading = (Ink(f" dropped by {rule_text(dropped)} of pool {dropped.pool}", "warning"),)
    return [heading, *labels_rows("discovered", dropped.discovered, width)]
