"""Whether a push fits what is already there; if not, the push as a whole is refused.

Only what the push touches is looked at: the store was consistent before it, and taking families
away cannot break anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from termprom.exposition.families import MetricFamily, Sample
from termprom.exposition.numbers import format_number
from termprom.model.labels import Labels
from termprom.model.metadata import MetricType
from termprom.push.group import PushGroup
from termprom.push.parts import metric_labels

TYPE_NAMES: Final = {
    MetricType.COUNTER: "COUNTER",
    MetricType.GAUGE: "GAUGE",
    MetricType.SUMMARY: "SUMMARY",
    MetricType.HISTOGRAM: "HISTOGRAM",
    MetricType.GAUGE_HISTOGRAM: "GAUGE_HISTOGRAM",
}
UNTYPED: Final = "UNTYPED"

_SUFFIXES: Final = {
    MetricType.SUMMARY: ("_count", "_sum"),
    MetricType.HISTOGRAM: ("_count", "_sum", "_bucket"),
    MetricType.GAUGE_HISTOGRAM: ("_count", "_sum", "_bucket"),
}
TIMESTAMPED: Final = "pushed metrics must not have timestamps"


@dataclass(frozen=True, slots=True)
class _Holding:
    """One family of one group."""

    group: PushGroup
    family: MetricFamily


def has_timestamps(families: Iterable[MetricFamily]) -> bool:
    return any(sample.timestamp_ms is not None for family in families for sample in family.samples)


def find_conflicts(
    changed: PushGroup,
    touched: Sequence[MetricFamily],
    others: Sequence[PushGroup],
    own: Iterable[MetricFamily],
) -> list[str]:
    """What is wrong with `changed` beside the `others`; `touched` are its families that are new,
    `own` the process's metrics of those names.
    """
    own_types = {family.name: family.metadata.type for family in own}
    problems = [
        f"gathered metric family {family.name} has type {type_name(family.metadata.type)} "
        f"but should have {type_name(own_types[family.name])}"
        for family in touched
        if own_types.get(family.name, family.metadata.type) is not family.metadata.type
    ]
    problems += _time_conflicts(changed, others)
    for family in touched:
        problems += _series_conflicts(_holdings(family, changed, others))
    problems += _name_conflicts(changed, touched, others)
    return problems


def _holdings(
    family: MetricFamily, changed: PushGroup, others: Sequence[PushGroup]
) -> list[_Holding]:
    holders = [
        _Holding(other, other.families[family.name].family)
        for other in others
        if family.name in other.families
    ]
    holders.sort(key=lambda one: one.group.key)
    # Last, so that a complaint is about what was pushed, not about what it clashes with.
    return [*holders, _Holding(changed, family)]


def _time_conflicts(changed: PushGroup, others: Sequence[PushGroup]) -> Iterator[str]:
    """The generated series of two groups are the same where an empty `instance` is the only
    difference of their keys.
    """
    twin = twin_of(changed, others)
    if twin is None:
        return
    for family in changed.time_families():
        yield _collected(family, family.samples[0]) + _BEFORE


def twin_of(group: PushGroup, others: Iterable[PushGroup]) -> PushGroup | None:
    """The other group whose series carry the same group labels, if there is one."""
    labels = group.key.series_labels()
    return next((one for one in others if one.key.series_labels() == labels), None)


_BEFORE: Final = " was collected before with the same name and label values"


def _series_conflicts(holdings: Sequence[_Holding]) -> Iterator[str]:
    kind = holdings[0].family.metadata.type
    seen: set[Labels] = set()
    told: set[tuple[tuple[str, str], ...]] = set()
    for holding in holdings:
        family = holding.family
        mismatched = family.metadata.type is not kind
        for sample in family.samples:
            identity = tuple(metric_labels(sample).items())
            if identity in told:
                continue
            if mismatched:
                told.add(identity)
                yield f"{_collected(family, sample)} is not a {type_name(kind)}"
            elif sample.labels in seen:
                told.add(identity)
                yield _collected(family, sample) + _BEFORE
            seen.add(sample.labels)


def _name_conflicts(
    changed: PushGroup, touched: Sequence[MetricFamily], others: Sequence[PushGroup]
) -> Iterator[str]:
    """A summary `x` writes `x_sum` and `x_count`, which nobody else may be called then."""
    types: dict[str, MetricType] = {}
    for group in (*others, changed):
        types.update((name, one.family.metadata.type) for name, one in group.families.items())
    for family in touched:
        for suffix in _SUFFIXES.get(family.metadata.type, ()):
            if family.name + suffix in types:
                what = "histogram" if suffix == "_bucket" else "histogram or summary"
                yield (
                    f'collected {what} named "{family.name}" collides with previously collected '
                    f'metric named "{family.name}{suffix}"'
                )
        yield from _suffixed(family.name, types)


def _suffixed(name: str, types: Mapping[str, MetricType]) -> Iterator[str]:
    for suffix in ("_count", "_sum", "_bucket"):
        base = name.removesuffix(suffix)
        kind = types.get(base) if base != name else None
        if kind is not None and suffix in _SUFFIXES.get(kind, ()):
            what = "summary" if kind is MetricType.SUMMARY else "histogram"
            yield (
                f'collected metric named "{name}" collides with previously collected {what} '
                f'named "{base}"'
            )


def type_name(kind: MetricType) -> str:
    return TYPE_NAMES.get(kind, UNTYPED)


def _collected(family: MetricFamily, sample: Sample) -> str:
    """The start of a complaint about one metric; what stands in the braces is for human eyes."""
    pairs = "".join(
        f'label:{{name:"{name}" value:"{value}"}} ' for name, value in metric_labels(sample).items()
    )
    value = f"{type_name(family.metadata.type).lower()}:{{value:{format_number(sample.value)}}}"
    return f'collected metric "{family.name}" {{ {pairs}{value}}}'


def describe_conflicts(problems: Sequence[str]) -> str:
    """The text of the refusal."""
    text = describe_problems(problems)
    return f"pushed metrics are invalid or inconsistent with existing metrics: {text}"


def describe_problems(problems: Sequence[str]) -> str:
    """One as it is, several as a list."""
    if len(problems) == 1:
        return problems[0]
    return "\n* ".join([f"{len(problems)} error(s) occurred:", *problems])
