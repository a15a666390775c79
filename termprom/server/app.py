"""The HTTP server as an aiohttp application: routes, what surrounds them, and the prefix."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from termprom import limits
from termprom.backend.interface import Backend
from termprom.server.admin import AdminHandlers
from termprom.server.context import Administration, Context, Hooks, ServerOptions
from termprom.server.details import DetailHandlers
from termprom.server.features import FeatureHandlers
from termprom.server.federate import FederationHandlers
from termprom.server.http_metrics import HttpMetrics
from termprom.server.lookups import LookupHandlers
from termprom.server.management import ManagementHandlers
from termprom.server.middleware import cors_signal, gated, guarded, in_time, measured
from termprom.server.notifications import NotificationHandlers
from termprom.server.openapi import OpenApiHandlers
from termprom.server.pictures import PictureHandlers
from termprom.server.pools import PoolHandlers
from termprom.server.queries import QueryHandlers
from termprom.server.search import SearchHandlers
from termprom.server.silences import SilenceHandlers
from termprom.server.status import StatusHandlers

__all__ = ["Hooks", "ServerOptions", "create_app"]


def create_app(
    backend: Backend,
    options: ServerOptions,
    hooks: Hooks,
    *,
    admin: Administration | None = None,
    extra_routes: Sequence[web.RouteDef] = (),
) -> web.Application:
    """Everything that this server answers. `extra_routes` come first and under the same prefix;
    without `admin` the admin API is off.

    Raises ValueError for a CORS pattern that RE2 refuses. One application per metrics registry.
    """
    context = Context(backend, options, hooks, admin)
    prefix = "/" + options.route_prefix.strip("/")
    prefix = "" if prefix == "/" else prefix
    app = web.Application(
        middlewares=[
            measured(HttpMetrics(hooks.registry)),
            guarded,
            in_time(options.body_seconds),
            gated(hooks.ready, prefix),
        ],
        client_max_size=limits.FORM_BYTES_MAX,
    )
    routes: list[web.RouteDef] = [
        *extra_routes,
        *QueryHandlers(context).routes(),
        *LookupHandlers(context).routes(),
        *PictureHandlers(context).routes(),
        *PoolHandlers(context).routes(),
        *SearchHandlers(context).routes(),
        *StatusHandlers(context).routes(),
        *FeatureHandlers(context).routes(),
        *OpenApiHandlers(context).routes(),
        *AdminHandlers(context).routes(),
        *DetailHandlers(context).routes(),
        *SilenceHandlers(context).routes(),
        *NotificationHandlers(context).routes(),
        *FederationHandlers(context).routes(),
        *ManagementHandlers(context).routes(),
        web.options("/api/v1/{rest:.*}", _preflight),
    ]
    app.add_routes([_under(prefix, route) for route in routes])
    if prefix:
        app.router.add_get("/", _redirect_to(prefix + "/"), allow_head=False)
    app.on_response_prepare.append(cors_signal(options.cors_origin, prefix))
    return app


def _under(prefix: str, route: web.RouteDef) -> web.RouteDef:
    if not prefix:
        return route
    return web.RouteDef(route.method, prefix + route.path, route.handler, route.kwargs)


async def _preflight(request: web.Request) -> web.Response:
    return web.Response(status=204)


def _redirect_to(path: str):  # type: ignore[no-untyped-def]
    async def handler(request: web.Request) -> web.Response:
        raise web.HTTPFound(path)

    return handler
