"""Each endpoint's answer, field by field, as a real Prometheus gives it for the same data.

What may differ is named in VOLATILE and TOLERATED, each with its reason.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.differential.side_by_side import Pair, side_by_side

pytestmark = [pytest.mark.peer, pytest.mark.slow]

API = "/api/v1/"

# Times, durations and what describes the process: their type is compared, their value is not.
VOLATILE = frozenset(
    [
        "lastScrape",
        "lastScrapeDuration",
        "evaluationTime",
        "lastEvaluation",
        "activeAt",
        "keepFiringSince",
        "timings",
        "startTime",
        "serverTime",
        "lastConfigTime",
        "CWD",
        "goroutineCount",
        "GOMAXPROCS",
        "GOMEMLIMIT",
        "GOGC",
        "GODEBUG",
        "version",
        "revision",
        "branch",
        "buildUser",
        "buildDate",
        "goVersion",
        "storageRetention",
    ]
)

# Ours alone: what each node of a query cost, in the statistics that `stats=all` asks for.
OURS = frozenset(["plan"])

# Fields that Prometheus has only since a release newer than the one that Debian ships.
NEWER = frozenset(
    [
        "samplesRead",
        "offsetExpr",
        "rangeExpr",
        "stepExpr",
        "anchored",
        "smoothed",
        "fillValues",
        "__always_scrape_classic_histograms__",
        "__convert_classic_histograms_to_nhcb__",
        "__scrape_native_histograms__",
    ]
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with side_by_side(tmp_path_factory.mktemp("pair")) as found:
        yield found


def plain(value: Any, *, ordered: bool = False) -> Any:
    """Without what may differ; lists of objects sorted, since hash maps give them no order."""
    if isinstance(value, dict):
        return {
            key: type(one).__name__ if key in VOLATILE else plain(one, ordered=ordered)
            for key, one in value.items()
            if key not in NEWER | OURS
        }
    if isinstance(value, list):
        found = [plain(one, ordered=ordered) for one in value]
        if not ordered and all(isinstance(one, dict) for one in found):
            found.sort(key=lambda one: json.dumps(one, sort_keys=True))
        return found
    return value


def same(
    pair: Pair, path: str, params: Any = (), *, method: str = "GET", form: bool = False
) -> Any:
    real, ours = pair.ask(path, params, method=method, form=form)
    assert (ours.status, ours.content_type) == (real.status, real.content_type)
    assert plain(ours.body) == plain(real.body)
    return ours.body


INSTANT = [
    "load", "1+1", "'x'", "lat_bucket", "sum(load) by (cpu)", "odd", "endless", "big", "small",
    "nope", "rate(lat_count[5s])", "up", "scrape_samples_scraped", "job:load:sum", "ALERTS",
    "-load", "load > bool 1", "absent(nope)", 'label_replace(load,"a","$1","cpu","(.*)")',
    'count_values("v",load)', "histogram_quantile(0.5,lat_bucket)", "time()", "1 or load",
    'topk(1, load)', "load offset 1y", "1e309", "0x1f", "sum(load)/0", "max_over_time(load[3s])",
    # Mistakes: each error with its words and its place.
    "foo(", "load{", "", "a b", "load[5s] + 1", '"a" + 1', "load and 1", "rate(load)", "{}",
    'load == bool "x"', "sum without load", "vector(load)", 'label_join(load)', 'load{a=b}',
    "sum(load", "5m[", "1 +", "quantile(load)", "load @ x",
]  # fmt: skip


@pytest.mark.parametrize("expr", INSTANT)
def test_instant_queries(pair: Pair, expr: str) -> None:
    params = [("query", expr), ("time", int(time.time()))]
    for form in (False, True):
        same(pair, API + "query", params, method="POST" if form else "GET", form=form)


@pytest.mark.parametrize(
    "expr", ["load", "time()", "'x'", "sum(load)", "1", "nope", "load[3s]", "one:one", "vector(1)"]
)
@pytest.mark.parametrize("step", ["1", "0.5", "500ms", "1s"])
def test_range_queries(pair: Pair, expr: str, step: str) -> None:
    now = int(time.time())
    params = [("query", expr), ("start", now - 1), ("end", now), ("step", step)]
    same(pair, API + "query_range", params)


@pytest.mark.parametrize(
    "params",
    [
        "start=1", "start=1&end=0&step=1", "start=0&end=1", "start=0&end=1&step=0",
        "start=0&end=1e9&step=1", "start=x&end=1&step=1", "start=0&end=1&step=x",
        "start=0&end=1&step=1&limit=x", "start=0&end=1&step=1&limit=-1",
        "start=0&end=1&step=1&timeout=x", "start=0&end=1&step=1&stats=all",
        "start=0&end=1&step=-1",
    ],
)  # fmt: skip
def test_parameters_of_range_queries(pair: Pair, params: str) -> None:
    same(pair, f"{API}query_range?query=load&{params}")


LOOKUPS = [
    "labels", "labels?match[]=load", "labels?match[]=foo(", "labels?match[]={}", "labels?limit=3",
    "labels?limit=x", "label/__name__/values", "label/job/values", "label/job/values?match[]=load",
    "label/nope/values", "label/U__job/values", "label/a-b/values", "label/job/values?limit=1",
    "series", "series?match[]=load", "series?match[]=load&match[]=up", "series?match[]=foo(",
    "series?match[]=load&start=x", "series?match[]={}", "metadata", "metadata?metric=load",
    "metadata?limit=x", "metadata?limit_per_metric=1", "metadata?metric=nope", "targets/metadata",
    "targets/metadata?metric=load", 'targets/metadata?match_target={job="app"}',
    "targets/metadata?match_target={", "targets/metadata?metric=nope", "targets",
    "targets?state=active", "targets?state=dropped", "targets?state=zzz",
    "targets?scrapePool=app", "scrape_pools", "alertmanagers", "rules", "rules?type=alert",
    "rules?type=record", "rules?type=x", "rules?rule_name[]=Hot", "rules?rule_group[]=second",
    "rules?file[]=zz", 'rules?match[]={src="rule"}', "rules?exclude_alerts=true",
    "rules?exclude_alerts=x", "rules?group_limit=x", "rules?group_limit=0",
    "rules?group_next_token=abc", "alerts", "status/runtimeinfo", "status/buildinfo",
    "status/walreplay", "status/tsdb?limit=0", "status/tsdb?limit=x", "notifications",
    "query_exemplars?query=load&start=0&end=1", "query_exemplars?query=test&start=1&end=0",
    "query_exemplars?query=foo(", "format_query?query=sum(load)by(a)", "format_query?query=foo(",
    "format_query", "parse_query?query=sum(load)by(a)", "parse_query?query=foo(",
    "parse_query?query=rate(load{a='b'}[5m] offset 1m)", "parse_query?query=a+on(b)+group_left+c",
    "nope",
]  # fmt: skip


@pytest.mark.parametrize("path", LOOKUPS)
def test_everything_else(pair: Pair, path: str) -> None:
    from urllib.parse import quote

    same(pair, API + quote(path, safe="/?&=[]+"))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "labels"), ("POST", "series"), ("POST", "label/job/values"), ("POST", "targets"),
        ("POST", "rules"), ("POST", "metadata"), ("POST", "format_query"), ("DELETE", "query"),
        ("PUT", "query"), ("OPTIONS", "query"), ("OPTIONS", "nope"), ("GET", "write"),
    ],
)  # fmt: skip
def test_methods(pair: Pair, method: str, path: str) -> None:
    same(pair, API + path, method=method)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/-/healthy"), ("GET", "/-/ready"), ("GET", "/-/reload"), ("GET", "/-/quit"),
        ("POST", "/-/reload"), ("GET", "/nope"), ("GET", "/federate"),
        ("GET", "/federate?match[]=foo("), ("POST", "/-/healthy"),
    ],
)  # fmt: skip
def test_management(pair: Pair, method: str, path: str) -> None:
    same(pair, path, method=method)


def test_federation(pair: Pair) -> None:
    real, ours = pair.ask('/federate?match[]=load&match[]={job="app",__name__=~"req.*"}')
    assert (ours.status, ours.content_type) == (real.status, real.content_type)
    without_times = [re.sub(r" \d+$", "", one.body, flags=re.M) for one in (real, ours)]
    assert without_times[1] == without_times[0]
