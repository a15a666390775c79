"""Targets with labels of their own, in groups that hold plain addresses only: one per target."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from termprom.config.schema import TargetGroup
from termprom.discovery.refresh import refuse_too_many
from termprom.model.labels import Labels

_UNFIT: Final = re.compile(r"[^a-zA-Z0-9_]")
_NONE: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Found:
    """One target: its address, and the labels that only it has."""

    address: str
    labels: Mapping[str, str] = field(default_factory=dict)


class Numbered:
    """Groups of one target under the sources `<source>:<number>`.

    Remembers how many each source had, so that those now gone can be told to be gone.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    @property
    def sources(self) -> list[str]:
        """The sources that have targets now."""
        return list(self._counts)

    def groups(
        self, source: str, found: Iterable[Found], shared: Mapping[str, str] = _NONE
    ) -> list[TargetGroup]:
        """`found` with the `shared` labels below their own, and an empty group for each number
        that `source` used the last time and does not use now.

        Raises DiscoveryError where there are too many targets; what was before stays then.
        """
        groups = [
            TargetGroup(
                (target.address,), Labels.of({**shared, **target.labels}), f"{source}:{number}"
            )
            for number, target in enumerate(found)
        ]
        count = len(groups)
        refuse_too_many(count)
        groups += [
            TargetGroup(source=f"{source}:{number}")
            for number in range(count, self._counts.pop(source, 0))
        ]
        if count:
            self._counts[source] = count
        return groups

    def all_gone(self) -> list[TargetGroup]:
        """Empty groups for everything that is known."""
        return [group for source in self.sources for group in self.groups(source, ())]


def sanitized(name: str) -> str:
    """What a foreign name looks like inside of a label name."""
    return _UNFIT.sub("_", name)


def prefixed(prefix: str, values: Mapping[str, object] | None) -> dict[str, str]:
    """A foreign mapping as labels; null is an empty one."""
    return {prefix + sanitized(name): str(value) for name, value in (values or {}).items()}


def under(prefix: str, values: Mapping[str, object]) -> dict[str, str]:
    """Labels with `prefix` before their names; a value that is null or empty gives none."""
    shown = ((name, as_text(value)) for name, value in values.items())
    return {prefix + name: text for name, text in shown if text}


def as_text(value: object) -> str:
    """A value of a JSON document as a label shows it."""
    match value:
        case None:
            return ""
        case bool():
            return truth(value)
        case _:
            return str(value)


def tags(
    prefix: str, pairs: Iterable[Mapping[str, Any]] | None, key: str = "key", value: str = "value"
) -> dict[str, str]:
    """A foreign list of names and values as labels; null is an empty one."""
    return {prefix + sanitized(str(one[key])): as_text(one.get(value)) for one in pairs or ()}


def present(prefix: str, values: Mapping[str, object] | None) -> dict[str, str]:
    """A foreign mapping as `label_` and `labelpresent_` labels: a label may well be empty."""
    return {
        **prefixed(f"{prefix}label_", values),
        **prefixed(f"{prefix}labelpresent_", dict.fromkeys(values or (), "true")),
    }


def wrapped(items: Iterable[str], separator: str = ",") -> str:
    """`,a,b,`: every item stands between two separators, so that a pattern can ask for it; `,,`
    where there are none.
    """
    return separator + separator.join(items) + separator


def listed(items: Iterable[str] | None, separator: str = ",") -> str:
    """As `wrapped`, but nothing at all where there are no items."""
    found = list(items or ())
    return wrapped(found, separator) if found else ""


def host_port(host: str, port: int | str) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def truth(value: object) -> str:
    return "true" if value else "false"
