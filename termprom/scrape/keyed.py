"""The shape of a page whose samples are known by keys: a protobuf body, or a text body some of
whose lines became something else.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Protocol

import numpy as np

from termprom.exposition.entries import LabelPairs
from termprom.model.metadata import Metadata
from termprom.model.values import Ints


class PageLayout(Protocol):
    """What samples a page has, in order: everything but their values."""

    @property
    def count(self) -> int:
        """K: how many samples there are."""
        ...

    def series_keys(self) -> Sequence[Hashable]:
        """For each sample what tells its series from the others of this target."""
        ...

    def pairs(self) -> Sequence[LabelPairs]:
        """For each sample its labels as exposed."""
        ...

    def families(self) -> Mapping[str, Metadata]:
        """What the page says of its metric families, by their names."""
        ...


class KeyedLayout:
    """A layout that is its keys. Two pages with the same keys share one."""

    __slots__ = ("_families", "_keys", "_pairs", "_places")

    def __init__(
        self,
        keys: Sequence[Hashable],
        pairs: Sequence[LabelPairs],
        families: Callable[[], Mapping[str, Metadata]],
    ) -> None:
        self._keys = tuple(keys)
        self._pairs = tuple(pairs)
        self._families = families
        self._places: dict[Hashable, int] | None = None

    def __repr__(self) -> str:
        return f"KeyedLayout({self.count} samples)"

    @property
    def count(self) -> int:
        return len(self._keys)

    def series_keys(self) -> Sequence[Hashable]:
        return self._keys

    def pairs(self) -> Sequence[LabelPairs]:
        return self._pairs

    def families(self) -> Mapping[str, Metadata]:
        return self._families()

    def places(self) -> Mapping[Hashable, int]:
        """Each key's number; of a series that is exposed twice the first line counts."""
        if self._places is None:
            self._places = {key: number for number, key in reversed(list(enumerate(self._keys)))}
        return self._places

    def has(self, keys: Sequence[Hashable]) -> bool:
        """Whether a page with these keys has this layout."""
        return len(keys) == len(self._keys) and tuple(keys) == self._keys


def kept_lines(before: KeyedLayout, keys: Sequence[Hashable]) -> Ints:
    """For each key its number in `before`, -1 where it is new. Shapes: -> (K,)."""
    places = before.places()
    return np.array([places.get(key, -1) for key in keys], dtype=np.int64)
