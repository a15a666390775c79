from __future__ import annotations

import pytest

from termprom.alerting.endpoints import alerts_path, find_endpoints
from termprom.config.schema import AlertmanagerConfig, TargetGroup
from termprom.model.labels import EMPTY, Labels
from termprom.relabel import RelabelAction, RelabelConfig


@pytest.mark.parametrize(
    ("prefix", "path"),
    [
        ("", "/api/v2/alerts"),
        ("/", "/api/v2/alerts"),
        ("am", "/am/api/v2/alerts"),
        ("/am/", "/am/api/v2/alerts"),
        ("/a//b/../c", "/a/c/api/v2/alerts"),
    ],
)
def test_the_path_is_joined_and_cleaned(prefix: str, path: str) -> None:
    assert alerts_path(prefix) == path


def test_targets_become_urls_once_each() -> None:
    groups = [TargetGroup(("a:1", "b:2", "a:1")), TargetGroup(("b:2",))]
    found = find_endpoints(AlertmanagerConfig(scheme="https", path_prefix="/x"), groups)
    assert found.active == ("https://a:1/x/api/v2/alerts", "https://b:2/x/api/v2/alerts")


def test_relabelling_moves_and_drops() -> None:
    rules = (
        RelabelConfig(source_labels=("dc",), regex="far", action=RelabelAction.DROP),
        RelabelConfig(
            source_labels=("tls",), regex="yes", target_label="__scheme__", replacement="https"
        ),
    )
    groups = [
        TargetGroup(("far:1",), Labels.of(dc="far")),
        TargetGroup(("near:1",), Labels.of(tls="yes")),
    ]
    found = find_endpoints(AlertmanagerConfig(relabel_configs=rules), groups)
    assert found.active == ("https://near:1/api/v2/alerts",)
    assert found.dropped == ("http://far:1/api/v2/alerts",)


def test_a_target_that_is_no_address_takes_its_group_and_no_other() -> None:
    groups = [TargetGroup(("ok:1", "http://bad"), EMPTY), TargetGroup(("fine:1",), EMPTY)]
    found = find_endpoints(AlertmanagerConfig(), groups)
    assert found.active == ("http://fine:1/api/v2/alerts",)
    assert found.problems == ('"http://bad" is not a valid hostname',)
