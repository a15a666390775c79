"""Scrape pools: their names, their configuration without secrets, relabelling step by step."""

from __future__ import annotations

import pytest

from tests.server.api import serving


async def test_names_and_configuration() -> None:
    async with serving() as api:
        assert await api.data("/api/v1/scrape_pools") == {"scrapePools": ["node", "web"]}
        found = await api.data("/api/v1/scrape_pools/config", scrapePool="node")
        assert found["yaml"].startswith("job_name: node\n")
        assert "<secret>" in found["yaml"]
        assert "s3cret" not in found["yaml"]


async def test_relabelling_step_by_step() -> None:
    async with serving() as api:
        labels = '{"__address__":"here:1"}'
        found = await api.data("/api/v1/targets/relabel_steps", scrapePool="web", labels=labels)
        here = {"__address__": "here:1", "host": "here"}
        assert [(one["output"], one["keep"]) for one in found["steps"]] == [
            (here, True),
            (here, True),
            ({**here, "x": "y"}, True),
        ]
        assert found["steps"][0]["rule"] == {
            "source_labels": ["__address__"],
            "separator": ";",
            "regex": "(.*):.*",
            "target_label": "host",
            "replacement": "$1",
            "action": "replace",
        }
        labels = '{"__address__":"gone:1"}'
        found = await api.data("/api/v1/targets/relabel_steps", scrapePool="web", labels=labels)
        assert [one["keep"] for one in found["steps"]] == [True, False, False]
        assert found["steps"][2]["output"] == {}


@pytest.mark.parametrize(
    ("path", "params", "error"),
    [
        ("scrape_pools/config", {}, "no scrapePool parameter provided"),
        (
            "scrape_pools/config",
            {"scrapePool": "x"},
            'error retrieving scrape config: scrape pool "x" not found',
        ),
        ("targets/relabel_steps", {"scrapePool": "web"}, "no labels parameter provided"),
        ("targets/relabel_steps", {"scrapePool": "web", "labels": "{"}, "error parsing labels: "),
        (
            "targets/relabel_steps",
            {"scrapePool": "web", "labels": '{"a":1}'},
            "error parsing labels: ",
        ),
    ],
)
async def test_refusals(path: str, params: dict[str, str], error: str) -> None:
    async with serving() as api:
        status, kind, text = await api.error(f"/api/v1/{path}", **params)
        assert (status, kind) == (400, "bad_data")
        assert text.startswith(error)
