"""What mechanisms found and what is wrong with them, as the API of a running engine tells it."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import Any

from tests.daemon.process import Served, eventually

_CONFIG = """
scrape_configs:
  - job_name: web
    scrape_interval: 1h
    http_sd_configs: [{url: "http://127.0.0.1:1/sd"}]
    file_sd_configs: [{files: ["*.json"]}]
    static_configs: [{targets: ["s:1"]}]
  - job_name: cloud
    oci_sd_configs: [{auth: instance_principal, region: r}]
alerting:
  alertmanagers:
    - file_sd_configs: [{files: ["managers.yml"]}]
"""


def test_every_mechanism_is_in_the_targets_view_and_in_the_metrics(tmp_path: Path) -> None:
    (tmp_path / "groups.json").write_text('[{"targets": ["a:1", "b:1"]}, {"targets": ["c:1"]}]')
    with Served(tmp_path, config=_CONFIG) as served:
        served.ready()

        def told() -> dict[tuple[str, str, str], dict[str, Any]] | None:
            views = served.get("/api/v1/x/targets")["discovery"]
            found = {(one["manager"], one["job"], one["mechanism"]): one for one in views}
            settled = found["scrape", "web", "http"]["error"]
            return found if settled and found["scrape", "web", "file"]["targets"] else None

        found = eventually("both mechanisms have told something", told)
        assert set(found) == {
            ("scrape", "web", "file"),
            ("scrape", "web", "http"),
            ("scrape", "cloud", "oci"),
            ("notify", "0", "file"),
        }
        file, http = found["scrape", "web", "file"], found["scrape", "web", "http"]
        assert (file["targets"], file["groups"], file["error"]) == (3, 2, "")
        assert file["found_ms"] >= file["changed_ms"] > 0
        assert (http["targets"], http["found_ms"]) == (0, 0)
        assert "127.0.0.1:1" in http["error"]
        assert http["failed_ms"] > 0
        assert "instance_principal is not implemented" in found["scrape", "cloud", "oci"]["error"]
        with urllib.request.urlopen(f"{served.url}/metrics", timeout=30) as answer:
            page = answer.read().decode()
        for line in (
            'prometheus_sd_discovered_targets{config="web",name="scrape"} 4.0',
            'prometheus_sd_failed_configs{name="scrape"} 1.0',
            'prometheus_sd_refresh_failures_total{config="web",mechanism="http"} ',
            "prometheus_sd_http_failures_total ",
            "prometheus_sd_file_watcher_errors_total 0.0",
        ):
            assert line in page, line
        _, log = served.stop()
    told_of = [line for line in log.splitlines() if "unable to refresh target groups" in line]
    assert len(told_of) == 1
    assert "level=ERROR" in told_of[0]
