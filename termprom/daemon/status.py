"""The status of the process as one immutable view."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from termprom import __version__
from termprom.config.schema import Config
from termprom.daemon.settings import Settings
from termprom.views import BuildView, ListenerView, StatusView, StorageView


@dataclass(slots=True)
class EngineState:
    """What changes while the engine runs and belongs to no part of it."""

    started_ms: int
    hostname: str = field(default_factory=socket.gethostname)
    listeners: tuple[ListenerView, ...] = ()
    config_ok: bool = True
    config_error: str = ""
    config_loaded_ms: int = 0
    samples_per_second: float = 0.0


def picture(
    settings: Settings,
    config: Config,
    state: EngineState,
    now_ms: int,
    *,
    storage: StorageView,
    alertmanagers: Sequence[str],
    dropped_alertmanagers: Sequence[str],
) -> StatusView:
    """All that the status pane and the status endpoints show."""
    process = psutil.Process()
    with process.oneshot():
        times = process.cpu_times()
        resident = process.memory_info().rss
    return StatusView(
        build=BuildView(
            version=__version__,
            go_version=f"python{platform.python_version()}",
            application="termprom",
        ),
        started_ms=state.started_ms,
        now_ms=now_ms,
        hostname=state.hostname,
        working_folder=str(Path.cwd()),
        config_path=config.path,
        config_yaml=config.yaml,
        config_ok=state.config_ok,
        config_error=state.config_error,
        config_loaded_ms=state.config_loaded_ms,
        config_warnings=(*settings.warnings, *config.warnings),
        data_folder=str(settings.data_folder),
        log_path=str(settings.log_path),
        listeners=state.listeners,
        storage=storage,
        flags=settings.flags,
        pid=os.getpid(),
        cpu_seconds=times.user + times.system,
        resident_bytes=resident,
        samples_per_second=state.samples_per_second,
        alertmanagers=tuple(alertmanagers),
        dropped_alertmanagers=tuple(dropped_alertmanagers),
    )
