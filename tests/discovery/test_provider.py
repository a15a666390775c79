"""Groups are merged by source."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from termprom.config.schema import FileSDConfig, TargetGroup
from termprom.discovery.interface import Emit
from termprom.discovery.provider import Provider


class Silent:
    async def run(self, emit: Emit) -> None:
        """Nothing is ever found."""


def group(source: str, *targets: str) -> TargetGroup:
    return TargetGroup(targets, source=source)


@pytest.mark.parametrize(
    ("update", "changed", "left"),
    [
        ([group("b", "b:1")], False, ["a:1", "b:1"]),
        ([group("b", "b:2")], True, ["a:1", "b:2"]),
        ([group("a")], True, ["b:1"]),
        ([group("never seen")], False, ["a:1", "b:1"]),
        ([], False, ["a:1", "b:1"]),
        ([group("c", "c:1"), group("a")], True, ["b:1", "c:1"]),
    ],
)
def test_an_update_touches_only_the_sources_it_names(
    update: Sequence[TargetGroup], changed: bool, left: Sequence[str]
) -> None:
    provider = Provider(FileSDConfig(("x.json",)), Silent())
    provider.merge([group("a", "a:1"), group("b", "b:1")])

    assert provider.merge(update) is changed
    assert [one for found in provider.groups() for one in found.targets] == left
