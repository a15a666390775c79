"""Label sets: the identity of a series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

METRIC_NAME: Final = "__name__"

_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def is_legacy_label_name(name: str) -> bool:
    """Whether `name` can be written without quotes: [a-zA-Z_][a-zA-Z0-9_]*."""
    return name.isascii() and name.isidentifier()


def quote(value: str) -> str:
    """`value` in double quotes, escaped as the text formats do."""
    return f'"{value.translate(_ESCAPES)}"'


class Labels(tuple[tuple[str, str], ...]):
    """Sorted (name, value) pairs with unique names and no empty values.

    A tuple, so that equality, hashing and ordering run at C speed and agree with the original's
    (by name, then value, then length; Unicode code points order as their UTF-8 bytes do).
    Build it with `of` or `from_pairs`; calling the class itself trusts the pairs as they are.
    """

    __slots__ = ()

    @classmethod
    def of(cls, mapping: Mapping[str, str] | None = None, /, **names: str) -> Labels:
        """Labels from a mapping and keyword arguments; empty values mean "no such label"."""
        merged = {**(mapping or {}), **names}
        return cls(sorted((n, v) for n, v in merged.items() if v))

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[str, str]]) -> Labels:
        """Labels from pairs in any order; the last of two equal names wins."""
        return cls.of(dict(pairs))

    def get(self, name: str, default: str = "") -> str:
        """The value of `name`; a missing label reads as the empty string."""
        for key, value in self:
            if key == name:
                return value
        return default

    @property
    def metric(self) -> str:
        """The metric name, empty when there is none."""
        return self.get(METRIC_NAME)

    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self)

    def as_dict(self) -> dict[str, str]:
        return dict(self)

    def merge(self, changes: Mapping[str, str]) -> Labels:
        """These labels with `changes` applied; an empty value removes the label."""
        return Labels.of({**dict(self), **changes})

    def without(self, *names: str) -> Labels:
        """These labels less `names`; the order stays sorted, so nothing is sorted again."""
        return Labels(pair for pair in self if pair[0] not in names)

    def only(self, *names: str) -> Labels:
        return Labels(pair for pair in self if pair[0] in names)

    def without_metric(self) -> Labels:
        return self.without(METRIC_NAME)

    def __str__(self) -> str:
        """As the original prints a series: `up{job="a"}`, `{a="b"}`, `{}`."""
        metric = self.metric
        # A name outside the legacy character set cannot stand in front of the braces.
        bare = metric if is_legacy_label_name(metric.replace(":", "_")) else ""
        rest = [] if bare or not metric else [quote(metric)]
        rest += [
            f"{name if is_legacy_label_name(name) else quote(name)}={quote(value)}"
            for name, value in self
            if name != METRIC_NAME
        ]
        inside = "{" + ", ".join(rest) + "}"
        return (bare + inside if rest else bare) if bare else inside

    def __repr__(self) -> str:
        return f"Labels({self})"


EMPTY: Final = Labels()
