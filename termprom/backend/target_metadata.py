"""What targets say about metric families, filtered and folded as the API does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from termprom.model.matchers import Matcher, all_match
from termprom.model.metadata import Metadata
from termprom.views import MetadataView


def by_metric(
    views: Sequence[MetadataView], metric: str, *, limit: int, limit_per_metric: int
) -> Mapping[str, Sequence[Metadata]]:
    """Distinct metadata of each family, families by name; limits of 0 keep everything."""
    found: dict[str, dict[Metadata, None]] = {}
    for view in views:
        if not metric or view.metric == metric:
            found.setdefault(view.metric, {})[view.metadata] = None
    names = sorted(found)[: limit or None]
    return {name: tuple(found[name])[: limit_per_metric or None] for name in names}


def for_targets(
    views: Sequence[MetadataView], matchers: Sequence[Matcher], metric: str, *, limit: int
) -> Sequence[MetadataView]:
    """Entries of the targets that match. A target that is begun is told to its end."""
    found: list[MetadataView] = []
    for view in views:
        begun = bool(found) and found[-1].target == view.target
        if limit and len(found) >= limit and not begun:
            break
        if (not metric or view.metric == metric) and all_match(matchers, view.target):
            found.append(view)
    return found
