"""Which ports of a Marathon app are targets, in each of the ways to declare them."""

from __future__ import annotations

from typing import Any

import pytest

from termprom.discovery.marathon import app_targets

_TASK = {
    "id": "t",
    "host": "h",
    "ports": [31000, 31001],
    "ipAddresses": [{"ipAddress": "10.0.0.1"}],
}
_MAPPINGS = [{"hostPort": 0, "containerPort": 80, "labels": {"a-b": "c"}}, {"hostPort": 9000}]


@pytest.mark.parametrize(
    ("app", "addresses"),
    [
        ({"container": {"portMappings": _MAPPINGS}}, ["h:31000", "h:9000"]),
        ({"container": {"docker": {"portMappings": _MAPPINGS}}}, ["h:31000", "h:9000"]),
        (
            {"container": {"portMappings": _MAPPINGS[:1]}, "networks": [{"mode": "container"}]},
            ["10.0.0.1:80"],
        ),
        (
            {"portDefinitions": [{"port": 7000}, {"port": 7001}], "requirePorts": True},
            ["h:7000", "h:7001"],
        ),
        ({"portDefinitions": [{"port": 7000}, {"port": 7001}]}, ["h:31000", "h:31001"]),
        ({}, ["h:31000", "h:31001"]),
        ({"tasks": []}, []),
        ({"tasks": [{"id": "t", "host": "h"}]}, []),
        # As many ports as the task has, or none of its own is known.
        ({"portDefinitions": [{"port": 0}]}, ["h:0"]),
    ],
)
def test_the_ports_are_the_app_s_or_the_task_s(app: dict[str, Any], addresses: list[str]) -> None:
    found = app_targets({"id": "/a", "tasks": [_TASK], **app})
    assert [target.address for target in found] == addresses


def test_labels_of_a_port_s_definition() -> None:
    app = {
        "id": "/a",
        "tasks": [_TASK],
        "portDefinitions": [{"port": 1, "labels": {"my-label": "v"}}, {"port": 2}],
    }
    first, second = app_targets(app)
    assert first.labels["__meta_marathon_port_definition_label_my_label"] == "v"
    assert second.labels == {
        "__meta_marathon_app": "/a",
        "__meta_marathon_task": "t",
        "__meta_marathon_port_index": "1",
    }
