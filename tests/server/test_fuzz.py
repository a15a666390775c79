"""Anything at all sent to the API and the Pushgateway: an answer in time, no 500, no traceback.

TERMPROM_FUZZ is how many requests each test makes; the default is a short look.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import cramjam
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.remote.encoder import UP, Series, request
from tests.server.live import PATIENCE_SECONDS, Live, living

EXAMPLES = int(os.environ.get("TERMPROM_FUZZ", "60"))
much = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with living(tmp_path_factory.mktemp("fuzz")) as found:
        yield found


PATHS = [
    "query", "query_range", "query_exemplars", "format_query", "parse_query", "labels", "series",
    "label/job/values", "label/U__a_20_b/values", "metadata", "targets", "targets/metadata",
    "targets/relabel_steps", "scrape_pools", "scrape_pools/config", "rules", "alerts",
    "alertmanagers", "status/config", "status/flags", "status/runtimeinfo", "status/buildinfo",
    "status/tsdb", "status/tsdb/blocks", "status/walreplay", "status/self_metrics", "features",
    "notifications", "admin/tsdb/delete_series", "admin/tsdb/clean_tombstones", "x/status",
    "x/targets", "x/rules", "x/alerts", "x/silences", "x/push_groups", "x/logs",
    "search/metric_names", "search/label_names", "search/label_values",
]  # fmt: skip
NAMES = [
    "query", "time", "start", "end", "step", "timeout", "limit", "match[]", "lookback_delta",
    "stats", "metric", "limit_per_metric", "match_target", "state", "scrapePool", "labels", "type",
    "rule_name[]", "file[]", "rule_group[]", "group_limit", "group_next_token", "exclude_alerts",
    "metric_name_pattern", "skip_head", "after", "search[]", "fuzz_threshold", "fuzz_alg", "label",
    "case_sensitive", "include_score", "include_metadata", "sort_by", "sort_dir", "batch_size",
]  # fmt: skip
VALUES = [
    "", "0", "1", "-1", "1e308", "-1e400", "NaN", "Inf", "0x1p-2", "1h", "5m", "1y1w1ms",
    "9" * 400, "1700000000", "2023-11-14T22:13:20Z", "0000-00-00T00:00:00Z",
    "9999-12-31T23:59:59.9+99:99", "up", "up[5m]", "rate(up[5m])", "sum by (job) (up)",
    "up{job=~'('}", "{", "((((", "up offset 1y", "up @ 1e300", "-" * 300 + "1", "(" * 300,
    "count_values('a', up)", "label_replace(up,'','','','')",
    'label_join(up, "x", "\x00", "job")', "vector(time())", "'\\x00'", '"\ud7ff"',
    "{__name__=~'.*'}", '{"a b"!=""}', "up / on() group_left up", "absent_over_time(nope[1w])",
    "true", "all", "T", '{"__address__":"a"}', "[]", "null", "web", "alert", "any",
    "quantile_over_time(2, up[10m:1ms])", "histogram_quantile(0.5, up)", "up[1000000y:1ms]",
    "predict_linear(up[5m], 1e300)", "score", "alpha", "dsc", "jarowinkler", "50",
]  # fmt: skip
_value = st.sampled_from(VALUES) | st.text(max_size=30) | st.floats().map(str)
_params = st.lists(st.tuples(st.sampled_from(NAMES), _value), max_size=5)
_headers = st.dictionaries(
    st.sampled_from(["Accept-Encoding", "Origin", "Accept", "Content-Type", "Content-Encoding"]),
    st.sampled_from(
        ["gzip", "deflate, gzip", "*", ";;;", "application/x-www-form-urlencoded", "text/plain",
         "multipart/form-data; boundary=x", "multipart/form-data", "application/json", "identity"]
    ),
    max_size=2,
)  # fmt: skip


def _fine(live: Live, status: int, body: bytes) -> None:
    assert not live.failures, live.failures[0]
    if status >= 500:
        kind = orjson.loads(body)["errorType"]
        assert (status, kind) in {(500, "unavailable"), (503, "timeout")}, body
    assert b"Traceback" not in body


def _encoded(params: list[tuple[str, str]]) -> str:
    return urlencode(params, errors="replace")


@much
@given(st.sampled_from(PATHS), st.sampled_from(["GET", "POST", "PUT", "DELETE"]), _params, _headers)
def test_the_api(
    live: Live, path: str, method: str, params: list[tuple[str, str]], headers: dict[str, str]
) -> None:
    text = _encoded(params)
    form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    asked = live.ask(live.api, method, f"/api/v1/{path}?{text}", None, headers)
    _fine(live, *asked)
    _fine(live, *live.ask(live.api, method, f"/api/v1/{path}", text.encode(), form))


@much
@given(st.lists(st.tuples(st.sampled_from(["query", "start", "end", "step"]), _value), max_size=4))
def test_range_queries(live: Live, more: list[tuple[str, str]]) -> None:
    base = {"query": "up", "start": "1700000000", "end": "1700003600", "step": "15"}
    text = _encoded([*{**base, **dict(more)}.items()])
    _fine(live, *live.ask(live.api, "GET", f"/api/v1/query_range?{text}"))


@much
@given(st.lists(st.sampled_from(["/", "..", ".", "%2F", "%00", "api", "v1", "x", "é", "-", "label",
                                 "values", "U__", "federate?match[]=up", "metrics", "job", "%zz",
                                 "a" * 3000]), max_size=8))  # fmt: skip
def test_any_path(live: Live, pieces: list[str]) -> None:
    path = "/" + quote("/".join(pieces), safe="/%?=[]")
    for where in (live.api, live.push):
        _fine(live, *live.ask(where, "GET", path))


_LINE = st.sampled_from(
    [
        "m 1", 'm{a="b"} 1', "# TYPE m gauge", "# TYPE m histogram", "# HELP m x",
        'm_bucket{le="1"} 1', "m_bucket 1", "m_sum NaN", "m_count -1", "m 1 1", "m{", "{}", "\x00",
        "# EOF", 'm{a="\\q"} 1', 'm{job="x",instance="y"} 2', "push_time_seconds 1",
        "push_failure_time_seconds 1", "termprom_x 1", 'm{quantile="x"} 1', '{"m"} 1',
        "# TYPE m counter", 'm_bucket{le="+Inf"} 3',
    ]
)  # fmt: skip
_body = st.lists(_LINE | st.text(max_size=12), max_size=8).map(
    lambda lines: "".join(line + "\n" for line in lines).encode("utf-8", "replace")
) | st.binary(max_size=60)
_push_path = st.lists(
    st.sampled_from(
        ["a", "b", "job", "instance", "x@base64", "YQ", "=", "", "%2F", "__x", "é", "%ff"]
    ),
    max_size=5,
).map("/".join)  # fmt: skip
_push_headers = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(
            ["text/plain", "application/vnd.google.protobuf; encoding=delimited; "
             "proto=io.prometheus.client.MetricFamily", "", ";"]
        ),
        "Content-Encoding": st.sampled_from(["gzip", "snappy", "br", ""]),
    },
)  # fmt: skip


@much
@given(
    st.sampled_from(["PUT", "POST", "DELETE"]),
    st.sampled_from(["job", "job@base64"]),
    _push_path,
    _body,
    _push_headers,
)
def test_pushes(
    live: Live, method: str, job: str, path: str, body: bytes, headers: dict[str, str]
) -> None:
    asked = live.ask(live.push, method, f"/metrics/{job}/{quote(path, safe='/%@=')}", body, headers)
    _fine(live, *asked)
    # Whatever was taken, the page of all groups can be shown.
    status, page = live.ask(live.push, "GET", "/metrics")
    assert status == 200, page


@much
@given(st.data())
def test_remote_write(live: Live, data: st.DataObject) -> None:
    message = bytearray(request(Series(UP, [(1_700_000_000_000, 1.0)], [])) * 2)
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(message) - 1))
        message[place] = data.draw(st.integers(0, 255))
    body = bytes(cramjam.snappy.compress_raw(bytes(message)))
    if data.draw(st.booleans()):
        body = body[: data.draw(st.integers(0, len(body)))]
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
    status, answer = live.ask(live.api, "POST", "/api/v1/write", body, headers)
    assert status in (204, 400), answer
    assert not live.failures, live.failures[0]


@much
@given(st.binary(max_size=80))
def test_remote_read(live: Live, junk: bytes) -> None:
    asked = b"\x0a" + bytes([len(junk)]) + junk
    for message in (junk, asked):
        body = bytes(cramjam.snappy.compress_raw(message))
        status, answer = live.ask(live.api, "POST", "/api/v1/read", body)
        assert status in (200, 400), answer
        assert not live.failures, live.failures[0]


@much
@given(st.binary(max_size=200), st.booleans())
def test_bytes_that_are_no_http(live: Live, junk: bytes, begun: bool) -> None:
    for where in (live.api, live.push):
        with socket.create_connection(where, timeout=PATIENCE_SECONDS) as connection:
            head = b"POST /metrics/job/a HTTP/1.1\r\nContent-Length: 5\r\n" if begun else b""
            connection.sendall(head + junk)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while piece := connection.recv(65536):
                    answer += piece
            except ConnectionResetError:
                pass
        assert b"Traceback" not in answer
        assert not answer.startswith(b"HTTP/1.1 500"), answer
    assert not live.failures, live.failures[0]
    assert live.ask(live.api, "GET", "/-/healthy")[0] == 200
