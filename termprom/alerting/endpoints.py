"""From discovered targets to the URLs that alerts are posted to: pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from termprom.config.schema import AlertmanagerConfig, TargetGroup
from termprom.relabel import relabel

ADDRESS: Final = "__address__"
SCHEME: Final = "__scheme__"
ALERTS_PATH: Final = "__alerts_path__"
_API_PATH: Final = "api/v2/alerts"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """URLs that get alerts and those that relabelling dropped, each without repeats and in the
    order of discovery; `problems` names groups that were left out.
    """

    active: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def alerts_path(prefix: str) -> str:
    """`prefix` and the path of the API, joined and cleaned."""
    joined = "/".join(part for part in ("", prefix.strip("/"), _API_PATH))
    return posixpath.normpath(joined.replace("//", "/"))


def find_endpoints(config: AlertmanagerConfig, groups: Iterable[TargetGroup]) -> Endpoints:
    """The endpoints of one block. A target that cannot be one takes its whole group with it."""
    active: dict[str, None] = {}
    dropped: dict[str, None] = {}
    problems: list[str] = []
    for group in groups:
        kept: list[str] = []
        for target in group.targets:
            url = _endpoint(config, group, target, dropped)
            if url is None:
                continue
            if not _is_address(url):
                problems.append(f'"{target}" is not a valid hostname')
                break
            kept.append("".join(url))
        else:
            active.update(dict.fromkeys(kept))
    return Endpoints(tuple(active), tuple(dropped), tuple(problems))


def _endpoint(
    config: AlertmanagerConfig, group: TargetGroup, target: str, dropped: dict[str, None]
) -> tuple[str, str, str] | None:
    """Scheme with its slashes, address and path; None (and noted) where relabelling dropped it."""
    own = {ADDRESS: target, SCHEME: config.scheme, ALERTS_PATH: alerts_path(config.path_prefix)}
    outcome = relabel({**dict(group.labels), **own}, config.relabel_configs)
    if outcome.dropped:
        dropped[f"{own[SCHEME]}://{target}{own[ALERTS_PATH]}"] = None
        return None
    get = outcome.labels.get
    return f"{get(SCHEME)}://", get(ADDRESS), get(ALERTS_PATH)


def _is_address(url: tuple[str, str, str]) -> bool:
    return bool(url[1]) and "/" not in url[1]
