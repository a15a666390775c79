"""`termprom serve` as its operator sees it: signals, exit statuses, what survives."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from urllib.request import urlopen

from tests.daemon.process import Served, eventually

SELF_ONLY = """\
global: {scrape_interval: 100ms, scrape_timeout: 100ms, evaluation_interval: 100ms}
scrape_configs:
  - job_name: termprom
    scheme: internal
    static_configs: [{targets: [here]}]
"""


def test_a_stranger_sees_this_process_and_this_host(tmp_path: Path) -> None:
    """No configuration at all: the embedded default."""
    with Served(tmp_path) as served:
        served.ready()
        built_in = 'sum(up{job=~"termprom|node"})'  # beside whatever listens on this host
        eventually("both targets are up", lambda: served.value(built_in) == 2)
        assert served.value("node_memory_MemTotal_bytes") > 0
        groups = served.get("/api/v1/rules")["groups"]
        alerts = {rule["name"] for group in groups for rule in group["rules"]}
        assert {"TargetDown", "HostDiskFilling", "HostMemoryLow", "HostCpuBusy"} <= alerts
        status, log = served.stop()
    assert status == 0
    assert "Traceback" not in log


def test_what_was_shown_survives_kill_9(tmp_path: Path) -> None:
    with Served(tmp_path, config=SELF_ONLY) as served:
        served.ready()
        eventually("ten samples", lambda: (served.value("count_over_time(up[1m])") or 0) >= 10)
        shown = served.get("/api/v1/query?query=up[1m]")["result"][0]["values"]
        served.stop(signal.SIGKILL)
    with Served(tmp_path, config=SELF_ONLY) as served:
        served.ready()
        kept = served.get("/api/v1/query?query=up[10m]")["result"][0]["values"]
        assert [point for point in shown if point not in kept] == []
        count = len(kept)
        eventually(
            "the series goes on", lambda: (served.value("count_over_time(up[10m])") or 0) > count
        )
        assert served.stop()[0] == 0


def test_what_was_pushed_survives_kill_9(tmp_path: Path) -> None:
    job = "/metrics/job/a/instance/b"
    with Served(tmp_path, config=SELF_ONLY) as served:
        served.ready()
        assert served.status(job, method="PUT", body=b"m 1\n") == 200
        assert served.status("/metrics/job/gone", method="PUT", body=b"m 2\n") == 200
        assert served.status("/metrics/job/gone", method="DELETE") == 202
        served.stop(signal.SIGKILL)
    with Served(tmp_path, config=SELF_ONLY) as served:
        (group,) = served.ready().get("/api/v1/x/push_groups")
        assert dict(group["labels"]) == {"job": "a", "instance": "b"}
        assert (group["series"], group["last_push_ok"]) == (1, True)


SECRETS = """\
scrape_configs:
- job_name: a
  scheme: internal
  basic_auth: {{username: anna, password: s3cret-1}}
  static_configs: [{{targets: [here]}}]
- job_name: b
  authorization: {{credentials: s3cret-2}}
  http_sd_configs: [{{url: "http://u:s3cret-3@127.0.0.1:{port}/x"}}]
- job_name: c
  proxy_url: "http://u:s3cret-4@127.0.0.1:{port}"
  http_headers: {{X-Key: {{secrets: [s3cret-5]}}}}
  static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
alerting:
  alertmanagers:
  - basic_auth: {{username: anna, password: s3cret-6}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
remote_write:
- url: "http://u:s3cret-7@127.0.0.1:{port}/w"
  authorization: {{credentials: s3cret-8}}
"""

EVERYTHING = """
/metrics /federate?match[]=up /api/v1/status/config /api/v1/status/flags /api/v1/status/runtimeinfo
/api/v1/targets /api/v1/scrape_pools /api/v1/alertmanagers /api/v1/rules /api/v1/alerts
/api/v1/scrape_pools/config?scrapePool=a /api/v1/scrape_pools/config?scrapePool=b
/api/v1/scrape_pools/config?scrapePool=c /api/v1/notifications /api/v1/series?match[]=up
/api/v1/status/self_metrics /api/v1/metadata /api/v1/x/status /api/v1/x/targets /api/v1/x/logs
"""


def test_no_secret_of_the_configuration_shows_anywhere(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    flags = ("--log.level=debug", "--web.enable-lifecycle")
    with Served(tmp_path, *flags, config=SECRETS.format(port=port)) as served:
        served.ready()

        def failed() -> bool:
            with urlopen(served.url + "/api/v1/targets") as answer:
                return b'"down"' in answer.read()

        eventually("a scrape through the proxy has failed", failed)
        for path in EVERYTHING.split():
            with urlopen(served.url + path) as answer:
                assert b"s3cret" not in answer.read(), path
        status, log = served.stop()
    assert status == 0
    assert "s3cret" not in log
    assert "s3cret" not in (tmp_path / "data" / "termprom.log").read_text(errors="replace")


def test_a_typo_in_the_configuration_is_located_and_ends_with_1(tmp_path: Path) -> None:
    with Served(tmp_path, config=SELF_ONLY.replace("job_name", "jobname")) as served:
        status, text = served.finished()
    assert status == 1
    assert f"{tmp_path}/prometheus.yml:3:" in text
    assert "jobname" in text
    assert "Traceback" not in text


def test_an_address_that_was_asked_for_and_is_taken_ends_with_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with Served(tmp_path, f"--web.listen-address={address}") as served:
            status, text = served.finished()
    assert status == 1
    assert f"listen {address}: address already in use" in text
    assert "Traceback" not in text


def test_a_second_engine_on_the_folder_is_refused(tmp_path: Path) -> None:
    with Served(tmp_path, config=SELF_ONLY) as first:
        first.ready()
        with Served(tmp_path, config=SELF_ONLY) as second:
            status, text = second.finished()
        assert status == 1
        assert f"is in use by process {first.process.pid}" in text
        assert first.stop()[0] == 0


def test_a_broken_reload_keeps_the_old_configuration(tmp_path: Path) -> None:
    """By SIGHUP and by HTTP; the failure is told in words and in a metric."""
    with Served(tmp_path, "--web.enable-lifecycle", config=SELF_ONLY) as served:
        served.ready()
        eventually("up", lambda: served.value("up") == 1)
        served.config.write_text(SELF_ONLY + "rules: nonsense\n")
        assert served.status("/-/reload", method="POST", body=b"") == 500
        with urlopen(served.url + "/metrics") as answer:
            assert b"prometheus_config_last_reload_successful 0" in answer.read()
        eventually("still up", lambda: served.value("up") == 1)

        changed = SELF_ONLY.replace("targets: [here]", "targets: [here, there]")
        served.config.write_text(changed)
        served.process.send_signal(signal.SIGHUP)
        eventually("the second target", lambda: served.value("count(up == 1)") == 2)
        with urlopen(served.url + "/metrics") as answer:
            assert b"prometheus_config_last_reload_successful 1" in answer.read()
        assert served.stop()[0] == 0
