"""Sections of discovery mechanisms: defaults, rules with their places, what is printed."""

from __future__ import annotations

import pytest
import yaml

from termprom.config.load import load_config_text
from termprom.config.schema import MechanismConfig
from termprom.config.sd_kinds import KINDS
from termprom.errors import ConfigError


def _text(kind: str, **fields: object) -> str:
    job = {"job_name": "j", f"{kind}_sd_configs": [fields]}
    return yaml.safe_dump({"scrape_configs": [job]}, sort_keys=False)


def _mechanism(kind: str, **fields: object) -> MechanismConfig:
    job = load_config_text(_text(kind, **fields)).scrape_configs[0]
    (found,) = job.sd_configs
    assert isinstance(found, MechanismConfig)
    return found


def test_every_mechanism_of_the_original_is_known() -> None:
    words = (
        "aws azure consul digitalocean dns docker dockerswarm ec2 ecs elasticache eureka gce "
        "hetzner ionos kubernetes kuma lightsail linode marathon msk nerve nomad oci openstack "
        "outscale ovhcloud puppetdb rds scaleway serverset stackit triton uyuni vultr"
    )
    assert set(words.split()) <= set(KINDS)


def test_what_is_not_written_has_its_default() -> None:
    consul = _mechanism("consul", tags=["a"])
    assert consul.values["server"] == "localhost:8500"
    assert consul.values["tags"] == ("a",)
    assert consul.values["allow_stale"] is True
    assert consul.values["refresh_interval"] == 30_000
    assert consul.http is not None
    assert consul.http.follow_redirects
    assert _mechanism("dns", names=["a"]).http is None


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        ("dns", {}, "DNS-SD config must contain at least one SRV record name"),
        ("dns", {"names": ["a"], "type": "TXT"}, "invalid DNS-SD records type TXT"),
        ("dns", {"names": ["a"], "type": "a"}, "a port is required in DNS-SD configs"),
        ("consul", {"server": " "}, "consul SD configuration requires a server address"),
        (
            "consul",
            {"username": "u", "basic_auth": {"username": "v"}},
            "at most one of consul SD configuration username and password and basic auth",
        ),
        ("docker", {}, "host missing"),
        ("docker", {"host": "x"}, "unable to parse docker host `x`"),
        ("dockerswarm", {"host": "tcp://h:1"}, "role missing (one of: tasks, services, nodes)"),
        (
            "dockerswarm",
            {"host": "tcp://h:1", "role": "x"},
            "invalid role x, expected tasks, services, or nodes",
        ),
        ("kubernetes", {}, "role missing (one of: pod, service"),
        ("kubernetes", {"role": "x"}, 'unknown Kubernetes SD role "x"'),
        (
            "kubernetes",
            {"role": "pod", "bearer_token": "x"},
            "please provide the 'api_server' URL explicitly",
        ),
        (
            "kubernetes",
            {"role": "pod", "selectors": [{"role": "pod", "field": "metadata.status-Running"}]},
            "invalid selector: 'metadata.status-Running'; can't understand",
        ),
        ("nerve", {"servers": ["z"], "paths": ["x"]}, "nerve SD config paths must begin with '/'"),
        ("kuma", {"server": "x"}, "kuma SD server must not be empty and have a scheme: x"),
        ("gce", {"project": "p"}, "GCE SD configuration requires a zone"),
        ("aws", {"region": "x"}, 'unknown AWS SD role ""'),
        ("hetzner", {"role": "x"}, 'unknown role "x"'),
        ("uyuni", {"server": "s"}, "Uyuni SD configuration requires a username"),
        ("ec2", {"refresh_interval": "0s"}, "refresh_interval must be greater than 0"),
    ],
)
def test_rules_are_told_in_the_original_s_words_with_a_place(
    kind: str, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config_text(_text(kind, **fields), path="p.yml")
    assert message in caught.value.message
    assert caught.value.line >= 3


def test_a_nested_unknown_field_is_found_where_it_stands() -> None:
    text = (
        "scrape_configs:\n- job_name: j\n  kubernetes_sd_configs:\n  - role: pod\n"
        "    namespaces: {foo: bar}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_config_text(text, path="p.yml")
    place = (caught.value.line, caught.value.column)
    assert place == (5, 18)
    assert caught.value.message == "field foo not found in type kubernetes.plain"


def test_secrets_are_masked_and_durations_are_words_in_the_dump() -> None:
    config = load_config_text(
        _text("consul", token="hush", refresh_interval="90s", allow_stale=False)
    )
    assert "hush" not in config.yaml
    (section,) = yaml.safe_load(config.yaml)["scrape_configs"][0]["consul_sd_configs"]
    assert section == {
        "server": "localhost:8500",
        "token": "<secret>",
        "tag_separator": ",",
        "scheme": "http",
        "allow_stale": False,
        "refresh_interval": "1m30s",
        "follow_redirects": True,
        "enable_http2": True,
    }


def test_features_move_defaults() -> None:
    text = "scrape_configs:\n- job_name: a\n"
    plain = load_config_text(text)
    assert not plain.scrape_configs[0].extra_scrape_metrics
    assert plain.scrape_configs[0].scrape_protocols[0] == "OpenMetricsText1.0.0"
    assert "scrape_protocols" not in plain.yaml.partition("scrape_configs:")[0]
    moved = load_config_text(text, features={"extra-scrape-metrics", "st-storage"})
    assert moved.scrape_configs[0].extra_scrape_metrics
    assert moved.scrape_configs[0].scrape_protocols[0] == "PrometheusProto"
    assert "- PrometheusProto" in moved.yaml.partition("scrape_configs:")[0]
    written = "global: {extra_scrape_metrics: false, scrape_protocols: [PrometheusText0.0.4]}\n"
    kept = load_config_text(written + text, features={"extra-scrape-metrics", "st-storage"})
    assert not kept.scrape_configs[0].extra_scrape_metrics
    assert kept.scrape_configs[0].scrape_protocols == ("PrometheusText0.0.4",)


def test_options_without_effect_are_named_once() -> None:
    text = (
        "scrape_configs:\n- job_name: a\n- job_name: b\n"
        "  oauth2: {client_id: x, token_url: 'http://t', client_certificate_key: k,\n"
        "    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer'}\n"
    )
    assert [warning.split(":")[0] for warning in load_config_text(text).warnings] == [
        "oauth2 grant_type urn",
    ]


def test_a_name_that_is_not_text_is_refused() -> None:
    with pytest.raises(ConfigError, match='"\\\\xff" is not a valid label name'):
        load_config_text('global:\n  external_labels:\n    !!binary "/w==": value\n')
