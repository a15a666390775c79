"""Files of targets: noticed, replaced, broken, gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from termprom import limits
from termprom.config.schema import FileSDConfig
from termprom.discovery.file import FileDiscovery
from termprom.discovery.interface import Surroundings
from termprom.testing.clock import ManualClock
from tests.discovery.fakes import running, surroundings, value


def discovery(clock: ManualClock, *patterns: Path | str) -> tuple[FileDiscovery, Surroundings]:
    around = surroundings(clock)
    return FileDiscovery(FileSDConfig(tuple(map(str, patterns)), 300_000), around), around


def addresses(targets: list[dict[str, str]]) -> list[str]:
    return [labels["__address__"] for labels in targets]


async def test_json_and_yaml_give_the_same_targets_with_the_path_as_label(tmp_path: Path) -> None:
    as_json, as_yaml = tmp_path / "a.json", tmp_path / "b.yml"
    as_json.write_text('[{"targets": ["a:1", "b:2"], "labels": {"env": "x"}}]')
    as_yaml.write_text("- targets: [a:1, b:2]\n  labels: {env: x}\n")
    clock = ManualClock()
    file, around = discovery(clock, tmp_path / "*.json", as_yaml)
    async with running(file) as emissions:
        await emissions.next()
        assert emissions.targets == [
            {"__address__": address, "env": "x", "__meta_filepath": str(path)}
            for address in ("a:1", "b:2")
            for path in (as_json, as_yaml)
        ]
        mtime = value(
            around.metrics.registry, "prometheus_sd_file_mtime_seconds", filename=str(as_yaml)
        )
        assert mtime == int(as_yaml.stat().st_mtime)


async def test_an_atomic_replacement_is_seen_though_size_and_time_are_the_same(
    tmp_path: Path,
) -> None:
    path = tmp_path / "targets.json"
    path.write_text('[{"targets": ["a:1"]}]')
    clock = ManualClock()
    file, _ = discovery(clock, path)
    async with running(file) as emissions:
        await emissions.next()
        other = tmp_path / "new"
        other.write_text('[{"targets": ["b:1"]}]')
        os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        other.replace(path)
        await clock.advance(1)
        assert addresses(emissions.targets) == ["b:1"]


async def test_a_file_that_appears_and_vanishes_takes_its_targets_with_it(tmp_path: Path) -> None:
    clock = ManualClock()
    file, around = discovery(clock, tmp_path / "*.yml")
    async with running(file) as emissions:
        await emissions.next()
        assert emissions.targets == []
        path = tmp_path / "late.yml"
        path.write_text("- targets: [a:1]\n- targets: [b:1]\n")
        await clock.advance(1)
        assert addresses(emissions.targets) == ["a:1", "b:1"]
        path.write_text("- targets: [b:1]\n")
        await clock.advance(1)
        assert addresses(emissions.targets) == ["b:1"]
        path.unlink()
        await clock.advance(1)
        assert emissions.targets == []
        registry, name = around.metrics.registry, "prometheus_sd_file_mtime_seconds"
        assert value(registry, name, filename=str(path)) == -1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("f.json", ""),
        ("f.json", '[{"targets": ["b:1"]'),
        ("f.json", '[{"targets": ["b:1"], "tragets": []}]'),
        ("f.json", "[null]"),
        ("f.json", '[{"targets": [1]}]'),
        ("f.json", '[{"targets": ["b:1"], "labels": {"n": 1}}]'),
        ("f.yml", "- targets: [b:1]\n  label: {}\n"),
        ("f.yml", "- \n"),
        ("f.yml", "targets: [b:1]\n"),
        ("f.yml", "- targets: [b:1]\n  labels: {'': x}\n"),
    ],
)
async def test_a_broken_file_keeps_the_targets_it_had(
    tmp_path: Path, name: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = tmp_path / name, tmp_path / "sound.json"
    broken.write_text('[{"targets": ["a:1"]}]')  # which is YAML too
    sound.write_text('[{"targets": ["s:1"]}]')
    clock = ManualClock()
    file, around = discovery(clock, broken, sound)
    async with running(file) as emissions:
        await emissions.next()
        broken.write_text(text)
        sound.write_text('[{"targets": ["s:2"]}]')
        await clock.advance(1)
        assert addresses(emissions.targets) == ["a:1", "s:2"]
        assert value(around.metrics.registry, "prometheus_sd_file_read_errors_total") == 1
    assert "cannot use a file of targets" in caplog.text


async def test_an_empty_yaml_file_has_no_targets(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("# nothing yet\n")
    clock = ManualClock()
    file, around = discovery(clock, path)
    async with running(file) as emissions:
        await emissions.next()
        assert emissions.targets == []
        assert value(around.metrics.registry, "prometheus_sd_file_read_errors_total") == 0


async def test_a_file_past_the_bound_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DISCOVERY_BODY_BYTES_MAX", 40)
    path = tmp_path / "f.json"
    path.write_text('[{"targets": ["a:1"]}]')
    clock = ManualClock()
    file, around = discovery(clock, path)
    async with running(file) as emissions:
        await emissions.next()
        path.write_text('[{"targets": ["a:1"]}]' + " " * 40)
        await clock.advance(1)
        assert addresses(emissions.targets) == ["a:1"]
        assert value(around.metrics.registry, "prometheus_sd_file_read_errors_total") == 1


async def test_files_are_read_again_at_the_interval_even_if_nothing_seems_changed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "f.json"
    path.write_text('[{"targets": ["a:1"]}]')
    clock = ManualClock()
    file, _ = discovery(clock, path)
    async with running(file) as emissions:
        await emissions.next()
        await clock.advance(299)
        assert len(emissions.all) == 1
        await clock.advance(2)
        assert len(emissions.all) == 2
