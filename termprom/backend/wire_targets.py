"""Targets.

{"activeTargets":[{"discoveredLabels":{},"labels":{},"scrapePool":"node","scrapeUrl":"http://...",
  "globalUrl":"http://...","lastError":"","lastScrape":"2017-01-17T15:07:44.723Z",
  "lastScrapeDuration":0.05,"health":"up","scrapeInterval":"15s","scrapeTimeout":"10s"}],
 "droppedTargets":[{"discoveredLabels":{},"scrapePool":"node"}],"droppedTargetCounts":{"node":1}}
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from termprom.backend.wire_numbers import format_moment, format_seconds, parse_moment
from termprom.backend.wire_text import Json, labels_from, labels_object, text
from termprom.model.durations import format_duration, parse_duration
from termprom.views import DroppedTargetView, Health, TargetsView, TargetView

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def targets_object(
    view: TargetsView,
    *,
    active: bool = True,
    dropped: bool = True,
    pool: str = "",
    external_url: str = "",
    listen_port: int = 0,
) -> Json:
    """`active` and `dropped` say what was asked for, `pool` keeps one pool's targets only."""
    return {
        "activeTargets": [
            _active(target, global_url(target.url, external_url, listen_port))
            for target in view.active
            if active and pool in ("", target.pool)
        ],
        "droppedTargets": [
            {"discoveredLabels": labels_object(one.discovered), "scrapePool": text(one.pool)}
            for one in view.dropped
            if dropped and pool in ("", one.pool)
        ],
        "droppedTargetCounts": dict(sorted(view.dropped_counts.items())) if dropped else None,
    }


def _active(target: TargetView, shown_url: str) -> Json:
    return {
        "discoveredLabels": labels_object(target.discovered),
        "labels": labels_object(target.labels),
        "scrapePool": text(target.pool),
        "scrapeUrl": text(target.url),
        "globalUrl": text(shown_url),
        "lastError": text(target.last_error),
        "lastScrape": format_moment(target.last_scrape_ms),
        "lastScrapeDuration": format_seconds(target.last_duration_seconds),
        "health": target.health.value,
        "scrapeInterval": format_duration(round(target.interval_seconds * 1000)),
        "scrapeTimeout": format_duration(round(target.timeout_seconds * 1000)),
    }


def global_url(url: str, external_url: str, listen_port: int) -> str:
    """The target's address as others reach it: loopback becomes the host of `external_url`.

    A target on the port that this server listens on is this server, behind its external URL.
    """
    external = urlsplit(external_url)
    try:
        parts = urlsplit(url)
        if parts.hostname not in _LOOPBACK or not external.hostname:
            return url
        if parts.port == listen_port:
            return urlunsplit(parts._replace(scheme=external.scheme, netloc=external.netloc))
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return url
    return urlunsplit(parts._replace(netloc=external.hostname + port))


def targets_from(data: Json) -> TargetsView:
    """Raises ValueError, KeyError or TypeError for what does not have the shape."""
    active = [_target_from(one) for one in data.get("activeTargets") or ()]
    dropped = [
        DroppedTargetView(one.get("scrapePool", ""), labels_from(one["discoveredLabels"]))
        for one in data.get("droppedTargets") or ()
    ]
    return TargetsView(
        tuple(sorted(active, key=lambda target: (target.pool, target.labels))),
        tuple(dropped),
        dict(data.get("droppedTargetCounts") or {}),
    )


def _target_from(one: Json) -> TargetView:
    health = one.get("health", "")
    return TargetView(
        pool=one.get("scrapePool", ""),
        url=one.get("scrapeUrl", ""),
        labels=labels_from(one["labels"]),
        discovered=labels_from(one.get("discoveredLabels")),
        health=Health(health) if health in ("up", "down") else Health.UNKNOWN,
        last_error=one.get("lastError", ""),
        last_scrape_ms=parse_moment(one["lastScrape"]) if one.get("lastScrape") else 0,
        last_duration_seconds=float(one.get("lastScrapeDuration") or 0.0),
        interval_seconds=_seconds(one.get("scrapeInterval")),
        timeout_seconds=_seconds(one.get("scrapeTimeout")),
    )


def _seconds(duration: str | None) -> float:
    try:
        return parse_duration(duration or "0") / 1000
    except ValueError:
        # Some servers print durations as Go does; without them the target is still worth showing.
        return 0.0
