"""label_replace, label_join, sort_by_label: functions of labels alone."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from termprom.errors import EvaluationError
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.regex import compile_re2
from termprom.promql.operators.natural_order import natural_less
from termprom.promql.operators.stream import Matrix, Series, Stream
from termprom.promql.operators.unique import merged_over_time
from termprom.promql.run import Run
from termprom.promql.syntax.literals import is_label_name, presentable


def label_replace(run: Run, stream: Stream, texts: list[str], steps: int) -> Stream:
    """texts: destination, replacement, source, pattern."""
    target, *rest = texts
    replacement, source, pattern = map(presentable, rest)
    try:
        compiled = compile_re2(pattern)
    except ValueError as problem:
        message = f"invalid regular expression in label_replace(): {pattern}"
        raise EvaluationError(message) from problem
    _check_label(target, "destination", "label_replace")
    expand = _template(replacement, dict(compiled.groupindex))

    @functools.cache  # Many series share a value, and matching it is most of the work.
    def text_for(value: str) -> str | None:
        found = compiled.fullmatch(value)
        return None if found is None else expand((found.group(0), *found.groups()))

    def replaced(labels: Labels) -> Labels | None:
        text = text_for(labels.get(source))
        return None if text is None else labels.merge({target: text})

    return _relabelled(run, stream, replaced, target, steps)


def label_join(run: Run, stream: Stream, texts: list[str], steps: int) -> Stream:
    """texts: destination, separator, sources."""
    target, separator, *sources = texts
    separator = presentable(separator)
    for source in sources:
        _check_label(source, "source", "label_join")
    _check_label(target, "destination", "label_join")

    def joined(labels: Labels) -> Labels:
        return labels.merge({target: separator.join(labels.get(name) for name in sources)})

    return _relabelled(run, stream, joined, target, steps)


def _relabelled(
    run: Run, stream: Stream, change: Callable[[Labels], Labels | None], target: str, steps: int
) -> Stream:
    """`change` gives the new labels, or None where a series stays as it is."""
    labels = stream.series.labels
    changes = [change(one) for one in labels]
    pending = stream.series.pending
    if pending is not None and target == METRIC_NAME:
        # A name that is set here is meant to stay.
        pending = pending & np.array([one is None for one in changes], dtype=np.bool_)
    changed = [old if new is None else new for old, new in zip(labels, changes, strict=True)]
    series = Series(changed, pending=pending)
    return merged_over_time(run, replace(stream, series=series), steps)


def _check_label(name: str, role: str, func: str) -> None:
    if not is_label_name(name):
        raise EvaluationError(f"invalid {role} label name in {func}(): {presentable(name)}")


def _template(text: str, names: dict[str, int]) -> Callable[[tuple[str | None, ...]], str]:
    """Go's Regexp.Expand: `$name` takes the longest run of word characters; `$$` is a dollar."""
    parts: list[str | int] = []
    rest = text
    while rest:
        before, dollar, rest = rest.partition("$")
        parts.append(before)
        if not dollar:
            break
        if rest.startswith("$"):
            parts.append("$")
            rest = rest[1:]
            continue
        name, after = _group_name(rest)
        if name is None:
            parts.append("$")
            continue
        parts.append(int(name) if name.isdigit() else names.get(name, -1))
        rest = after

    def expand(groups: tuple[str | None, ...]) -> str:
        found = []
        for part in parts:
            if isinstance(part, str):
                found.append(part)
            elif 0 <= part < len(groups):
                found.append(groups[part] or "")
        return "".join(found)

    return expand


def _group_name(text: str) -> tuple[str | None, str]:
    """The group that `$text` names, and what follows it; None where it is no reference."""
    braced = text.startswith("{")
    body = text[1:] if braced else text
    length = 0
    while length < len(body) and (body[length].isalnum() or body[length] == "_"):
        length += 1
    name, after = body[:length], body[length:]
    if not name or (braced and not after.startswith("}")):
        return None, text
    return name, after[1:] if braced else after


def sort_by_label(matrix: Matrix, names: list[str], *, descending: bool) -> Matrix:
    """Rows in natural order of the named labels, then of all labels."""

    def compare(left: int, right: int) -> int:
        one, other = labels[left], labels[right]
        for name in names:
            a, b = one.get(name), other.get(name)
            if a != b:
                return -1 if natural_less(a, b) else 1
        return -1 if one < other else 1

    labels = matrix.series.labels
    order = sorted(range(len(labels)), key=functools.cmp_to_key(compare), reverse=descending)
    return matrix.take(np.array(order, dtype=np.int64))
