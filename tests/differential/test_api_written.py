"""The same samples written to both by remote write; then what Grafana asks, byte by byte.

Histograms, exemplars, stale markers, awkward label values and floats that are hard to print are
among the data. What Grafana's data source sends is listed in its source, pkg/promlib.
"""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cramjam
import pytest

from termprom.model.histogram import BucketSpan, FloatHistogram
from termprom.model.labels import Labels
from termprom.model.values import STALE_BITS, float_from_bits
from termprom.storage import Exemplar
from tests.differential.side_by_side import Pair, side_by_side
from tests.differential.test_api_answers import plain
from tests.remote.encoder import Series, request

pytestmark = [pytest.mark.peer, pytest.mark.slow]

STEP_MS = 15_000
STEPS = 40
STALE = float_from_bits(STALE_BITS)
HARD = [
    0.0, -0.0, 1.0, 0.1, 1 / 3, -2.5e-7, 1e-6, 9.999e-7, 1e20, 1e21, 123456789012345680000.0,
    5e-324, 1.7976931348623157e308, float("inf"), float("-inf"), float("nan"), 100000.0, 1e15,
    0.30000000000000004, 2.0**53, 12345.678,
]  # fmt: skip


def _named(name: str, **labels: str) -> list[tuple[str, str]]:
    return sorted({"__name__": name, "job": "written", **labels}.items())


def _histogram(step: int) -> FloatHistogram:
    return FloatHistogram(
        schema=0,
        zero_threshold=0.001,
        zero_count=1.0,
        count=6.0 + 4 * step,
        sum=2.5 * step,
        positive_spans=(BucketSpan(-2, 2), BucketSpan(2, 1)),
        positive_buckets=(1.0 + step, 2.0 + step, 1.0 + 2 * step),
        negative_spans=(BucketSpan(0, 1),),
        negative_buckets=(1.0,),
    )


def _data(start_ms: int) -> bytes:
    times = [start_ms + step * STEP_MS for step in range(STEPS)]
    awkward = ['a"b\\c\nd', "<b>&amp;</b>", "é\u2028ü", "\x1b[31mred\x07", "日本語"]
    series = [
        Series(_named("hard"), [(at, HARD[n % len(HARD)]) for n, at in enumerate(times)]),
        Series(
            _named("ended"),
            [*((at, 1.0) for at in times[:10]), (times[10], STALE)],
        ),
        Series(_named("gaps"), [(at, float(n)) for n, at in enumerate(times) if n % 7 < 4]),
        Series(_named("odd_times"), [(at + 123 * n, float(n)) for n, at in enumerate(times)]),
        *(
            Series(_named("awkward", text=text), [(at, float(n)) for at in times])
            for n, text in enumerate(awkward)
        ),
        *(
            Series(
                _named("requests_total", code=code, path=f"/{path}"),
                [(at, float((n * (path + 1)) % 200)) for n, at in enumerate(times)],
                exemplars=[
                    Exemplar(Labels.of(trace_id=f"{code}-{n}"), n / 7, at)
                    for n, at in enumerate(times[::10])
                ],
            )
            for code in ("200", "500")
            for path in range(3)
        ),
        Series(_named("native"), [], [(at, _histogram(step)) for step, at in enumerate(times)]),
    ]
    return bytes(cramjam.snappy.compress_raw(request(*series)))


@dataclass(frozen=True)
class Written:
    pair: Pair
    start: int
    end: int

    def ask(self, path: str, **params: Any) -> tuple[str, str]:
        """The bodies as text, of Prometheus first; asked by GET and by POST alike."""
        pairs = [
            (name.replace("__", "[]"), one)
            for name, value in params.items()
            for one in (value if isinstance(value, list) else [value])
        ]
        found = []
        for form in (False, True):
            method = "POST" if form else "GET"
            real, ours = self.pair.ask(path, pairs, method=method, form=form)
            assert (ours.status, ours.content_type) == (real.status, real.content_type)
            found.append((json.dumps(real.body), json.dumps(ours.body)))
        assert found[0] == found[1]
        return found[0]

    def raw(self, path: str) -> tuple[bytes, bytes]:
        bodies = []
        for base in (self.pair.prometheus, self.pair.termprom):
            with urllib.request.urlopen(base + path, timeout=20) as answer:
                bodies.append(answer.read())
        return bodies[0], bodies[1]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    with side_by_side(tmp_path_factory.mktemp("written")) as pair:
        end_ms = (int(time.time()) - 60) * 1000
        start_ms = end_ms - (STEPS - 1) * STEP_MS
        body = _data(start_ms)
        headers = {
            "Content-Encoding": "snappy",
            "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        }
        for base in (pair.prometheus, pair.termprom):
            sent = urllib.request.Request(f"{base}/api/v1/write", body, headers)
            with urllib.request.urlopen(sent, timeout=20) as answer:
                assert answer.status == 204
        yield Written(pair, start_ms // 1000, end_ms // 1000)


RANGES = [
    "hard", "ended", "gaps", "odd_times", "awkward", "requests_total", "native",
    'rate(requests_total{code="200"}[1m])', "sum by (code) (rate(requests_total[5m]))",
    "histogram_quantile(0.9, native)", "histogram_count(native)", "rate(native[1m])",
    "sum(native)", "native * 2", "avg_over_time(gaps[2m])", "-hard", "hard == hard",
    'count_values("v", hard)', "topk(2, requests_total)", "awkward offset 30s", "hard @ end()",
    "max_over_time(requests_total[1m:15s])", "absent(ended)",
    'label_replace(awkward, "copy", "$1", "text", "(.*)")', "histogram_sum(native) > 10",
    "requests_total / on(path) group_left requests_total{code='200'}", "1", "time()",
]  # fmt: skip


@pytest.mark.parametrize("expr", RANGES)
@pytest.mark.parametrize("step", ["15", "7.5"])
def test_query_range_byte_by_byte(written: Written, expr: str, step: str) -> None:
    text = urllib.parse.urlencode(
        {"query": expr, "start": f"{written.start}.000", "end": str(written.end), "step": step}
    )
    real, ours = written.raw(f"/api/v1/query_range?{text}")
    if any(word in expr for word in INEXACT):
        assert rounded(json.loads(ours)) == rounded(json.loads(real))
    else:
        assert ours == real


# A sum depends on the order of the series, which Prometheus leaves to chance, and the two have
# different libraries for powers: the last digit may differ.
INEXACT = ("sum by", "histogram_quantile")


def rounded(value: Any) -> Any:
    """With twelve digits of every sample value."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    if isinstance(value, str) and re.fullmatch(r"-?\d+\.\d+", value):
        return f"{float(value):.12g}"
    return value


@pytest.mark.parametrize("expr", [*RANGES, "native[1m]", "requests_total[1m]", "odd_times[2m]"])
def test_query_element_by_element(written: Written, expr: str) -> None:
    """Vectors have no order, and a range selector's raw samples are sorted by both."""
    real, ours = written.ask("/api/v1/query", query=expr, time=f"{written.end}.781")
    assert rounded(plain(json.loads(ours))) == rounded(plain(json.loads(real)))


def test_the_health_check_of_grafana(written: Written) -> None:
    real, ours = written.ask("/api/v1/query", query="1+1", time=4)
    assert ours == real
    build = json.loads(written.raw("/api/v1/status/buildinfo")[1])["data"]
    assert build["version"]
    assert set(build) == set(json.loads(written.raw("/api/v1/status/buildinfo")[0])["data"])


def test_stats_have_the_same_fields(written: Written) -> None:
    found = [
        json.loads(one)["data"]["stats"]
        for one in written.raw(f"/api/v1/query?query=requests_total&time={written.end}&stats=all")
    ]
    assert set(found[1]["timings"]) == set(found[0]["timings"])
    assert set(found[0]["samples"]) - {"totalQueryableSamplesPerStep"} <= set(found[1]["samples"])
    key = "totalQueryableSamples"
    assert found[1]["samples"][key] == found[0]["samples"][key]


WRITTEN: Mapping[str, list[str]] = {"match__": ['{job="written"}']}


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("labels", {}),
        ("labels", {"match__": ["awkward"]}),
        ("labels", {"match__": ["awkward", "requests_total"], "limit": 2}),
        ("series", {"match__": ["awkward", "requests_total"]}),
        ("series", {"match__": ['{__name__=~".+_total"}'], "limit": 3}),
        ("series", {"match__": ['{__name__!="",job="written"}'], "limit": 40000}),
        ("query_exemplars", {"query": "requests_total"}),
        ("query_exemplars", {"query": 'rate(requests_total{code="500"}[5m]) + native'}),
        ("query_exemplars", {"query": "test"}),
    ],
)
def test_lookups_as_grafana_makes_them(written: Written, path: str, more: dict[str, Any]) -> None:
    params = {**(WRITTEN if path == "labels" else {}), **more}
    span = {"start": written.start, "end": f"{written.end}.999"}
    real, ours = written.ask(f"/api/v1/{path}", **params, **span)
    assert plain(json.loads(ours)) == plain(json.loads(real))


@pytest.mark.parametrize(
    "path",
    [
        "label/__name__/values?match[]={job=%22written%22}&limit=40000",
        "label/text/values",
        "label/code/values?match[]=requests_total&limit=1",
        "label/text/values?match[]=awkward&match[]=hard",
        "label/nowhere/values",
    ],
)
def test_label_values_byte_by_byte(written: Written, path: str) -> None:
    real, ours = written.raw(f"/api/v1/{path}")
    assert ours == real


def _head(url: str, **headers: str) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    wanted = urllib.request.Request(url, headers=named)
    try:
        with urllib.request.urlopen(wanted, timeout=20) as answer:
            found, body = answer.headers, answer.read()
    except urllib.error.HTTPError as problem:
        with problem:
            found, body = problem.headers, problem.read()
    kept = {name: found[name] for name in found if re.match("Access|Vary|Content-Enc", name)}
    vary = found.get_all("Vary") or []
    return {**kept, "Vary": ", ".join(sorted(vary)), "body": str(bool(body))}


@pytest.mark.parametrize("path", ["query?query=awkward", "labels", "query?query=(", "rules"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere"},
        {"Accept_Encoding": "gzip"},
        {"Accept_Encoding": "deflate, gzip"},
        {"Accept_Encoding": "br, gzip;q=0.5"},
    ],
)
def test_cross_origin_and_compression(written: Written, path: str, headers: dict[str, str]) -> None:
    real, ours = (
        _head(f"{base}/api/v1/{path}", **headers)
        for base in (written.pair.prometheus, written.pair.termprom)
    )
    # Ours does not compress what is shorter than the header that says so. Newer releases than this
    # one tell caches of the encoding, and every origin the same.
    if "Content-Encoding" not in ours:
        real.pop("Content-Encoding", None)
    real["Vary"] = ", ".join(["Accept-Encoding", *(["Origin"] if "Origin" in real["Vary"] else [])])
    if "Access-Control-Allow-Origin" in real:
        assert real["Access-Control-Allow-Origin"] == "http://elsewhere"
        real["Access-Control-Allow-Origin"] = "*"
    assert ours == real


def test_deleted_series_are_gone_from_both(written: Written) -> None:
    """Last: it takes data away."""
    span = {"start": written.start, "end": written.start + 100}
    real, ours = written.pair.ask(
        "/api/v1/admin/tsdb/delete_series",
        [("match[]", "gaps"), *span.items()],
        method="POST",
        form=True,
    )
    assert (ours.status, ours.body) == (real.status, real.body) == (204, "")
    text = f"query=gaps&start={written.start}&end={written.end}&step=15"
    real_bytes, our_bytes = written.raw(f"/api/v1/query_range?{text}")
    assert our_bytes == real_bytes
    for path in ("clean_tombstones", "snapshot?skip_head=true", "snapshot?skip_head=x"):
        real, ours = written.pair.ask(f"/api/v1/admin/tsdb/{path}", method="PUT")
        assert (ours.status, ours.content_type) == (real.status, real.content_type)
        if ours.status != 200:
            assert ours.body == real.body
