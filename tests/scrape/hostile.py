"""An exporter of many paths that goes through phases: sound, then each in its own trouble, then
sound again. One server, so that whoever asks sees the same.
"""

from __future__ import annotations

import gzip
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, NamedTuple

from tests.exposition.messages import (
    bucket,
    double,
    family,
    label,
    message,
    metric,
    number,
    packed_varints,
    span,
    zigzag,
)

PHASES: Final = 3
TEXT: Final = "text/plain; version=0.0.4"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0"
PROTO: Final = (
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
)


class Answer(NamedTuple):
    body: bytes | str = ""
    status: int = 200
    content_type: str | None = TEXT
    headers: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0  # to wait before anything is said
    cut: bool = False  # say that twice as much comes as does, and hang up


Path = Callable[[int], Answer]


def _good(phase: int) -> Answer:
    return Answer(
        f'# TYPE g gauge\ng{{a="b c",d="}}"}} {phase}.5\ng2 NaN\ng3 +Inf\ng4 1e-300\n'
        f"# TYPE c counter\nc_total {phase}\n"
    )


def _vanish(phase: int) -> Answer:
    return Answer("a 1\nb 2\n" if phase != 1 else "a 3\n")


def _troubled(trouble: Answer) -> Path:
    return lambda phase: trouble if phase == 1 else Answer("a 1\nb 2\n")


def _types(phase: int) -> Answer:
    """A metric that changes its type. Its bounds are in the one spelling: a Prometheus goes on with
    the labels that it read under the first type, we read them anew.
    """
    kind = ("gauge", "histogram", "summary")[phase]
    lines = 'm{le="1.0"} 1\nm{quantile="1.0"} 2\nm_bucket{le="1.0"} 3\nm_bucket{le="+Inf"} 3\n'
    return Answer(f"# TYPE m {kind}\n{lines}")


def _stamped(phase: int) -> Answer:
    now_ms = int(time.time() * 1000)
    return Answer(
        f"soon 1 {now_ms + 60_000}\nfuture 1 {now_ms + 660_000}\n"
        f"past 1 {now_ms - 7_300_000}\nlately 1 {now_ms - 2_000}\nplain {phase}\n"
    )


def _native(phase: int) -> Answer:
    deltas = packed_varints(13, map(zigzag, [1 + phase, 1, -1]))
    parts = number(1, 4 + 3 * phase) + double(2, 1.5) + number(5, zigzag(2)) + double(6, 0.001)
    parts += span(12, 1, 3) + deltas
    classic = number(1, 4) + double(2, 6.5) + bucket(1.0, 1) + bucket(2.0, 3)
    return Answer(
        family("h", 4, metric(label("a", "b"), message(7, parts)))
        + family("k", 4, metric(message(7, classic)))
        + family("c_total", 0, metric(message(3, double(1, 1.0 + phase)))),
        content_type=PROTO,
    )


_CLASSIC: Final = (
    '# TYPE h histogram\nh_bucket{x="1",le="1"} 1\nh_bucket{x="1",le="2"} 3\n'
    'h_bucket{x="1",le="+Inf"} 4\nh_sum{x="1"} 6.5\nh_count{x="1"} 4\n'
    'h_bucket{x="2",le="0.5"} 0\nh_bucket{x="2",le="+Inf"} 7\nh_count{x="2"} 7\nplain 1\n'
)


def _classic(phase: int) -> Answer:
    return Answer(_CLASSIC.replace("h_sum", "# why\nh_sum") if phase == 1 else _CLASSIC)


def _own_time(phase: int) -> Answer:
    """Series with timestamps of their own, one of which goes away."""
    now_ms = int(time.time() * 1000)
    return Answer(f"a {phase} {now_ms - 500}\n" + (f"b 2 {now_ms - 500}\n" if phase != 1 else ""))


def _odd_classic(phase: int) -> Answer:
    return Answer(_CLASSIC.replace('le="2"} 3', 'le="2"} 9') if phase == 1 else _CLASSIC)


PATHS: Final[dict[str, Path]] = {
    "good": _good,
    "vanish": _vanish,
    "types": _types,
    "stamped": _stamped,
    "native": _native,
    "nhcb": _classic,
    "both": _classic,
    "status": _troubled(Answer("no", 503)),
    "nothing": _troubled(Answer("", 204)),
    "empty": _troubled(Answer("")),
    "slow": _troubled(Answer("a 7\n", seconds=1.5)),
    "cut": _troubled(Answer("a 7\nb 8\n", cut=True)),
    "html": _troubled(Answer("a 7\n", content_type="text/html")),
    "untyped": _troubled(Answer("a 7\n", content_type=None)),
    "odd_type": _troubled(Answer("a 7\n", content_type="text/plain; version")),
    "bomb": _troubled(
        Answer(
            gzip.compress(b"a 7\n" + b"# " + b"x" * (64 << 20) + b"\n"),
            headers=(("Content-Encoding", "gzip"),),
        )
    ),
    "not_gzip": _troubled(Answer("a 7\n", headers=(("Content-Encoding", "gzip"),))),
    "long_comment": _troubled(Answer("a 7\n# " + "x" * (10 << 20) + "\nb 8\n")),
    "long_line": _troubled(Answer("a 7\n" + "x" * (10 << 20) + "\nb 8\n")),
    "twice": _troubled(Answer('a 7\na 8\nb{x="1"} 1\nb{x="1",} 2\n')),
    "same_label": _troubled(Answer('a{x="1",x="2"} 7\n')),
    "mistake": _troubled(Answer("a 7\noops\nb 8\n")),
    "binary": _troubled(Answer(bytes(range(256)) * 16)),
    "nul": _troubled(Answer("a 7\n\0\nb 8\n")),
    "carriage": _troubled(Answer("a 7\r\nb 8\r\n")),
    "unfinished": _troubled(Answer("a 7\nb 8")),
    "om": _troubled(Answer('a_total 7 # {id="x"} 1 2\n# EOF\n', content_type=OPENMETRICS)),
    "om_unended": _troubled(Answer("a 7\n", content_type=OPENMETRICS)),
    "om_as_text": _troubled(Answer("# TYPE a untyped\na 7\n# EOF\n", content_type=OPENMETRICS)),
    "text_as_proto": _troubled(Answer("a 7\n", content_type=PROTO)),
    "utf8": _troubled(Answer('{"a.b","c.d"="é"} 7\n{"é"} 8\n')),
    "conflicts": _troubled(Answer('a{instance="own",job="mine",exported_job="x"} 7\nup 5\n')),
    "honored": _troubled(Answer('a{instance="own",job=""} 7\nup 5\n')),
    "samples": _troubled(Answer("a 7\nb 8\nc 9\nd 10\n")),
    "label_value": _troubled(Answer(f'a{{x="{"v" * 40}"}} 7\n')),
    "label_count": _troubled(Answer('a{x="1",y="2",z="3"} 7\nb 8\n')),
    "nameless": _troubled(Answer('{x="1"} 7\n')),
    "dropped": _troubled(Answer("a 7\ngo_x 8\n")),
    "moved": _troubled(Answer("", 302, headers=(("Location", "/good"),))),
    "moved_kept": _troubled(Answer("", 302, headers=(("Location", "/good"),))),
    "legacy": _troubled(Answer('{"a.b"} 7\n')),
    "unhonored": _own_time,
    "tracked": _own_time,
    "label_name": _troubled(Answer(f'a{{{"n" * 40}="1"}} 7\n')),
    "rewritten": _good,
    "few_buckets": _native,
    "wide_buckets": _native,
    "odd_classic": _odd_classic,
    "text_fallback": _troubled(Answer("a 7\n", content_type="text/html")),
    "spaces": _troubled(Answer('  a 7\n\tb\t8\t\nc{x = "1" , } 9\n')),
    "huge_number": _troubled(Answer("a 1e400\n")),
    "tiny_number": _troubled(Answer("a 1e-400\nb -0\nc 0x10\n")),
    "infinite": _troubled(Answer("a +Inf\nb -inf\nc NaN\nd nan\n")),
    "escapes": _troubled(Answer('a{x="\\n\\"\\\\\\z"} 7\n')),
    "no_body_length": _troubled(Answer("a 7\n", headers=(("X", "y"),))),
    "circle": _troubled(Answer("", 302, headers=(("Location", "/circle"),))),
}

_NATIVE: Final = "scrape_native_histograms"
# Settings of the jobs beside path and target.
JOBS: Final = {
    "native": "scrape_native_histograms: true",
    "nhcb": "convert_classic_histograms_to_nhcb: true",
    "both": "convert_classic_histograms_to_nhcb: true\n  always_scrape_classic_histograms: true",
    "bomb": "body_size_limit: 1MB",
    "honored": "honor_labels: true",
    "samples": "sample_limit: 3",
    "label_value": "label_value_length_limit: 30",
    "label_count": "label_limit: 4",
    "dropped": (
        "metric_relabel_configs: [{source_labels: [__name__], regex: 'go_.*', action: drop}]"
    ),
    "moved_kept": "follow_redirects: false",
    "stamped": "track_timestamps_staleness: false",
    "legacy": ("metric_name_validation_scheme: legacy\n  metric_name_escaping_scheme: underscores"),
    "unhonored": "honor_timestamps: false",
    "tracked": "track_timestamps_staleness: true",
    "label_name": "label_name_length_limit: 30",
    "rewritten": (
        "metric_relabel_configs:\n"
        "  - {source_labels: [a], target_label: shard, modulus: 7, action: hashmod}\n"
        "  - {regex: (d), replacement: new_$1, action: labelmap}\n"
        "  - {source_labels: [__name__, a], separator: '@', target_label: both}\n"
        "  - {source_labels: [a], target_label: upper, action: uppercase}\n"
        "  - {regex: d, action: labeldrop}"
    ),
    "few_buckets": "scrape_native_histograms: true\n  native_histogram_bucket_limit: 2",
    "wide_buckets": "scrape_native_histograms: true\n  native_histogram_min_bucket_factor: 2",
    "odd_classic": "convert_classic_histograms_to_nhcb: true",
    "text_fallback": "fallback_scrape_protocol: PrometheusText0.0.4",
}


def configuration(address: str, *, native: bool, paths: Iterable[str] = PATHS) -> str:
    """A job per path. Not `native` leaves out an option that older servers do not have."""
    lines = ["global: {scrape_interval: 1s, scrape_timeout: 1s}", "scrape_configs:"]
    for name in paths:
        lines += [
            f"- job_name: {name}",
            f"  metrics_path: /{name}",
            f"  static_configs: [{{targets: ['{address}']}}]",
        ]
        if name in JOBS:
            settings = JOBS[name].split("\n")
            lines += [
                line if line.startswith("  ") else "  " + line
                for line in settings
                if native or not line.startswith(_NATIVE)
            ]
    return "\n".join(lines) + "\n"


class Hostile:
    """The server's state: the phase, and who asked for what since it began."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = paths
        self.address = ""
        self._lock = threading.Lock()
        self._phase = 0
        self._asked: Counter[tuple[str, str]] = Counter()

    def enter(self, phase: int) -> None:
        with self._lock:
            self._phase = phase
            self._asked.clear()

    def asked(self, path: str, agent: str) -> int:
        """How often one of these scrapers asked for a path in this phase, to the end."""
        with self._lock:
            return self._asked[path, agent]

    def agents(self) -> list[str]:
        """The scrapers that asked in this phase."""
        with self._lock:
            return sorted({agent for _, agent in self._asked if "Prometheus/" in agent})

    def answer(self, path: str) -> Answer:
        with self._lock:
            phase = self._phase
        return self._paths[path](phase) if path in self._paths else Answer("", 404)

    def count(self, path: str, agent: str) -> None:
        with self._lock:
            self._asked[path, agent] += 1


def _handler(state: Hostile) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.strip("/")
            answer = state.answer(path)
            if answer.seconds:
                time.sleep(answer.seconds)
            body = answer.body if isinstance(answer.body, bytes) else answer.body.encode()
            try:
                self._say(answer, body)
            except ConnectionError:
                # Whoever asked has had enough.
                self.close_connection = True
            state.count(path, self.headers.get("User-Agent", ""))

        def _say(self, answer: Answer, body: bytes) -> None:
            self.send_response(answer.status)
            if answer.content_type is not None:
                self.send_header("Content-Type", answer.content_type)
            for name, value in answer.headers:
                self.send_header(name, value)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(body) * (1 + answer.cut)))
            self.end_headers()
            self.wfile.write(body)
            if answer.cut:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            return

    return Handler


@contextmanager
def hostile(paths: Mapping[str, Path] = PATHS) -> Iterator[Hostile]:
    state = Hostile(paths)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    server.daemon_threads = True
    state.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
