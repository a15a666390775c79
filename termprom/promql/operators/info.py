"""info(v, {...}): labels of info series, such as target_info, added to the elements of a vector.

    metric{instance="a", job="1"}  and  target_info{instance="a", job="1", version="v1"}
    info(metric)  ->  metric{instance="a", job="1", version="v1"}

An info series belongs to the elements with its instance and job. Which one that is, and so the
labels of the result, may change from step to step. Source: reference 6.13.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from termprom.errors import EvaluationError
from termprom.model.grid import Grid
from termprom.model.labels import METRIC_NAME, Labels, quote
from termprom.model.matchers import Matcher, MatchOp, all_match
from termprom.model.values import Ints, Mask
from termprom.promql.operators import histogram_cells, select
from termprom.promql.operators.stream import Matrix, Series, collect
from termprom.promql.operators.unique import merge
from termprom.promql.plan import Plan, Select, timing_of
from termprom.promql.run import Run

_IDENTIFYING: Final = ("instance", "job")
_DEFAULT: Final = Matcher(METRIC_NAME, MatchOp.EQUAL, "target_info")
_ANY_INFO: Final = Matcher(METRIC_NAME, MatchOp.REGEX, ".+_info")
_NEGATIVE: Final = (MatchOp.NOT_EQUAL, MatchOp.NOT_REGEX)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which info series are meant, by name and otherwise; the others also name what to copy."""

    names: tuple[Matcher, ...]
    others: tuple[Matcher, ...]

    @property
    def may_be_missing(self) -> bool:
        """Whether an element stays where no info series belongs to it."""
        return all(matcher.matches_empty() for matcher in self.others)

    def copied(self, labels: Labels) -> Labels:
        """What an info series has to give."""
        named = {matcher.name for matcher in self.others}
        return Labels(
            pair for pair in labels if pair[0] != METRIC_NAME and (not named or pair[0] in named)
        )


def info(run: Run, base: Matrix, args: Sequence[Plan], grid: Grid) -> Matrix:
    """Raises EvaluationError for info series that contradict each other."""
    wanted = _wanted(args[1] if len(args) > 1 else None)
    own = [all_match(wanted.names, one) for one in base.series.labels]
    found = _info_series(run, args[0], wanted, grid)
    names = {labels.metric for labels in found.labels}
    labels: list[Labels] = []
    rows: list[int] = []
    masks: list[Mask] = []
    held = base.held()
    everywhere: Mask = np.ones(grid.count, dtype=np.bool_)
    for row, one in enumerate(base.series.labels):
        if own[row]:
            choices = [(one, everywhere)]
        else:
            partners = [found.newest(name, one) for name in sorted(names)]
            choices = _enriched(one, found.labels, partners, wanted, held[row])
        for enriched, mask in choices:
            labels.append(enriched)
            rows.append(row)
            masks.append(mask)
    chosen = np.array(rows, dtype=np.int64)
    mask = np.array(masks, dtype=np.bool_).reshape(len(rows), grid.count)
    pending = None if base.series.pending is None else base.series.pending[chosen]
    cells = histogram_cells.where(histogram_cells.taken(base.histograms, chosen), mask)
    present = base.present[chosen] & mask
    return merge(Matrix(Series(labels, pending=pending), base.values[chosen], present, cells))


def _wanted(selector: Plan | None) -> _Wanted:
    matchers = selector.matchers if isinstance(selector, Select) else ()
    names = tuple(one for one in matchers if one.name == METRIC_NAME)
    others = tuple(one for one in matchers if one.name != METRIC_NAME)
    if not names:
        names = (_DEFAULT,)
    elif all(one.op in _NEGATIVE for one in names):
        names = (*names, _ANY_INFO)
    return _Wanted(names, others)


@dataclass(frozen=True, slots=True)
class _InfoSeries:
    """labels I; the row of the newest series per (name, instance, job) and step, -1 for none."""

    labels: Sequence[Labels]
    newest_of: dict[tuple[str, ...], Ints]
    nothing: Ints

    def newest(self, name: str, base: Labels) -> Ints:
        """The series of info metric `name` that belongs to `base`, per step (S,)."""
        return self.newest_of.get((name, *_identity(base)), self.nothing)


def _identity(labels: Labels) -> tuple[str, ...]:
    return tuple(labels.get(name) for name in _IDENTIFYING)


def _info_series(run: Run, argument: Plan, wanted: _Wanted, grid: Grid) -> _InfoSeries:
    at_ms, offset_ms = timing_of(argument) or (None, 0)
    node = Select("", (*wanted.names, *wanted.others), offset_ms, at_ms)
    matrix = collect(run, select.instant(run, node, grid), grid.count)
    stamps = collect(run, select.instant(run, node, grid, shown=select.Shown.TIME), grid.count)
    labels = matrix.series.raw
    for row in matrix.histograms:
        raise EvaluationError(
            f"this should be an info metric, with float samples: {_braced(labels[row])}"
        )
    members: dict[tuple[str, ...], list[int]] = {}
    for row, one in enumerate(labels):
        members.setdefault((one.metric, *_identity(one)), []).append(row)
    newest_of = {}
    for key, group in members.items():
        rows = np.array(group, dtype=np.int64)
        times = np.where(matrix.present[rows], stamps.values[rows], -np.inf)
        best = times.max(axis=0)
        ties: Mask = ((times == best).sum(axis=0) > 1) & (best > -np.inf)
        if ties.any():
            step = int(np.argmax(ties))
            first, second = rows[np.flatnonzero(times[:, step] == best[step])[:2]].tolist()
            at = round(float(best[step]) * 1000)
            raise EvaluationError(
                "found duplicate series for info metric: existing "
                f"{_braced(labels[first])} @ {at}, new {_braced(labels[second])} @ {at}"
            )
        newest_of[key] = np.where(best > -np.inf, rows[times.argmax(axis=0)], -1)
    return _InfoSeries(labels, newest_of, np.full(grid.count, -1, dtype=np.int64))


def _enriched(
    base: Labels,
    labels: Sequence[Labels],
    partners: list[Ints],
    wanted: _Wanted,
    held: Mask,
) -> list[tuple[Labels, Mask]]:
    """The label sets that one element takes over time, and at which steps (S,) each of them."""
    if not partners:
        return [(base, np.ones(held.size, dtype=np.bool_))] if wanted.may_be_missing else []
    combined, at = np.unique(np.array(partners), axis=1, return_inverse=True)
    choices = []
    for number in range(combined.shape[1]):
        mask: Mask = (at.ravel() == number) & held
        rows = [row for row in combined[:, number].tolist() if row >= 0]
        if not mask.any() or (not rows and not wanted.may_be_missing):
            continue
        choices.append((_with_labels(base, [wanted.copied(labels[row]) for row in rows]), mask))
    return choices


def _with_labels(base: Labels, additions: list[Labels]) -> Labels:
    """What the element has already wins; info series must not contradict each other."""
    held = base.as_dict()
    added: dict[str, str] = {}
    for addition in additions:
        for name, value in addition:
            if name in held:
                continue
            if added.setdefault(name, value) != value:
                raise EvaluationError(f"conflicting label: {name}")
    return base.merge(added) if added else base


def _braced(labels: Labels) -> str:
    return "{" + ", ".join(f"{name}={quote(value)}" for name, value in labels) + "}"
