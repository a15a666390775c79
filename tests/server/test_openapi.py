"""The OpenAPI document names what there is, and only that."""

from __future__ import annotations

import orjson
import yaml
from aiohttp import web
from prometheus_client import CollectorRegistry

from termprom.backend.local import LocalBackend
from termprom.remote.responder import ReadResponder
from termprom.server.app import ServerOptions, create_app
from termprom.server.door_metrics import DoorMetrics
from termprom.server.openapi import document
from termprom.server.remote_read import read_routes
from termprom.server.remote_write import write_routes
from termprom.testing.memory_storage import MemoryStorage
from tests.backend.sources import PreparedSources
from tests.server.api import PreparedHooks, serving

API = "/api/v1"


def _routes() -> set[tuple[str, str]]:
    """Every method and path below the API, but what one termprom tells another."""
    sources, metrics = PreparedSources(), DoorMetrics(CollectorRegistry())
    reads = read_routes(
        ReadResponder(MemoryStorage()),
        ServerOptions().external_labels,
        concurrency_max=1,
        metrics=metrics,
    )
    app = create_app(
        LocalBackend(sources),
        ServerOptions(),
        PreparedHooks(sources),
        extra_routes=[*write_routes(None, metrics), *reads],
    )
    found = set()
    for route in app.router.routes():
        assert isinstance(route.resource, web.Resource)
        path = route.resource.canonical
        if path.startswith(API) and not path.startswith(f"{API}/x/") and route.method != "OPTIONS":
            found.add((route.method.lower(), path.removeprefix(API)))
    sources.executor.shutdown()
    return found


def test_it_names_every_endpoint_and_no_other() -> None:
    told = document("3.1.0", API)["paths"]
    assert {(method, path) for path, methods in told.items() for method in methods} == _routes()


async def test_it_is_yaml_and_json() -> None:
    async with serving(route_prefix="/prom") as api:
        for asked, version in (("", "3.1.0"), ("3.1", "3.1.0"), ("3.2", "3.2.0")):
            url = f"{api.url}/prom/api/v1/openapi.yaml?openapi_version={asked}"
            async with api.session.get(url) as response:
                body = await response.read()
                assert response.headers["Content-Type"] == "application/yaml; charset=utf-8"
            assert yaml.safe_load(body) == orjson.loads(body)
            assert orjson.loads(body)["openapi"] == version
            assert orjson.loads(body)["servers"] == [{"url": "/prom/api/v1"}]
        status, _, error = await api.error("/prom/api/v1/openapi.yaml", openapi_version="2")
        assert (status, "unsupported OpenAPI version" in error) == (400, True)
