"""Getting to know a remote end: what it is, and which features it lacks."""

from __future__ import annotations

from termprom.backend.interface import Feature
from termprom.backend.remote_http import Form, RemoteClient
from termprom.backend.wire_text import Json
from termprom.backend.wire_views import EXTRA_PREFIX
from termprom.errors import BackendUnavailable, NotOffered, TermpromError


async def look_around(client: RemoteClient) -> tuple[bool, set[Feature]]:
    """Whether it is a termprom, and what it lacks. Raises BackendUnavailable."""
    missing: set[Feature] = set()
    build = await _probe(client, "/api/v1/status/buildinfo")
    if build is None and await _probe(client, "/api/v1/query", [("query", "1")]) is None:
        raise BackendUnavailable(f"{client.url} does not speak the Prometheus API")
    is_termprom = await _probe(client, EXTRA_PREFIX + "status") is not None
    if not is_termprom:
        missing |= {Feature.LOGS, Feature.PUSH_GROUPS, Feature.SILENCES}
        # A pool that hardly exists keeps the answer small.
        nobody = [("state", "active"), ("scrapePool", "-")]
        if await _probe(client, "/api/v1/targets", nobody) is None:
            missing.add(Feature.TARGETS)
        if await _probe(client, "/api/v1/alerts") is None:
            missing.add(Feature.RULES)
    flags = await _probe(client, "/api/v1/status/flags")
    if not isinstance(flags, dict) or flags.get("web.enable-lifecycle") != "true":
        missing.add(Feature.RELOAD)
    return is_termprom, missing


async def _probe(client: RemoteClient, path: str, form: Form = ()) -> Json:
    """The `data` of an answer; None where the end has no such thing or fails at it."""
    try:
        return await client.ask(path, form, lambda envelope: envelope.data)
    except NotOffered:
        return None
    except BackendUnavailable:
        raise
    except TermpromError:
        return None
