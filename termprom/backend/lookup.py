"""Series and label look-ups: several selectors, one sorted answer, cut to a limit.

Runs in a worker thread. A limit of n asks the store for n + 1, so that a cut is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass

from termprom.backend.interface import NamesResult, SeriesResult
from termprom.backend.wire_result import TRUNCATED
from termprom.model.matchers import Matcher
from termprom.promql.syntax.ast import Node, VectorSelector
from termprom.promql.syntax.parse import parse_selector
from termprom.storage import Querier, Queryable

Selector = tuple[Matcher, ...]


def parse_selectors(texts: Sequence[str]) -> tuple[Selector, ...]:
    """Raises ParseError for the first text that is no selector."""
    return tuple(tuple(parse_selector(text)) for text in texts)


def selectors_in(node: object) -> list[Selector]:
    """The matchers of every selector in an expression, as often as they stand there."""
    if isinstance(node, VectorSelector):
        return [node.matchers]
    if isinstance(node, tuple):
        return [found for one in node for found in selectors_in(one)]
    if isinstance(node, Node) and is_dataclass(node):
        return selectors_in(tuple(getattr(node, field.name) for field in fields(node)))
    return []


def series(
    queryable: Queryable, selectors: Sequence[Selector], start_ms: int, end_ms: int, limit: int
) -> SeriesResult:
    """Label sets of the series that any of the selectors finds in [start_ms, end_ms]."""
    querier = queryable.querier(start_ms, end_ms)
    try:
        found = [querier.select(selector).labels for selector in selectors]
        labels = sorted(set().union(*found)) if len(found) > 1 else list(*found)
    finally:
        querier.close()
    if limit and len(labels) > limit:
        return SeriesResult(labels[:limit], (TRUNCATED,))
    return SeriesResult(labels)


def label_names(
    queryable: Queryable, selectors: Sequence[Selector], start_ms: int, end_ms: int, limit: int
) -> NamesResult:
    """Names of labels on those series; on all series where there is no selector."""
    hint = limit + 1 if limit else 0
    return _names(
        queryable,
        lambda querier, selector: querier.label_names(selector, limit=hint),
        selectors,
        start_ms,
        end_ms,
        limit,
    )


def label_values(
    queryable: Queryable,
    name: str,
    selectors: Sequence[Selector],
    start_ms: int,
    end_ms: int,
    limit: int,
) -> NamesResult:
    """Values of one label on those series; on all series where there is no selector."""
    hint = limit + 1 if limit else 0
    return _names(
        queryable,
        lambda querier, selector: querier.label_values(name, selector, limit=hint),
        selectors,
        start_ms,
        end_ms,
        limit,
    )


def _names(
    queryable: Queryable,
    ask: Callable[[Querier, Selector], list[str]],
    selectors: Sequence[Selector],
    start_ms: int,
    end_ms: int,
    limit: int,
) -> NamesResult:
    querier = queryable.querier(start_ms, end_ms)
    try:
        found = [ask(querier, selector) for selector in selectors or [()]]
    finally:
        querier.close()
    names = sorted(set().union(*found))
    if limit and len(names) > limit:
        return NamesResult(names[:limit], (TRUNCATED,))
    return NamesResult(names)
