"""Config: the YAML, what was wrong with the last reload in full, flags, build, and reloading."""

from __future__ import annotations

import pytest

from termprom.backend.interface import Feature
from termprom.errors import BackendUnavailable
from termprom.testing.fake_backend import FakeBackend
from termprom.tui.widgets.banner import Banner
from termprom.views import BuildView, ListenerView, StatusView
from tests.tui.panes.screen import NOW_MS, fake, showing

YAML = "global:\n  scrape_interval: 15s\n# note\n" + "".join(
    f"  - job_name: job-{number}\n" for number in range(200)
)


def _backend(status: dict[str, object] | None = None, **more: object) -> FakeBackend:
    options: dict[str, object] = {
        "config_path": "/etc/termprom.yml",
        "config_yaml": YAML,
        "config_loaded_ms": NOW_MS - 60_000,
        "data_folder": "/data",
        "started_ms": NOW_MS - 3_600_000,
        "flags": {"web.listen-address": "0.0.0.0:9090", "config.file": "/etc/termprom.yml"},
        "listeners": (ListenerView("api", "h:9091", "http://h:9091", "h:9090"),),
        "pid": 42,
    }
    view = StatusView(BuildView("3.1", "abc", application="termprom"), **(options | (status or {})))  # type: ignore[arg-type]
    return fake(status_view=view, **more)


async def test_the_yaml_scrolls_to_its_end() -> None:
    async with showing(_backend(), "config") as screen:
        assert "scrape_interval: 15s" in screen.text
        assert "/etc/termprom.yml" in screen.text
        assert "job-199" not in screen.text
        await screen.press("G")
        assert "job-199" in screen.text
        await screen.press("g")
        assert "global:" in screen.text


async def test_a_failed_reload_is_told_in_full_above_the_yaml() -> None:
    error = "a.yml:3:5: unknown key scrape_intervall\n  did you mean scrape_interval?"
    async with showing(_backend({"config_ok": False, "config_error": error}), "config") as screen:
        assert "the last reload failed" in screen.text
        assert "a.yml:3:5: unknown key scrape_intervall" in screen.text
        assert "did you mean scrape_interval?" in screen.text
        assert "global:" in screen.text


async def test_r_reloads_and_says_what_became_of_it() -> None:
    backend = _backend()
    async with showing(backend, "config") as screen:
        await screen.press("R")
        await screen.pilot.pause(0.05)
        assert "reload" in backend.asked
        assert "configuration reloaded" in screen.app.query_one(Banner).text
        backend.reload_error = BackendUnavailable("a.yml:3:1: wrong")
        await screen.press("R")
        await screen.pilot.pause(0.05)
        assert "a.yml:3:1: wrong" in screen.app.query_one(Banner).text


async def test_flags_and_build_are_tabs() -> None:
    async with showing(_backend(), "config") as screen:
        await screen.press("m")
        assert "--web.listen-address" in screen.text
        assert "0.0.0.0:9090" in screen.text
        await screen.press("m")
        for part in ("termprom 3.1", "up 1h", "http://h:9091", "h:9090 was taken", "42,"):
            assert part in screen.text


async def test_a_server_that_cannot_reload_offers_no_key_for_it() -> None:
    without = _backend(features=frozenset(Feature) - {Feature.RELOAD})
    async with showing(without, "config") as screen:
        await screen.press("R")
        assert "reload" not in without.asked
        assert "reload config" not in screen.text


async def test_no_configuration_is_said() -> None:
    async with showing(fake(), "config") as screen:
        assert "does not tell its configuration" in screen.text


@pytest.mark.parametrize("size", [(40, 10), (60, 15), (80, 24), (200, 60)])
async def test_every_size_is_drawn(size: tuple[int, int]) -> None:
    async with showing(_backend(), "config", size) as screen:
        await screen.press("j", "ctrl+d", "m", "m", "m")
        assert len(screen.lines) == size[1]
