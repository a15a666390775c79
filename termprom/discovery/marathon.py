"""marathon_sd_configs: the tasks of Marathon's apps, one target per port."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from termprom.discovery.labelled import Found, host_port, prefixed, under
from termprom.discovery.polled import PolledDiscovery, at, items
from termprom.discovery.secret_files import revealed

_PREFIX: Final = "__meta_marathon_"


class MarathonDiscovery(PolledDiscovery):
    source = "marathon"

    async def find(self) -> list[Found]:
        server = random.choice(self.values["servers"]).rstrip("/")
        headers = {"Accept": "application/json"}
        token = await revealed(self.values["auth_token"], self.values["auth_token_file"])
        if token:
            headers["Authorization"] = f"token={token}"
        content = await self.client.json(f"{server}/v2/apps/?embed=apps.tasks", headers)
        return [target for app in items(content["apps"]) for target in app_targets(app)]


def app_targets(app: Mapping[str, Any]) -> Iterator[Found]:
    """One target per task and port. Where a port is not known to the app, it is the task's."""
    in_container_net = at(*_first(app.get("networks")), "mode") == "container"
    ports, port_labels = _ports(app, in_container_net)
    shared = {
        **under(_PREFIX, {"app": app["id"], "image": at(app, "container", "docker", "image")}),
        **prefixed(f"{_PREFIX}app_label_", app.get("labels")),
    }
    for task in items(app.get("tasks")):
        own = task.get("ports") or ()
        ports = ports or list(own)
        host = at(*_first(task.get("ipAddresses")), "ipAddress") if in_container_net else ""
        for number, port in enumerate(ports):
            # Zero: chosen when the task was started.
            port = own[number] if not port and len(own) == len(ports) else port
            labels = {
                **shared,
                f"{_PREFIX}task": task["id"],
                f"{_PREFIX}port_index": str(number),
                **(port_labels[number] if port_labels else {}),
            }
            yield Found(host_port(host or task["host"], port), labels)


def _first(found: Sequence[Any] | None) -> tuple[Any]:
    return (found[0],) if found else ({},)


def _ports(
    app: Mapping[str, Any], in_container_net: bool
) -> tuple[list[int], list[dict[str, str]]]:
    """The ports that the app declares, and the labels of each."""
    container = app.get("container") or {}
    mappings = container.get("portMappings") or at(container, "docker", "portMappings")
    if mappings:
        field, prefix, declared = "hostPort", "port_mapping_label_", mappings
        if in_container_net:
            field = "containerPort"
    else:
        declared = app.get("portDefinitions") or ()
        field, prefix = ("port" if app.get("requirePorts") else ""), "port_definition_label_"
    return (
        [one.get(field) or 0 for one in declared],
        [prefixed(_PREFIX + prefix, one.get("labels")) for one in declared],
    )
