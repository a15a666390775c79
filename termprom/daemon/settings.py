"""What the command line decides; the configuration file decides the rest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from termprom import limits

DEFAULT_API_PORT: Final = 9090
DEFAULT_PUSH_PORT: Final = 9091
DEFAULT_RETENTION_MS: Final = 15 * 86_400_000


def state_folder() -> Path:
    """Where a user's programs keep state, by the XDG base directory specification."""
    base = os.environ.get("XDG_STATE_HOME", "")
    # The specification says that a relative path is to be ignored.
    root = Path(base) if base.startswith("/") else Path.home() / ".local" / "state"
    return root / "termprom"


@dataclass(frozen=True, slots=True)
class ListenSetting:
    """An address to listen on; one that nobody asked for may move to the next free port."""

    address: str
    explicit: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """The effective flags. Durations are milliseconds, sizes bytes; None: not given."""

    config_file: Path | None = None
    data_folder: Path = field(default_factory=lambda: state_folder() / "data")
    listen: tuple[ListenSetting, ...] = (ListenSetting(f"127.0.0.1:{DEFAULT_API_PORT}"),)
    push_listen: ListenSetting | None = ListenSetting(f"127.0.0.1:{DEFAULT_PUSH_PORT}")
    retention_ms: int = DEFAULT_RETENTION_MS
    retention_bytes: int = 0
    use_lock_file: bool = True
    enable_lifecycle: bool = False
    enable_admin_api: bool = False
    enable_remote_write: bool = False
    remote_write_messages: tuple[str, ...] = ()  # that are taken; none given means all
    web_config_file: Path | None = None
    max_connections: int = 512
    read_timeout_seconds: float = 300.0
    notification_streams_max: int = 16
    search_limit_max: int = 10_000
    remote_read_samples_max: int = 50_000_000
    remote_read_concurrency: int = 10
    push_file: Path | None = None  # None: in the data folder
    push_page: str = "/metrics"  # of the Pushgateway's own listener
    push_checked: bool = True
    push_utf8_names: bool = False
    route_prefix: str = "/"
    page_title: str = "termprom"
    external_url: str = ""
    cors_origin: str = ".*"
    lookback_ms: int = 300_000
    query_timeout_seconds: float = 120.0
    query_concurrency: int = 20
    query_samples_max: int = 50_000_000
    for_outage_tolerance_ms: int = 3_600_000
    for_grace_period_ms: int = 600_000
    resend_delay_ms: int = 60_000
    rules_concurrent_max: int = 0  # 0: the rules of a group one after the other
    notification_queue_max: int = limits.NOTIFIER_QUEUE_MAX
    notification_batch_max: int = limits.NOTIFIER_BATCH_MAX
    drain_notifications: bool = True
    auto_reload_ms: int = 0  # how often to look whether the configuration changed; 0: never
    features: frozenset[str] = frozenset()
    log_level: str = "info"
    log_format: str = "logfmt"
    exit_on_hangup: bool = False
    theme: str = "auto"
    ascii_only: bool = False
    flags: Mapping[str, str] = field(default_factory=dict)  # as given and defaulted, for display
    warnings: tuple[str, ...] = ()  # flags that are accepted and have no effect here

    @property
    def log_path(self) -> Path:
        return self.data_folder / "termprom.log"
