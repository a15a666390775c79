"""Mistakes in a configuration: each once, all together, in the order of the file."""

from __future__ import annotations

import pytest

from termprom.config.load import load_config_text
from termprom.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("global: {}\noops: 1\n", ["p.yml:2:1: field oops not found in type config.plain"]),
        (
            "scrape_configs:\n- job_name: a\n  foo: 1\n  bar: 2\n",
            [
                "p.yml:3:3: field foo not found in type config.ScrapeConfig",
                "p.yml:4:3: field bar not found in type config.ScrapeConfig",
            ],
        ),
        (
            "oops: 1\nscrape_configs:\n- scrape_interval: x5\n",
            [
                "p.yml:1:1: field oops not found in type config.plain",
                "p.yml:3:3: job_name is empty",
                'p.yml:3:20: not a valid duration string: "x5"',
            ],
        ),
    ],
)
def test_every_mistake_is_said_once(text: str, lines: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config_text(text, path="p.yml")
    assert str(caught.value).split("\n") == lines
