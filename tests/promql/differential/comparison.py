"""Whether two answers of the HTTP API say the same."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

Json = Any


def differences(ours: Json, theirs: Json, *, ordered: bool, tolerance: float) -> list[str]:
    """What is not equal, in words; numbers are equal to within `tolerance` of their size.

    `ordered` also compares the order of a vector's elements.
    """
    return list(_Comparison(tolerance).differences(ours, theirs, ordered=ordered))


def _key(element: Json) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(element["metric"].items()))


class _Comparison:
    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance

    def differences(self, ours: Json, theirs: Json, *, ordered: bool) -> Iterator[str]:
        for key in ("status", "errorType", "error"):
            if ours.get(key) != theirs.get(key):
                yield f"{key}: ours {ours.get(key)!r}, theirs {theirs.get(key)!r}"
        for key in ("warnings", "infos"):
            said, told = sorted(ours.get(key, ())), sorted(theirs.get(key, ()))
            if said != told:
                yield f"{key}: ours {said}, theirs {told}"
        if ours["status"] != "success" or theirs["status"] != "success":
            return
        if ours["data"]["resultType"] != theirs["data"]["resultType"]:
            yield f"type: ours {ours['data']['resultType']}, theirs {theirs['data']['resultType']}"
            return
        mine, other = ours["data"]["result"], theirs["data"]["result"]
        if ours["data"]["resultType"] in ("scalar", "string"):
            if not self._same_point(mine, other):
                yield f"value: ours {mine}, theirs {other}"
            return
        by_labels = {_key(one): one for one in mine}
        expected = {_key(one): one for one in other}
        for labels in sorted({*by_labels, *expected}):
            if labels not in expected:
                yield f"only ours: {by_labels[labels]}"
            elif labels not in by_labels:
                yield f"only theirs: {expected[labels]}"
            else:
                yield from self._elements(by_labels[labels], expected[labels])
        if ordered and list(by_labels) != list(expected):
            yield f"order: ours {list(by_labels)}, theirs {list(expected)}"

    def _elements(self, ours: Mapping[str, Json], theirs: Mapping[str, Json]) -> Iterator[str]:
        for key in ("value", "histogram"):
            mine, other = ours.get(key), theirs.get(key)
            if (mine is None) != (other is None) or (
                mine is not None and not self._same_point(mine, other)
            ):
                yield f"{theirs['metric']}: ours {mine}, theirs {other}"
        for key in ("values", "histograms"):
            points, expected = dict(ours.get(key, ())), dict(theirs.get(key, ()))
            for time in sorted({*points, *expected}):
                mine, other = points.get(time), expected.get(time)
                if not self._same(mine, other):
                    yield f"{theirs['metric']} at {time}: ours {mine}, theirs {other}"

    def _same_point(self, ours: Json, theirs: Json) -> bool:
        return bool(ours[0] == theirs[0]) and self._same(ours[1], theirs[1])

    def _same(self, ours: Json, theirs: Json) -> bool:
        if isinstance(ours, str) and isinstance(theirs, str):
            return ours == theirs or self._close(ours, theirs)
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            return ours.keys() == theirs.keys() and all(
                self._same(ours[k], theirs[k]) for k in ours
            )
        if isinstance(ours, list) and isinstance(theirs, list):
            return len(ours) == len(theirs) and all(map(self._same, ours, theirs))
        return bool(ours == theirs)

    def _close(self, ours: str, theirs: str) -> bool:
        try:
            mine, other = float(ours), float(theirs)
        except ValueError:
            return False
        if math.isnan(mine) or math.isnan(other):
            return math.isnan(mine) and math.isnan(other)
        return mine == other or math.isclose(mine, other, rel_tol=self._tolerance)
