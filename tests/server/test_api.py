"""The HTTP API: what each endpoint answers, to GET and to POST, and in which words it refuses."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import numpy as np
import orjson
import pytest
import pytest_asyncio

from termprom import limits
from termprom.errors import (
    BackendUnavailable,
    ConfigError,
    CorruptFile,
    EvaluationError,
    QueryTimeout,
    TermpromError,
    TooManySamples,
)
from termprom.model.grid import Grid
from termprom.model.labels import Labels
from termprom.model.notices import Notice, NoticeLevel
from termprom.promql.syntax.parse import Features
from termprom.testing.memory_storage import MemoryStorage
from termprom.views import RuleGroupView
from tests.backend import pictures, results
from tests.server.api import Api, serving


@pytest_asyncio.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(enable_lifecycle=True) as found:
        yield found


# --- Queries ----------------------------------------------------------------------------------


async def test_an_instant_query_by_get_and_by_post(api: Api) -> None:
    wanted = {
        "resultType": "vector",
        "result": [
            {"metric": {"__name__": "up", "job": "<api>"}, "value": [1700000000.5, "1"]},
            {"metric": {"__name__": "up", "job": "web"}, "value": [1700000000.5, "0.1"]},
        ],
    }
    assert await api.data("/api/v1/query", query="up") == wanted
    status, found = await api.post("/api/v1/query", query="up")
    assert (status, found) == (200, {"status": "success", "data": wanted})


@pytest.mark.parametrize(
    ("expr", "result"),
    [
        ("1", {"resultType": "scalar", "result": [1700000000.5, "1"]}),
        ('"a<b"', {"resultType": "string", "result": [1700000000.5, "a<b"]}),
        ("nothing", {"resultType": "vector", "result": []}),
    ],
)
async def test_every_type_of_result(api: Api, expr: str, result: Any) -> None:
    assert await api.data("/api/v1/query", query=expr) == result


async def test_parameters_reach_the_engine(api: Api) -> None:
    await api.data("/api/v1/query", query="up", time="1.5", timeout="5s", lookback_delta="1m")
    await api.data("/api/v1/query", query="up")
    await api.data(
        "/api/v1/query_range", query="rate", start="2015-07-01T20:10:51Z", end=1435781481.9, step=15
    )
    asked = api.sources.query_engine.asked
    assert asked[0] == ("up", Grid.instant(1500), pytest.approx(5.0), 60_000)
    assert asked[1] == ("up", Grid.instant(pictures.NOW_MS), limits.QUERY_TIMEOUT_SECONDS, None)
    assert asked[2][1] == Grid(1435781451000, 1435781481900, 15_000)


async def test_the_body_goes_before_the_url_and_other_bodies_do_not_count(api: Api) -> None:
    path = "/api/v1/query?query=nothing"
    status, found = await api.post(path, query="1")
    assert (status, found["data"]["resultType"]) == (200, "scalar")
    # As vmalert asks.
    headers = {"Content-Type": "application/json"}
    status, found = await api.ask("POST", path, data=b"", headers=headers)
    assert (status, found["data"]["result"]) == (200, [])


_RANGE = {"query": "rate", "start": 0, "end": 60, "step": 15}
_RESOLUTION = (
    "exceeded maximum resolution of 11,000 points per timeseries. "
    "Try decreasing the query resolution (?step=XX)"
)


@pytest.mark.parametrize(
    ("path", "params", "message"),
    [
        ("query", {}, 'invalid parameter "query": 1:1: parse error: no expression found in input'),
        (
            "query",
            {"query": "foo("},
            'invalid parameter "query": 1:1: parse error: unexpected <end of input>',
        ),
        (
            "query",
            {"query": "up", "time": "x"},
            "invalid parameter \"time\": invalid time value for 'time': "
            'cannot parse "x" to a valid timestamp',
        ),
        (
            "query",
            {"query": "up", "timeout": "x"},
            'invalid parameter "timeout": cannot parse "x" to a valid duration',
        ),
        ("query", {"limit": -1}, 'invalid parameter "limit": limit must be non-negative'),
        (
            "query",
            {"limit": "x"},
            'invalid parameter "limit": strconv.Atoi: parsing "x": invalid syntax',
        ),
        (
            "query",
            {"query": "up", "lookback_delta": "x"},
            'error parsing lookback delta duration: cannot parse "x" to a valid duration',
        ),
        (
            "query_range",
            {**_RANGE, "start": ""},
            'invalid parameter "start": cannot parse "" to a valid timestamp',
        ),
        (
            "query_range",
            {**_RANGE, "end": -1},
            'invalid parameter "end": end timestamp must not be before start time',
        ),
        (
            "query_range",
            {**_RANGE, "step": 0},
            'invalid parameter "step": zero or negative query resolution step widths are not '
            "accepted. Try a positive integer",
        ),
        ("query_range", {**_RANGE, "end": 11_001, "step": 1}, _RESOLUTION),
        ("series", {}, "no match[] parameter provided"),
        (
            "series",
            {"match": '{job=~".*"}'},
            'invalid parameter "match[]": match[] must contain at least one non-empty matcher',
        ),
        ("label/%20x%ff/values", {"limit": "-1"}, None),
        ("metadata", {"limit": "x"}, "limit must be a number"),
        ("metadata", {"limit_per_metric": "x"}, "limit_per_metric must be a number"),
        ("rules", {"type": "x"}, 'invalid parameter "type": not supported value "x"'),
        (
            "rules",
            {"group_limit": 0},
            'invalid parameter "group_limit": group_limit needs to be greater than 0',
        ),
        ("status/tsdb", {"limit": 0}, "limit must be a positive number"),
        ("status/tsdb", {"limit": 10_001}, "limit must not exceed 10000"),
    ],
)
async def test_bad_parameters_are_refused_in_upstreams_words(
    api: Api, path: str, params: dict[str, Any], message: str | None
) -> None:
    status, kind, text = await api.error(f"/api/v1/{path}", **params)
    assert (status, kind) == (400, "bad_data")
    if message is not None:
        if path == "series" and "match" in params:
            assert text.startswith('invalid parameter "match[]": ')
        else:
            assert text == message


async def test_eleven_thousand_and_one_points_are_allowed(api: Api) -> None:
    await api.data("/api/v1/query_range", **{**_RANGE, "end": 11_000, "step": 1})


@pytest.mark.parametrize(
    ("problem", "status", "kind"),
    [
        (EvaluationError("multiple matches"), 422, "execution"),
        (TooManySamples("query processing would load too many samples"), 422, "execution"),
        (QueryTimeout("query timed out in x"), 503, "timeout"),
        (CorruptFile("b", 1, "r"), 500, "internal"),
        (BackendUnavailable("TSDB not ready"), 500, "unavailable"),
    ],
)
async def test_each_error_has_upstreams_type_and_status(
    api: Api, problem: TermpromError, status: int, kind: str
) -> None:
    api.sources.query_engine.answers["bad"] = problem
    assert await api.error("/api/v1/query", query="bad") == (status, kind, str(problem))


async def test_a_bug_is_an_internal_error_without_a_traceback(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    api.sources.query_engine.answers["bug"] = ZeroDivisionError("secret")  # type: ignore[assignment]
    answers = api.sources.query_engine.answers
    answers["bug"] = replace(results.vector({}), labels=None)  # type: ignore[arg-type]
    status, kind, text = await api.error("/api/v1/query", query="bug")
    assert (status, kind, text) == (500, "internal", "internal error, see the log")
    assert "a request failed" in caplog.text


async def test_notices_and_stats_travel_along(api: Api) -> None:
    answers = api.sources.query_engine.answers
    notices = (Notice(NoticeLevel.INFO, "PromQL info: i", 0, 1), Notice(NoticeLevel.WARNING, "w"))
    answers["noted"] = replace(results.vector({}), notices=notices)
    status, found = await api.get("/api/v1/query", query="noted", stats="yes")
    assert status == 200
    assert list(found) == ["status", "data", "warnings", "infos"]
    assert found["infos"] == ["PromQL info: i (1:1)"]
    assert found["warnings"][0] == "w"
    assert found["warnings"][1].startswith('value "yes" for parameter "stats" is deprecated')
    assert found["data"]["stats"]["samples"]["peakSamples"] == 0


async def test_a_limit_cuts_and_warns(api: Api) -> None:
    status, found = await api.get("/api/v1/query", query="up", limit=1)
    assert status == 200
    assert len(found["data"]["result"]) == 1
    assert found["warnings"] == ["results truncated due to limit"]


async def test_a_large_answer_leaves_in_pieces_and_is_the_same(api: Api) -> None:
    rng = np.random.default_rng(1)
    rows = {
        Labels.of(n=f"{n:04}"): rng.normal(size=results.GRID.count).tolist() for n in range(5000)
    }
    api.sources.query_engine.answers["large"] = results.matrix(rows)
    found = await api.data("/api/v1/query_range", **{**_RANGE, "query": "large"})
    assert len(found["result"]) == 5000
    assert [float(v) for _, v in found["result"][7]["values"]] == rows[Labels.of(n="0007")]
    headers = {"Accept-Encoding": "identity"}
    url = f"{api.url}/api/v1/query_range?query=large&start=0&end=60&step=15"
    async with api.session.get(url, headers=headers) as response:
        assert response.headers.get("Transfer-Encoding") == "chunked"
        assert orjson.loads(await response.read())["data"] == found


async def test_a_client_that_goes_away_takes_its_query_along(api: Api) -> None:
    engine = api.sources.query_engine
    asking = asyncio.ensure_future(api.get("/api/v1/query", query="endless"))
    assert await asyncio.to_thread(engine.began.wait, 10)
    asking.cancel()
    assert await asyncio.to_thread(engine.cancelled.wait, 10)


# --- Series and labels ------------------------------------------------------------------------


async def test_series_by_several_selectors(api: Api) -> None:
    web = 'up{job="web",instance="a:1"}'
    found = await api.data("/api/v1/series", match=[web, web, "odd"])
    assert found == [
        {"__name__": "odd", "http.status": "<5>"},
        {"__name__": "up", "instance": "a:1", "job": "web"},
    ]
    status, posted = await api.post("/api/v1/series", match=[web, "odd"])
    assert (status, posted["data"]) == (200, found)
    assert await api.data("/api/v1/series", match="nosuch") == []
    assert await api.data("/api/v1/series", match="up", end=1) == []


async def test_label_names_and_values(api: Api) -> None:
    names = ["__name__", "http.status", "instance", "job"]
    assert await api.data("/api/v1/labels") == names
    assert (await api.post("/api/v1/labels"))[1]["data"] == names
    assert await api.data("/api/v1/labels", match="odd") == ["__name__", "http.status"]
    assert await api.data("/api/v1/label/job/values") == ["api", "web"]
    assert await api.data("/api/v1/label/job/values", match='up{job!="web"}') == ["api"]
    assert await api.data("/api/v1/label/nosuch/values") == []
    for segment in ("U__http_2e_status", "http.status"):
        assert await api.data(f"/api/v1/label/{segment}/values") == ["<5>"]
    status, _ = await api.post("/api/v1/label/job/values")
    assert status == 405


async def test_a_cut_list_says_so(api: Api) -> None:
    for path in ("series?match[]=up&limit=1", "labels?limit=1", "label/job/values?limit=1"):
        status, found = await api.get(f"/api/v1/{path}")
        assert (status, len(found["data"])) == (200, 1)
        assert found["warnings"] == ["results truncated due to limit"]
    status, found = await api.get("/api/v1/label/job/values?limit=2")
    assert "warnings" not in found


# --- Metadata, targets, rules -----------------------------------------------------------------


async def test_metadata(api: Api) -> None:
    found = await api.data("/api/v1/metadata")
    assert found["up_total"] == [{"type": "counter", "unit": "s", "help": "<h>"}]
    assert sorted(one["help"] for one in found["x"]) == ["x", "y"]
    assert len((await api.data("/api/v1/metadata", limit_per_metric=1))["x"]) == 1
    assert list(await api.data("/api/v1/metadata", limit=1)) == ["up_total"]
    assert await api.data("/api/v1/metadata", limit=0) == {}
    assert list(await api.data("/api/v1/metadata", metric="x")) == ["x"]
    assert await api.data("/api/v1/metadata", metric="nosuch") == {}


async def test_metadata_of_targets(api: Api) -> None:
    found = await api.data("/api/v1/targets/metadata", match_target='{job="node"}')
    assert [one["metric"] for one in found] == ["up_total", "x"]
    found = await api.data("/api/v1/targets/metadata", metric="x")
    assert [one["target"]["job"] for one in found] == ["node", "web"]
    assert "metric" not in found[0]
    # A target that is begun is told to its end.
    assert len(await api.data("/api/v1/targets/metadata", limit=1)) == 2


async def test_targets(api: Api) -> None:
    found = await api.data("/api/v1/targets")
    assert [one["health"] for one in found["activeTargets"]] == ["up", "down"]
    found = await api.data("/api/v1/targets", state="Active", scrapePool="web")
    assert [one["scrapePool"] for one in found["activeTargets"]] == ["web"]
    assert found["droppedTargetCounts"] is None
    found = await api.data("/api/v1/targets", state="strange")
    assert (found["activeTargets"], found["droppedTargets"]) == ([], [])


async def test_long_lists_leave_in_pieces(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"n<{number:05}>" for number in range(5_001)]
    storage = MemoryStorage()
    for name in names:
        storage.add(Labels.of(__name__="m", x=name), [pictures.NOW_MS], [1.0])
    monkeypatch.setattr(api.sources, "queryable", storage)
    assert await api.data("/api/v1/label/x/values") == names
    assert await api.data("/api/v1/series", match="m") == [
        {"__name__": "m", "x": name} for name in names
    ]
    status, found = await api.get("/api/v1/label/x/values", limit=5_000)
    assert (status, found["data"]) == (200, names[:5_000])
    assert found["warnings"] == ["results truncated due to limit"]
    url = api.url + "/api/v1/series?match[]=m"
    async with api.session.get(url, headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["Transfer-Encoding"] == "chunked"
        assert len((await response.json())["data"]) == 5_001


async def test_exemplars(api: Api) -> None:
    found = await api.data(
        "/api/v1/query_exemplars", query="rate(a[1m]) + b{c='d'}", start=1, end=2.5
    )
    first, second = found[0]["exemplars"]
    assert found[0]["seriesLabels"] == {"__name__": "x_total", "job": "<a>"}
    assert first == {"labels": {"trace_id": "1"}, "value": "6", "timestamp": 1699999999.5}
    assert second["value"] == "0.1"
    ((selectors, start_ms, end_ms),) = api.sources.exemplars_asked
    assert [[str(one) for one in matchers] for matchers in selectors] == [
        ['__name__="a"'],
        ['c="d"', '__name__="b"'],
    ]
    assert (start_ms, end_ms) == (1000, 2500)
    assert (await api.get("/api/v1/query_exemplars", query="1"))[0] == 204
    assert await api.error("/api/v1/query_exemplars", query="a", start=2, end=1) == (
        400,
        "bad_data",
        "end timestamp must not be before start timestamp",
    )


async def test_features_tell_what_is_switched_on() -> None:
    async with serving() as plain:
        off = await plain.data("/api/v1/features")
    async with serving(
        enable_lifecycle=True,
        features=Features(experimental_functions=True),
        feature_names=frozenset({"exemplar-storage"}),
    ) as more:
        on = await more.data("/api/v1/features")
    assert list(off) == sorted(off)
    changed = {
        (category, name)
        for category, names in on.items()
        for name, value in names.items()
        if value != off[category][name]
    }
    assert {("api", "lifecycle"), ("tsdb", "exemplar_storage")} <= changed
    assert ("promql_functions", "mad_over_time") in changed
    assert off["promql_functions"]["rate"] is True


async def test_own_metrics_as_protobuf_would_say_them(api: Api) -> None:
    found = await api.data("/api/v1/status/self_metrics", metric_name_pattern="termprom_.*")
    assert found == [
        {
            "name": "termprom_test",
            "help": "One.",
            "type": "GAUGE",
            "metric": [{"gauge": {"value": 1.0}}],
        }
    ]
    everything = {one["name"]: one for one in await api.data("/api/v1/status/self_metrics")}
    seconds = everything["prometheus_http_request_duration_seconds"]
    assert seconds["type"] == "HISTOGRAM"
    assert seconds["metric"][0]["histogram"]["sampleCount"] == "1"
    _, _, text = await api.error("/api/v1/status/self_metrics", metric_name_pattern="(")
    assert text.startswith("invalid metric_name_pattern: ")


async def test_what_is_switched_on_can_be_parsed_and_formatted() -> None:
    query = "mad_over_time(a[1m])"
    async with serving() as plain:
        assert (await plain.error("/api/v1/format_query", query=query))[0] == 400
    async with serving(features=Features(experimental_functions=True)) as more:
        assert await more.data("/api/v1/format_query", query=query) == query


async def test_rules_and_their_filters(api: Api) -> None:
    found = (await api.data("/api/v1/rules"))["groups"]
    assert [rule["name"] for rule in found[0]["rules"]] == ["Down", "job:up:sum"]
    for params, names in (
        ({"type": "alert"}, ["Down"]),
        ({"type": "record"}, ["job:up:sum"]),
        ({"rule_name[]": ["Down", "x"]}, ["Down"]),
        ({"match": '{severity="page"}'}, ["Down"]),
    ):
        (group,) = (await api.data("/api/v1/rules", **params))["groups"]
        assert [rule["name"] for rule in group["rules"]] == names
    assert await api.data("/api/v1/rules", **{"rule_group[]": "x"}) == {"groups": []}
    assert await api.data("/api/v1/rules", **{"file[]": "/rules.yml"}) == {"groups": found}


async def test_groups_of_rules_come_in_pages(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    (group,) = pictures.RULES
    groups: list[RuleGroupView] = [replace(group, name=name) for name in "cab"]
    monkeypatch.setattr(api.sources, "rule_groups", lambda: groups)
    seen, token = [], ""
    while True:
        params = {"group_limit": 1, **({"group_next_token": token} if token else {})}
        page = await api.data("/api/v1/rules", **params)
        seen += [one["name"] for one in page["groups"]]
        token = page.get("groupNextToken", "")
        if not token:
            break
    assert seen == ["a", "b", "c"]
    status, _, text = await api.error("/api/v1/rules", group_limit=1, group_next_token="x")
    assert (status, "invalid group_next_token 'x'" in text) == (400, True)


async def test_alerts(api: Api) -> None:
    (alert,) = (await api.data("/api/v1/alerts"))["alerts"]
    assert (alert["state"], alert["value"]) == ("firing", "1e+00")
    managers = await api.data("/api/v1/alertmanagers")
    assert managers["activeAlertmanagers"] == [{"url": "http://127.0.0.1:9093/api/v2/alerts"}]


# --- Status -----------------------------------------------------------------------------------


async def test_status(api: Api) -> None:
    build = await api.data("/api/v1/status/buildinfo")
    assert build["version"] == "0.1.0"
    status, version = await api.get("/version")
    assert (status, version) == (200, build)
    assert (await api.data("/api/v1/status/config"))["yaml"] == pictures.STATUS.config_yaml
    assert (await api.data("/api/v1/status/flags"))["config.file"] == "prometheus.yml"
    runtime = await api.data("/api/v1/status/runtimeinfo")
    assert (runtime["hostname"], runtime["reloadConfigSuccess"]) == ("h", False)
    assert (await api.data("/api/v1/status/tsdb"))["headStats"]["numSeries"] == 508
    (block,) = (await api.data("/api/v1/status/tsdb/blocks"))["blocks"]
    assert (block["ulid"], block["stats"]["numSamples"]) == ("01B", 9999)
    assert set(await api.data("/api/v1/status/walreplay")) == {"min", "max", "current"}


# --- Around the API ---------------------------------------------------------------------------


async def test_health_metrics_and_the_page_at_the_root(api: Api) -> None:
    assert await api.get("/-/healthy") == (200, "Prometheus Server is Healthy.\n")
    assert await api.get("/-/ready") == (200, "Prometheus Server is Ready.\n")
    status, text = await api.get("/metrics")
    assert (status, "termprom_test 1.0" in text) == (200, True)
    await api.get("/api/v1/label/job/values")
    _, text = await api.get("/metrics")
    assert (
        'prometheus_http_requests_total{code="200",handler="/api/v1/label/:name/values"} 1.0'
        in text
    )
    status, text = await api.get("/")
    assert (status, "termprom attach" in text) == (200, True)


async def test_unknown_paths_and_methods(api: Api) -> None:
    assert await api.get("/api/v1/nosuch") == (404, "404 page not found\n")
    assert await api.get("/nosuch") == (404, "404 page not found\n")
    url = f"{api.url}/api/v1/query"
    async with api.session.delete(url) as response:
        assert response.status == 405
        assert {"GET", "POST"} <= set(response.headers["Allow"].replace(" ", "").split(","))


async def test_reload_and_quit(api: Api) -> None:
    assert await api.ask("POST", "/-/reload") == (200, "")
    assert api.sources.reloads == 1
    api.sources.reload_error = ConfigError("no such key", "a.yml", 1, 2)
    status, text = await api.ask("PUT", "/-/reload")
    assert (status, text) == (500, "failed to reload config: a.yml:1:2: no such key\n")
    assert await api.get("/-/reload") == (405, "Only POST or PUT requests allowed")
    assert await api.ask("POST", "/-/quit") == (200, "Requesting termination... Goodbye!")
    assert await api.ask("POST", "/-/quit") == (200, "Termination already in progress.")
    assert api.hooks.quits == 1


async def test_without_the_flag_there_is_no_life_cycle() -> None:
    async with serving() as api:
        for path in ("/-/reload", "/-/quit"):
            assert await api.ask("POST", path) == (403, "Lifecycle API is not enabled.")
        assert (api.sources.reloads, api.hooks.quits) == (0, 0)


async def test_nothing_that_needs_the_store_is_answered_before_it_is_open(api: Api) -> None:
    async with serving() as fresh:
        fresh.hooks.is_ready = False
        for path in ("/api/v1/query?query=up", "/federate", "/-/ready", "/api/v1/x/status"):
            async with fresh.session.get(fresh.url + path) as response:
                assert response.status == 503
                assert await response.text() == "Service Unavailable"
                assert response.headers["X-Prometheus-Stopping"] == "false"
        for path in ("/-/healthy", "/metrics", "/api/v1/status/walreplay", "/version"):
            assert (await fresh.get(path))[0] == 200


async def test_cross_origin_requests(api: Api) -> None:
    url = f"{api.url}/api/v1/query?query=1"
    async with api.session.get(url) as response:
        assert "Origin" in response.headers.getall("Vary")
        assert "Access-Control-Allow-Origin" not in response.headers
    async with api.session.options(url, headers={"Origin": "http://a"}) as response:
        assert (response.status, await response.read()) == (204, b"")
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
    async with serving(cors_origin="https?://(a|b)") as strict:
        url = f"{strict.url}/api/v1/query?query=1"
        for origin, allowed in (("http://a", "http://a"), ("http://ax", None)):
            async with strict.session.get(url, headers={"Origin": origin}) as response:
                assert response.headers.get("Access-Control-Allow-Origin") == allowed


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        ("gzip", "gzip"),
        ("br, deflate, gzip", "deflate"),
        ("gzip;q=1", None),
        ("", None),
    ],
)
async def test_answers_are_compressed_where_the_client_likes(
    api: Api, accept: str, encoding: str | None
) -> None:
    rows = {Labels.of(n=str(number)): float(number) for number in range(500)}
    api.sources.query_engine.answers["many"] = results.vector(rows)
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        headers = {"Accept-Encoding": accept}
        url = f"{api.url}/api/v1/query?query=many"
        async with session.get(url, headers=headers) as response:
            body = await response.read()
            assert response.headers.get("Content-Encoding") == encoding
            assert "Accept-Encoding" in response.headers.getall("Vary")
    if encoding:
        body = zlib.decompress(body, 31 if encoding == "gzip" else 15)
    assert len(orjson.loads(body)["data"]["result"]) == 500


async def test_everything_moves_below_a_prefix() -> None:
    async with serving(route_prefix="/a/b/") as api:
        assert (await api.get("/a/b/api/v1/query", query="1"))[0] == 200
        assert (await api.get("/api/v1/query", query="1"))[0] == 404
        async with api.session.get(api.url + "/", allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (302, "/a/b/")


async def test_what_cannot_be_typed_is_refused_and_not_fallen_over(api: Api) -> None:
    for path in (
        "/api/v1/query?query=%ff%fe",
        "/api/v1/label/%ff/values",
        "/api/v1/series?match[]=%00",
        "/api/v1/query?query=up&time=1e400",
        "/api/v1/query?query=up&time=-1e300",
        "/api/v1/query_range?query=up&start=-1e300&end=1e300&step=1e300",
        "/api/v1/query_range?query=rate&start=0&end=1&step=1e-9",
        "/api/v1/query?query=up&limit=99999999999999999999",
        "/api/v1/x/logs?after=x",
    ):
        status, _ = await api.get(path)
        assert status < 500, path
