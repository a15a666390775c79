"""Groups of the store that a target and the one that comes back in its place may share."""

from __future__ import annotations

from termprom.model.labels import Labels
from termprom.storage import Group, Storage


class SharedGroups:
    """Counts the holders of each group, for the store wants one at a time."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._held: dict[Labels, tuple[Group, int]] = {}

    def take(self, identity: Labels) -> Group:
        """The group of that identity; `release` it as often as it was taken."""
        group, holders = self._held.get(identity, (None, 0))
        if group is None:
            group = self._storage.group(identity)
        self._held[identity] = (group, holders + 1)
        return group

    def release(self, group: Group) -> None:
        held, holders = self._held.get(group.identity, (None, 0))
        assert held is group, "a group is released by those who took it"
        if holders > 1:
            self._held[group.identity] = (group, holders - 1)
            return
        del self._held[group.identity]
        group.release()
