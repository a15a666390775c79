"""Real writers and readers: vmagent, vmalert and a Prometheus feed us; promtool over TLS."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import tarfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from tests.daemon.process import Served, eventually
from tests.differential.side_by_side import _Page, free_port
from tests.peers import peer, running

pytestmark = [pytest.mark.peer, pytest.mark.slow]

PKI = Path(__file__).parents[1] / "server" / "pki"
RECEIVER = "--web.enable-remote-write-receiver"
SAMPLES = 13  # on the page


@pytest.fixture
def page() -> Iterator[int]:
    """The port of a target."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


SCRAPE = """scrape_configs:
- job_name: app
  scrape_interval: 1s
  static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""
NOTHING = "scrape_configs: []\n"


def _arrives(served: Served) -> None:
    """All of a page, twice at least, with values as they were."""
    eventually("two scrapes", lambda: served.value('count_over_time(load{cpu="0"}[1m]) > 1'))
    count = 'count({job="app",__name__!~"up|scrape_.*|ALERTS.*"})'
    eventually("all of the page", lambda: served.value(count) == SAMPLES)
    assert served.value('req_total{path="/é"}') == 3
    assert served.value("big == 1e21") == 1e21
    assert served.value("count(odd != odd)") == 1


def test_vmagent_writes_to_us(tmp_path: Path, page: int) -> None:
    scrape = tmp_path / "scrape.yml"
    scrape.write_text(SCRAPE.format(port=page), "utf-8")
    port = free_port()
    with Served(tmp_path, RECEIVER, config=NOTHING) as served:
        url = served.ready().url
        with running(
            f"http://127.0.0.1:{port}",
            "/health",
            tmp_path / "vmagent.log",
            "vmagent",
            f"-promscrape.config={scrape}",
            f"-remoteWrite.url={url}/api/v1/write",
            f"-remoteWrite.tmpDataPath={tmp_path / 'queue'}",
            "-remoteWrite.flushInterval=200ms",
            f"-httpListenAddr=127.0.0.1:{port}",
        ):
            _arrives(served)


@pytest.mark.parametrize("message", ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"])
def test_a_prometheus_writes_to_us(tmp_path: Path, page: int, message: str) -> None:
    with Served(tmp_path, RECEIVER, config=NOTHING) as served:
        url = served.ready().url
        config = tmp_path / "real.yml"
        config.write_text(
            SCRAPE.format(port=page)
            + f"remote_write:\n- url: {url}/api/v1/write\n  send_exemplars: true\n"
            + f"  send_native_histograms: true\n  protobuf_message: {message}\n"
            + "  metadata_config: {send_interval: 1s}\n"
            + "  queue_config: {batch_send_deadline: 200ms}\n",
            "utf-8",
        )
        port = free_port()
        with running(
            f"http://127.0.0.1:{port}",
            "/-/ready",
            tmp_path / "prometheus.log",
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path / 'real'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ):
            _arrives(served)
            real = f"http://127.0.0.1:{port}"
            failed = "prometheus_remote_storage_samples_failed_total"
            page_text = subprocess.run(
                ["curl", "-sf", f"{real}/metrics"], capture_output=True, text=True, check=True
            ).stdout
            told = [line for line in page_text.splitlines() if line.startswith(failed)]
            assert [line.rsplit(" ", 1)[1] for line in told] == ["0"]


def test_a_prometheus_reads_from_us(tmp_path: Path, page: int) -> None:
    """What only we have scraped, it shows and calculates with."""
    with Served(tmp_path, config=SCRAPE.format(port=page)) as served:
        url = served.ready().url
        eventually("scraped twice", lambda: served.value("count_over_time(load[1m]) > 1"))
        config = tmp_path / "real.yml"
        config.write_text(
            f"remote_read: [{{url: {url}/api/v1/read, read_recent: true}}]\n", "utf-8"
        )
        port = free_port()
        real = f"http://127.0.0.1:{port}"
        with running(
            real,
            "/-/ready",
            tmp_path / "prometheus.log",
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path / 'real'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ):
            at = str(int(time.time()))
            for expr in ("sort(load)", "odd", "big", 'req_total{path=~"/é|/a.*"}', "endless"):
                asked = ("query", "instant", "--time", at, "URL", expr)
                answers = [
                    _promtool(*(one.replace("URL", base) for one in asked), folder=tmp_path)
                    for base in (url, real)
                ]
                assert sorted(answers[1][1].splitlines()) == sorted(answers[0][1].splitlines())
                assert answers[0][0] == 0
            asked = ("query", "instant", "--time", at, real, "sum(count_over_time(load[1m])) > 3")
            assert _promtool(*asked, folder=tmp_path)[1] != ""


RULES = """groups:
- name: g
  interval: 1s
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {by: vmalert}
  - alert: Hot
    expr: load > 1
    labels: {severity: page}
"""


def test_vmalert_evaluates_over_our_api_and_writes_back(tmp_path: Path, page: int) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(RULES, "utf-8")
    port = free_port()
    with Served(tmp_path, RECEIVER, config=SCRAPE.format(port=page)) as served:
        url = served.ready().url
        eventually("scraped", lambda: served.value("sum(load)") == 4)
        with running(
            f"http://127.0.0.1:{port}",
            "/health",
            tmp_path / "vmalert.log",
            "vmalert",
            f"-rule={rules}",
            f"-datasource.url={url}",
            "-datasource.queryStep=1s",
            "-rule.evalDelay=0s",
            f"-remoteWrite.url={url}",
            f"-remoteRead.url={url}",
            "-remoteWrite.flushInterval=200ms",
            "-notifier.blackhole",
            f"-httpListenAddr=127.0.0.1:{port}",
        ):
            recorded = 'job:up:sum{by="vmalert",job="app"}'
            eventually("recorded", lambda: served.value(recorded) == 1)
            alerts = 'count(ALERTS{alertname="Hot",alertstate="firing",severity="page"})'
            eventually("firing", lambda: served.value(alerts) == 2)
            eventually("its state is kept", lambda: served.value("count(ALERTS_FOR_STATE)") == 2)


def _promtool(*arguments: str, folder: Path) -> tuple[int, str]:
    found = subprocess.run(
        [peer("promtool"), *arguments], capture_output=True, text=True, timeout=60, cwd=folder
    )
    return found.returncode, found.stdout + found.stderr


def test_promtool_over_tls_with_a_password(tmp_path: Path) -> None:
    hashed = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
    web = tmp_path / "web.yml"
    web.write_text(
        f"tls_server_config: {{cert_file: {PKI / 'server.pem'}, key_file: {PKI / 'server.key'}}}\n"
        f"basic_auth_users: {{anna: {hashed}}}\n",
        "utf-8",
    )
    status, text = _promtool("check", "web-config", str(web), folder=tmp_path)
    assert (status, "SUCCESS" in text) == (0, True), text
    http = tmp_path / "http.yml"
    http.write_text(
        "basic_auth: {username: anna, password: right}\n"
        f"tls_config: {{ca_file: {PKI / 'ca.pem'}, server_name: localhost}}\n",
        "utf-8",
    )
    flags = ("--push.listen-address=127.0.0.1:0", f"--web.config.file={web}", RECEIVER)
    with Served(tmp_path, *flags, config=NOTHING) as served:
        url = served.url
        assert url.startswith("https://")
        asked = ("query", "instant", f"--http.config.file={http}", url, "1 + 1")

        def answers() -> bool:
            return _promtool(*asked, folder=tmp_path)[1].startswith("scalar: 2")

        eventually("it answers", answers)
        assert _push_status(url, "right") == 200
        assert _push_status(url, "wrong") == 401
        status, text = _promtool("query", "instant", url, "1", folder=tmp_path)
        assert status != 0
        assert "certificate" in text
        http.write_text(http.read_text().replace("right", "wrong"), "utf-8")
        status, text = _promtool(*asked, folder=tmp_path)
        assert status != 0
        assert "Unauthorized" in text or "401" in text


def _push_status(url: str, password: str) -> int:
    """Of a push over TLS to the Pushgateway's own listener."""
    context = ssl.create_default_context(cafile=PKI / "ca.pem")

    def ask(to: str, password: str, **more: Any) -> Any:
        basic = base64.b64encode(f"anna:{password}".encode()).decode()
        request = urllib.request.Request(to, headers={"Authorization": f"Basic {basic}"}, **more)
        return urllib.request.urlopen(request, context=context, timeout=20)

    with ask(f"{url}/api/v1/x/status", "right") as answer:
        listeners = json.load(answer)["data"]["listeners"]
    (push,) = (one["url"] for one in listeners if one["purpose"] == "pushgateway")
    try:
        with ask(f"{push}/metrics/job/a", password, data=b"m 1\n", method="PUT") as answer:
            return int(answer.status)
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code


def test_promtool_collects_what_helps_to_debug(tmp_path: Path) -> None:
    with Served(tmp_path, config=NOTHING) as served:
        status, text = _promtool("debug", "metrics", served.ready().url, folder=tmp_path)
        assert status == 0, text
        with tarfile.open(tmp_path / "debug.tar.gz") as archive:
            (name,) = archive.getnames()
            opened = archive.extractfile(name)
            assert opened is not None
            assert b"prometheus_http_requests_total" in opened.read()
