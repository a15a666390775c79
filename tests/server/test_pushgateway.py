"""The Pushgateway's HTTP: as curl, as prometheus_client, and beside the real one."""

from __future__ import annotations

import asyncio
import base64
import gzip
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import cramjam
import orjson
import pytest
from aiohttp import web
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    Histogram,
    Summary,
    delete_from_gateway,
    push_to_gateway,
    pushadd_to_gateway,
)

from termprom import limits
from termprom.clock import Clock
from termprom.push.store import PushStore
from termprom.server.pushgateway import (
    decompressed,
    push_routes,
    pushgateway_app,
    pushgateway_routes,
)
from termprom.testing.clock import ManualClock
from tests.peers import peer
from tests.push.test_bodies import COUNTER, SUMMARY, TYPE, _double, _family, _metric


class RestlessClock(ManualClock):
    """Later at each look."""

    def now_ms(self) -> int:
        self.set(super().now_ms() + 1)
        return super().now_ms()


class Gateway:
    """Requests to one server; the answers as (status, text)."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def ask(
        self, method: str, path: str, body: bytes | str | None = None, **headers: str
    ) -> tuple[int, str]:
        """Header names with underscores for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = aiohttp.client.URL(self.url + path, encoded=True)
        async with self._session.request(
            method, url, data=body, headers=named, allow_redirects=False
        ) as response:
            return response.status, await response.text()


@asynccontextmanager
async def serving(app: web.Application, **options: bool) -> AsyncIterator[Gateway]:
    runner = web.AppRunner(app, shutdown_timeout=0.1, **options)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        async with aiohttp.ClientSession() as session:
            yield Gateway(f"http://{host}:{port}", session)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def gateway(
    *,
    enable_admin: bool = False,
    on_quit: Callable[[], None] | None = None,
    on_change: Callable[[str], None] = lambda text: None,
    auto_decompress: bool = True,
    clock: Clock | None = None,
) -> AsyncIterator[Gateway]:
    registry = CollectorRegistry()
    store = PushStore(None, clock=clock or ManualClock(), registry=registry, on_change=on_change)
    routes = pushgateway_routes(
        store,
        registry=registry,
        enable_admin=enable_admin,
        enable_lifecycle=on_quit is not None,
        on_quit=on_quit,
        flags={"web.listen-address": "127.0.0.1:9091"},
    )
    try:
        async with serving(pushgateway_app(routes), auto_decompress=auto_decompress) as at:
            yield at
    finally:
        store.close()


async def samples(at: Gateway) -> list[str]:
    """The pushed lines of the page, without the generated and the gateway's own."""
    _, text = await at.ask("GET", "/metrics")
    return [line for line in text.splitlines() if not line.startswith(("#", "push"))]


async def test_a_push_as_curl_does_it() -> None:
    heard: list[str] = []
    async with gateway(on_change=heard.append) as at:
        form = "application/x-www-form-urlencoded"
        body = b"some_metric 3.14\n"
        put = await at.ask("PUT", "/metrics/job/j/instance/i", body, Content_Type=form)
        assert put == (200, "")
        assert await samples(at) == ['some_metric{instance="i",job="j"} 3.14']
        assert await at.ask("POST", "/metrics/job/j/instance/i", "more 1\n") == (200, "")
        assert len(await samples(at)) == 2
        assert await at.ask("DELETE", "/metrics/job/j/instance/i") == (202, "")
        assert await at.ask("DELETE", "/metrics/job/nobody") == (202, "")
        assert await samples(at) == []
        assert len(heard) == 3


async def test_the_page_for_people_shows_labels_as_they_are() -> None:
    async with gateway() as at:
        name = base64.urlsafe_b64encode(b"<script>alert(1)</script>").decode()
        assert await at.ask("PUT", f"/metrics/job@base64/{name}", "m 1\n") == (200, "")
        for path in ("/", "/status"):
            status, page = await at.ask("GET", path)
            assert status == 200
            assert "&lt;script&gt;alert(1)" in page
            assert "<script" not in page


async def test_refusals_are_text_with_a_newline() -> None:
    async with gateway() as at:
        assert await at.ask("PUT", "/metrics/job/a", "x 1") == (
            400,
            "text format parsing error in line 1: unexpected end of input stream\n",
        )
        assert await at.ask("PUT", "/metrics/job/a/b", "x 1\n") == (
            400,
            'odd number of components in label string "/b"\n',
        )
        assert await at.ask("DELETE", "/metrics/job/a/__x/1") == (
            400,
            'improper label name "__x"\n',
        )
        assert await samples(at) == []


async def test_paths_are_decoded_before_they_are_split() -> None:
    async with gateway() as at:
        assert await at.ask("PUT", "/metrics/job/a%2Fx%2Fy", "m 1\n") == (200, "")
        assert await at.ask("PUT", "/metrics/job@base64/YS9i/p@base64/=", "m 2\n") == (200, "")
        assert await samples(at) == [
            'm{instance="",job="a",x="y"} 1',
            'm{instance="",job="a/b",p=""} 2',
        ]


async def test_other_paths_and_methods() -> None:
    async with gateway() as at:
        assert await at.ask("GET", "/nowhere") == (404, "404 page not found\n")
        assert await at.ask("GET", "/metrics/job/a") == (405, "Method Not Allowed\n")
        assert (await at.ask("PUT", "/metrics//job/a", "m 1\n"))[0] == 307
        assert (await at.ask("PUT", "/api/v1/admin/wipe"))[0] in (404, 405)
        assert await at.ask("GET", "/-/healthy") == (200, "OK")
        assert await at.ask("GET", "/-/ready") == (200, "OK")
        assert await at.ask("POST", "/-/quit") == (403, "Lifecycle API is not enabled.")


async def test_the_administrator_may_quit_and_wipe() -> None:
    asked: list[bool] = []
    async with gateway(enable_admin=True, on_quit=lambda: asked.append(True)) as at:
        await at.ask("PUT", "/metrics/job/a", "m 1\n")
        assert await at.ask("PUT", "/api/v1/admin/wipe") == (202, "")
        assert await samples(at) == []
        assert (await at.ask("GET", "/-/quit"))[0] == 405
        assert asked == []
        assert await at.ask("PUT", "/-/quit") == (200, "Requesting termination... Goodbye!")
        assert asked == [True]


@pytest.mark.parametrize("auto_decompress", [True, False])
async def test_packed_bodies(auto_decompress: bool) -> None:
    """Intent: the same whether aiohttp unpacks gzip on the way or leaves it to us."""
    async with gateway(auto_decompress=auto_decompress) as at:
        packed = gzip.compress(b"m 1\n")
        assert await at.ask("PUT", "/metrics/job/gz", packed, Content_Encoding="gzip") == (200, "")
        framed = bytes(cramjam.snappy.compress(b"m 2\n"))
        sent = await at.ask("PUT", "/metrics/job/sn", framed, Content_Encoding="snappy")
        assert sent == (200, "")
        lines = ['m{instance="",job="gz"} 1', 'm{instance="",job="sn"} 2']
        assert await samples(at) == lines
        status, text = await at.ask("PUT", "/metrics/job/sn", b"junk", Content_Encoding="snappy")
        assert (status, text[:8]) == (400, "snappy: ")


async def test_broken_gzip_is_refused() -> None:
    async with gateway(auto_decompress=False) as at:
        for body in (b"\x1f\x8bjunk", gzip.compress(b"m 1\n" * 100)[:-9]):
            status, _ = await at.ask("PUT", "/metrics/job/a", body, Content_Encoding="gzip")
            assert status == 400
        assert await samples(at) == []


def test_a_gzip_bomb_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PUSH_BODY_BYTES_MAX", 1000)
    with pytest.raises(Exception, match="larger than 1000 bytes"):
        decompressed(gzip.compress(b"0" * 100_000), "gzip")


async def test_a_body_beyond_the_limit_is_413(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PUSH_BODY_BYTES_MAX", 1000)
    async with gateway() as at:
        assert (await at.ask("PUT", "/metrics/job/a", b"m 1\n" * 251))[0] == 413


async def test_the_python_client_pushes_adds_and_deletes() -> None:
    registry = CollectorRegistry()
    Gauge("g", "A gauge.", registry=registry).set(3)
    Summary("s", "A summary.", registry=registry).observe(2)
    Histogram("h", "A histogram.", ["a"], registry=registry).labels("b").observe(0.2)
    async with gateway() as at:
        await asyncio.to_thread(push_to_gateway, at.url, job="cli", registry=registry)
        key = {"path": "a/b", "instance": ""}
        await asyncio.to_thread(
            pushadd_to_gateway, at.url, job="cli2", registry=registry, grouping_key=key
        )
        lines = await samples(at)
        assert 'g{instance="",job="cli"} 3' in lines
        assert 'h_bucket{a="b",instance="",job="cli",le="0.25"} 1' in lines
        assert 's_count{instance="",job="cli2",path="a/b"} 1' in lines
        await asyncio.to_thread(delete_from_gateway, at.url, job="cli")
        await asyncio.to_thread(delete_from_gateway, at.url, job="cli2", grouping_key=key)
        assert await samples(at) == []


async def test_the_page_speaks_openmetrics_when_asked() -> None:
    async with gateway() as at:
        await at.ask("PUT", "/metrics/job/a", "# TYPE c_total counter\nc_total 1\n")
        _, text = await at.ask("GET", "/metrics", Accept="application/openmetrics-text;q=0.9")
        assert text.endswith("# EOF\n")
        assert 'c_total{instance="",job="a"} 1.0\n' in text


async def test_the_gateway_counts_its_requests() -> None:
    async with gateway() as at:
        await at.ask("PUT", "/metrics/job/a", "m 1\n")
        await at.ask("PUT", "/metrics/job/a", "m\n")
        await at.ask("DELETE", "/metrics/job/a")
        _, text = await at.ask("GET", "/metrics")
        for line in (
            'pushgateway_http_requests_total{code="200",handler="push",method="put"} 1',
            'pushgateway_http_requests_total{code="400",handler="push",method="put"} 1',
            'pushgateway_http_requests_total{code="202",handler="delete",method="delete"} 1',
            'pushgateway_http_push_size_bytes_sum{method="put"} 6',
        ):
            assert line in text


async def test_the_api_lists_groups() -> None:
    async with gateway() as at:
        body = (
            "# HELP m Some <words>.\n# TYPE m gauge\nm{x='1'} 1e7\n"
            "# TYPE h histogram\nh_bucket{le='0.5'} 2\nh_bucket{le='+Inf'} 3\n"
            "h_sum 1.5\nh_count 3\n"
            "# TYPE s summary\ns{quantile='0.5'} 7\ns_sum 8\ns_count 9\n"
        ).replace("'", '"')
        await at.ask("PUT", "/metrics/job/a", body)
        _, text = await at.ask("GET", "/api/v1/metrics")
        assert r"Some \u003cwords\u003e." in text
        (group,) = orjson.loads(text)["data"]
        assert (group["labels"], group["last_push_successful"]) == ({"job": "a"}, True)
        labels = {"instance": "", "job": "a"}
        assert group["m"] == {
            "time_stamp": "2023-11-14T22:13:20+00:00",
            "type": "GAUGE",
            "help": "Some <words>.",
            "metrics": [{"labels": {**labels, "x": "1"}, "value": "1e+07"}],
        }
        assert group["h"]["metrics"] == [
            {"labels": labels, "count": "3", "sum": "1.5", "buckets": {"0.5": "2", "+Inf": "3"}}
        ]
        assert group["s"]["metrics"] == [
            {"labels": labels, "count": "9", "sum": "8", "quantiles": {"0.5": "7"}}
        ]
        _, text = await at.ask("GET", "/api/v1/status")
        assert orjson.loads(text)["data"]["flags"] == {"web.listen-address": "127.0.0.1:9091"}
        assert await at.ask("OPTIONS", "/api/v1/metrics") == (200, "")


async def test_push_routes_stand_alone_on_another_listener() -> None:
    registry = CollectorRegistry()
    store = PushStore(None, clock=ManualClock(), registry=registry)
    app = web.Application()
    app.add_routes(push_routes(store))
    try:
        async with serving(app) as at:
            assert await at.ask("POST", "/metrics/job/a", "m 1\n") == (200, "")
            assert (await at.ask("GET", "/metrics"))[0] == 404
    finally:
        store.close()
    assert b'm{instance="",job="a"} 1\n' in store.render()


# --- Beside the real one ----------------------------------------------------------------------

# (method, path, body), in this order to both.
SCRIPT = [
    ("PUT", "/metrics/job/some_job", "some_metric 3.14\n"),
    ("POST", "/metrics/job/some_job/instance/i1", "# TYPE some_metric counter\nsome_metric 42\n"),
    ("POST", "/metrics/job/some_job/instance/i1", 'some_metric{label="val1"} 42\nanother 1\n'),
    ("POST", "/metrics/job/some_job/instance/i1", "another 2\n"),
    ("PUT", "/metrics/job/some_job/instance/i1", "another 3\n"),
    ("POST", "/metrics/job/some_job/instance/i1", "another 4 1700000000000\n"),
    ("POST", "/metrics/job/some_job", 'some_metric{instance="i1",job="x"} 1\n'),
    ("POST", "/metrics/job/some_job/instance/i1", "some_metric 2\n"),
    ("POST", "/metrics/job/a", "x 1"),
    ("PUT", "/metrics/job/a", "x{y=1} 1\n"),
    ("PUT", "/metrics/job/a", "# TYPE x nothing\n"),
    ("PUT", "/metrics/job/a", "x 1 2 3\n"),
    ("PUT", "/metrics/job/a", "x{a=\"1\",a=\"2\"} 1\n"),
    ("PUT", "/metrics/job/a", "# HELP x one\n# HELP x two\nx 1\n"),
    ("PUT", "/metrics/job/a", "x one\n"),
    ("PUT", "/metrics/job@base64/YS9i/path@base64/L2M=", "m 1\n"),
    ("PUT", "/metrics/job@base64/!/path@base64/L2M=", "m 1\n"),
    ("PUT", "/metrics/job/b/path@base64/L2M!", "m 1\n"),
    ("PUT", "/metrics/job@base64/YWJjZA!", "m 1\n"),
    ("PUT", "/metrics/job@base64/YWJjZ", "m 1\n"),
    ("PUT", "/metrics/job@base64/=", "m 1\n"),
    ("PUT", "/metrics/job/c/instance@base64/=", "m 1\n"),
    ("PUT", "/metrics/job/a/b", "x 1\n"),
    ("PUT", "/metrics/job/a/__x/1", "x 1\n"),
    ("PUT", "/metrics/job/d", ""),
    ("POST", "/metrics/job/e", ""),
    (
        "PUT",
        "/metrics/job/hist",
        "# HELP h Words.\n# TYPE h histogram\n"
        'h_bucket{a="x",le="0.5"} 2\nh_bucket{a="x",le="+Inf"} 3\nh_sum{a="x"} 1.5\n'
        'h_count{a="x"} 3\nh_bucket{a="b",le="1e7"} 1\nh_bucket{a="b",le="+Inf"} 1\n'
        'h_sum{a="b"} 9\nh_count{a="b"} 1\n'
        '# TYPE s summary\ns{quantile="0.5"} 7\ns{quantile="0.9"} NaN\ns_sum 8\ns_count 9\n'
        "# TYPE c counter\nc 1.5e10\n# TYPE g gauge\ng -Inf\ng{z=\"\\\"q\\\\ \\n\"} 1e-7\n",
    ),
    ("PUT", "/metrics/job/hist2", "# HELP h No words.\n# TYPE h histogram\nh_sum 1\nh_count 1\n"),
    ("PUT", "/metrics/job/clash", "h_count 1\n"),
    ("PUT", "/metrics/job/clash", "# TYPE another summary\nanother_sum 1\nanother_count 1\n"),
    ("PUT", "/metrics/job/twice", "m 1\nm 2\n"),
    (
        "PUT",
        "/metrics/job/own",
        "# TYPE pushgateway_build_info counter\npushgateway_build_info 1\n",
    ),
    ("PUT", "/metrics/job/times", "push_time_seconds 5\npush_failure_time_seconds 6\n"),
    ("DELETE", "/metrics/job/some_job", ""),
    ("DELETE", "/metrics/job/nobody", ""),
    ("DELETE", "/metrics/job/e/", ""),
    ("GET", "/nowhere", ""),
    ("PUT", "/api/v1/admin/wipe", ""),
    ("PUT", "/-/quit", ""),
]  # fmt: skip

# What stands in the braces is not for comparing; which of two types or names is at fault is chance
# there.
CHANCE = re.compile(r"\{ .*\}|(?<=is not a )\w+|collected [\w ]+ named .* collides with .*")


def without_times(page: str) -> list[str]:
    """The pushed lines; push times only as set or not, the gateway's own metrics not at all."""
    lines = []
    for line in page.splitlines():
        if re.match(r"(# (HELP|TYPE) )?(pushgateway_|go_|process_|promhttp_)", line):
            continue
        if line.startswith("# HELP h "):
            continue  # of two groups with different words, either is told there
        if line.startswith("push_"):
            series, _, value = line.rpartition(" ")
            line = f"{series} {'0' if value == '0' else 'set'}"
        lines.append(line)
    return lines


PROTOBUF = _family("p_total", COUNTER, _metric(COUNTER, _double(1, 2.5), a="b")) + _family(
    "p_seconds", SUMMARY, _metric(SUMMARY, b"\x08\x05" + _double(2, 9.0))
)


@pytest.mark.peer
async def test_the_same_requests_get_the_same_answers_as_from_the_real_one(
    unused_tcp_port: int,
) -> None:
    address = f"127.0.0.1:{unused_tcp_port}"
    process = await asyncio.create_subprocess_exec(
        peer("prometheus-pushgateway"),
        f"--web.listen-address={address}",
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with gateway(clock=RestlessClock()) as ours, aiohttp.ClientSession() as session:
            theirs = Gateway(f"http://{address}", session)
            await until_ready(theirs)
            differences = []
            for method, path, body in SCRIPT:
                answers = [await at.ask(method, path, body) for at in (ours, theirs)]
                mine, other = [(status, CHANCE.sub("{}", text)) for status, text in answers]
                if mine != other:
                    differences.append((method, path, body, mine, other))
            for at in (ours, theirs):
                assert await at.ask("PUT", "/metrics/job/proto", PROTOBUF, Content_Type=TYPE) == (
                    200,
                    "",
                )
            assert not differences, "\n".join(map(repr, differences))
            # Deletes are applied later there.
            await until(theirs, lambda text: 'instance="",job="some_job"' not in text)
            pages = [(await at.ask("GET", "/metrics"))[1] for at in (ours, theirs)]
            assert without_times(pages[0]) == without_times(pages[1])
            assert await listed(ours) == await listed(theirs)
    finally:
        process.terminate()
        await process.wait()


async def until_ready(at: Gateway) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            await at.ask("GET", "/-/ready")
            return
        except aiohttp.ClientConnectionError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


async def until(at: Gateway, holds: Callable[[str], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds((await at.ask("GET", "/metrics"))[1]):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def listed(at: Gateway) -> list[object]:
    """The groups of the API in the order of their keys, with all times the same."""
    _, text = await at.ask("GET", "/api/v1/metrics")
    groups = orjson.loads(text)["data"]
    for group in groups:
        for name, family in group.items():
            if isinstance(family, dict) and "time_stamp" in family:
                family["time_stamp"] = ""
                if name == "h":
                    family["help"] = ""
                    for one in family["metrics"]:  # the last bucket goes without saying there
                        one["buckets"].setdefault("+Inf", one["count"])
                family["metrics"].sort(key=lambda one: sorted(one["labels"].items()))
                if name.startswith("push_"):
                    for one in family["metrics"]:
                        one["value"] = one["value"] != "0"
    return sorted(groups, key=lambda group: sorted(group["labels"].items()))
