"""The flags of `termprom` and `termprom serve`: Prometheus's own names, and a few of ours.

One table. Flags of the original that have no meaning here are accepted, so that a unit file or a
habit carries over, and named in a warning.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from termprom import limits
from termprom.daemon.feature_flags import feature_warnings
from termprom.daemon.settings import (
    DEFAULT_API_PORT,
    DEFAULT_PUSH_PORT,
    DEFAULT_RETENTION_MS,
    ListenSetting,
    Settings,
)
from termprom.model.durations import format_duration, parse_duration

_SIZE_UNITS: Final = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


def _duration(text: str) -> int:
    try:
        return parse_duration(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from problem


def parse_size(text: str) -> int:
    """Bytes of `512MB`; units are powers of two and required, as upstream. Raises ValueError."""
    for unit in sorted(_SIZE_UNITS, key=len, reverse=True):
        number = text.removesuffix(unit)
        if number != text and number.isdigit():
            return int(number) * _SIZE_UNITS[unit]
    if text == "0":
        return 0
    raise ValueError(f'unknown unit or number in size "{text}", try 512MB')


def _count(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def _round_number(text: str) -> int:
    """Upstream's own default is written `5e7`."""
    try:
        return int(float(text))
    except (ValueError, OverflowError) as problem:
        raise argparse.ArgumentTypeError(f'not a number: "{text}"') from problem


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from problem


# Upstream's flags that protect something: to ignore them would be a lie, so they are refused.
_REFUSED: Final = {
    "--agent": "no agent mode",
}


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag. `kind` parses its text, or is bool; without `help` it is accepted and ignored."""

    name: str
    default: Any = ""
    kind: Callable[[str], Any] | type[bool] = str
    repeated: bool = False
    choices: tuple[str, ...] = ()
    metavar: str = ""
    help: str = ""

    @property
    def key(self) -> str:
        return self.name.replace(".", "_").replace("-", "_")


FLAGS: Final = (
    Flag(
        "config.file",
        metavar="FILE",
        help="Configuration file; without it termprom watches itself and this host.",
    ),
    Flag(
        "config.auto-reload",
        False,
        bool,
        help="Reload when the configuration, or a rule or scrape config file, changes.",
    ),
    Flag(
        "config.auto-reload-interval",
        30_000,
        _duration,
        metavar="TIME",
        help="How often to look for such changes; at least 1s.",
    ),
    Flag(
        "web.listen-address",
        repeated=True,
        metavar="ADDR",
        help=f"Address of the API, default 127.0.0.1:{DEFAULT_API_PORT} or the next free port.",
    ),
    Flag("web.config.file", metavar="PATH", help="TLS and passwords of all listeners."),
    Flag("web.enable-lifecycle", False, bool, help="Allow reload and shutdown over HTTP."),
    Flag("web.enable-admin-api", False, bool, help="Allow deletion and snapshots over HTTP."),
    Flag("web.enable-remote-write-receiver", False, bool, help="Take remote write on the API."),
    Flag(
        "web.remote-write-receiver.accepted-protobuf-messages",
        repeated=True,
        choices=("prometheus.WriteRequest", "io.prometheus.write.v2.Request"),
        help="Messages of remote write that are taken, both where none is named.",
    ),
    Flag("web.max-connections", 512, int, metavar="N", help="Connections to all listeners."),
    Flag(
        "web.read-timeout",
        300_000,
        _duration,
        metavar="TIME",
        help="How long a client may take to send a request.",
    ),
    Flag(
        "web.max-notifications-subscribers",
        16,
        int,
        metavar="N",
        help="Clients of the live notifications.",
    ),
    Flag("web.route-prefix", "/", metavar="PATH", help="Prefix of all paths of the API."),
    Flag("web.page-title", "termprom", metavar="TEXT", help="Title of the HTML pages."),
    Flag("web.external-url", metavar="URL", help="Where others reach this server; used in alerts."),
    Flag("web.cors.origin", ".*", metavar="REGEX", help="Origins that browsers may ask from."),
    Flag(
        "push.listen-address",
        metavar="ADDR",
        help=f"Address of the Pushgateway, default 127.0.0.1:{DEFAULT_PUSH_PORT} or the next "
        "free port; 'off' for none.",
    ),
    Flag(
        "web.search.max-limit",
        10_000,
        int,
        metavar="N",
        help="Results one search may ask for, 0 for no limit.",
    ),
    Flag(
        "web.telemetry-path",
        "/metrics",
        metavar="PATH",
        help="Where the Pushgateway shows metrics.",
    ),
    Flag(
        "persistence.file",
        metavar="FILE",
        help="Where pushed groups are kept, default in the data folder.",
    ),
    Flag(
        "push.disable-consistency-check",
        False,
        bool,
        help="Take pushes unchecked and at once. Dangerous.",
    ),
    Flag("push.enable-utf8-names", False, bool, help="Take UTF-8 names in pushes."),
    Flag(
        "storage.tsdb.path", metavar="DIR", help="Data folder, default under the XDG state folder."
    ),
    Flag(
        "storage.tsdb.retention.time",
        None,
        _duration,
        metavar="TIME",
        help="How long to keep samples, default 15d.",
    ),
    Flag(
        "storage.tsdb.retention.size",
        0,
        _size,
        metavar="SIZE",
        help="How many bytes of blocks to keep, 0 for no limit.",
    ),
    Flag(
        "storage.remote.read-sample-limit",
        50_000_000,
        _round_number,
        metavar="N",
        help="Samples one remote read may ask for, 0 for no limit.",
    ),
    Flag(
        "storage.remote.read-concurrent-limit",
        10,
        int,
        metavar="N",
        help="Remote reads that are answered at once, 0 for no limit.",
    ),
    Flag("storage.tsdb.no-lockfile", False, bool, help="Do not lock the data folder."),
    Flag(
        "query.lookback-delta",
        300_000,
        _duration,
        metavar="TIME",
        help="How old a sample may be for an instant.",
    ),
    Flag("query.timeout", 120_000, _duration, metavar="TIME", help="When a query is given up."),
    Flag("query.max-concurrency", 20, int, metavar="N", help="Queries that run at once."),
    Flag("query.max-samples", 50_000_000, int, metavar="N", help="Samples one query may load."),
    Flag(
        "rules.alert.for-outage-tolerance",
        3_600_000,
        _duration,
        metavar="TIME",
        help="Longest outage after which 'for' state is restored.",
    ),
    Flag(
        "rules.alert.for-grace-period",
        600_000,
        _duration,
        metavar="TIME",
        help="Least time between a restored 'for' state and firing.",
    ),
    Flag(
        "rules.alert.resend-delay",
        60_000,
        _duration,
        metavar="TIME",
        help="Least time before an alert is sent again.",
    ),
    Flag(
        "rules.max-concurrent-evals",
        4,
        _count,
        metavar="N",
        help="Rules evaluated at once, with the feature concurrent-rule-eval.",
    ),
    Flag(
        "alertmanager.notification-queue-capacity",
        limits.NOTIFIER_QUEUE_MAX,
        _count,
        metavar="N",
        help="Alerts that wait for each Alertmanager.",
    ),
    Flag(
        "alertmanager.notification-batch-size",
        limits.NOTIFIER_BATCH_MAX,
        _count,
        metavar="N",
        help="Alerts in one request to an Alertmanager.",
    ),
    Flag(
        "alertmanager.drain-notification-queue-on-shutdown",
        True,
        bool,
        help="Send what waits before the process ends.",
    ),
    Flag(
        "enable-feature",
        repeated=True,
        metavar="NAMES",
        help="Comma-separated feature names, as in Prometheus.",
    ),
    Flag(
        "log.level",
        "info",
        choices=("debug", "info", "warn", "error"),
        help="Least severity that is logged.",
    ),
    Flag("log.format", "logfmt", choices=("logfmt", "json"), help="Form of log lines."),
    Flag("exit-on-hangup", False, bool, help="Stop the engine when the terminal goes away."),
    Flag("theme", "auto", metavar="NAME", help="Colours of the screen."),
    Flag("ascii", False, bool, help="Draw with ASCII characters only."),
    # Accepted for the sake of existing command lines, without effect.
    Flag("auto-gomaxprocs", True, bool),
    Flag("auto-gomemlimit", True, bool),
    Flag("auto-gomemlimit.ratio", "0.9"),
    Flag("persistence.interval", "5m"),
    Flag("web.user-assets"),
    Flag("web.enable-otlp-receiver", False, bool),
    Flag("web.console.templates", "consoles"),
    Flag("web.console.libraries", "console_libraries"),
    Flag("alertmanager.config.file"),
    Flag("scrape.adjust-timestamps", True, bool),
    Flag("scrape.timestamp-tolerance", "2ms"),
    Flag("scrape.discovery-reload-interval", "5s"),
    Flag("storage.remote.flush-deadline", "1m"),
    Flag("storage.remote.read-max-bytes-in-frame", "1048576"),
    Flag("storage.tsdb.min-block-duration", "2h"),
    Flag("storage.tsdb.max-block-duration", ""),
    Flag("storage.tsdb.wal-compression", True, bool),
    Flag("storage.tsdb.wal-compression-type", "snappy"),
    Flag("storage.tsdb.wal-segment-size", "128MB"),
    Flag("storage.tsdb.allow-overlapping-compaction", True, bool),
    Flag("storage.tsdb.head-chunks-write-queue-size", "0"),
    Flag("storage.tsdb.samples-per-chunk", "120"),
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Declare the whole table on `parser`."""
    for flag in FLAGS:
        text = flag.help or argparse.SUPPRESS
        if flag.kind is bool:
            parser.add_argument(
                f"--{flag.name}",
                dest=flag.key,
                action=argparse.BooleanOptionalAction,
                default=None,
                help=text,
            )
        else:
            parser.add_argument(
                f"--{flag.name}",
                dest=flag.key,
                type=flag.kind,
                action="append" if flag.repeated else "store",
                choices=flag.choices or None,
                default=None,
                metavar=None if flag.choices else (flag.metavar or "VALUE"),
                help=text,
            )


def parse_settings(argv: Sequence[str], prog: str, description: str) -> Settings:
    """The settings that `argv` asks for; ends the process with status 2 where it is wrong."""
    parser = argparse.ArgumentParser(prog=prog, description=description, allow_abbrev=False)
    add_flags(parser)
    for argument in argv:
        name = argument.partition("=")[0]
        if name in _REFUSED:
            parser.error(f"{name} is refused: {_REFUSED[name]}")
    given = vars(parser.parse_args(argv))
    chosen = {
        flag.key: flag.default if given[flag.key] is None else given[flag.key] for flag in FLAGS
    }
    warnings = tuple(
        f"--{flag.name} is accepted and has no effect here"
        for flag in FLAGS
        if not flag.help and given[flag.key] is not None
    )
    return _settings(chosen, warnings)


def _settings(chosen: dict[str, Any], warnings: tuple[str, ...]) -> Settings:
    plain = Settings()
    push = chosen["push_listen_address"]
    listen = chosen["web_listen_address"]
    retention = chosen["storage_tsdb_retention_time"]
    names = ",".join(chosen["enable_feature"] or ()).split(",")
    features = frozenset(name for name in names if name)
    return Settings(
        config_file=Path(chosen["config_file"]) if chosen["config_file"] else None,
        data_folder=Path(chosen["storage_tsdb_path"] or plain.data_folder),
        listen=tuple(ListenSetting(one, explicit=True) for one in listen or ()) or plain.listen,
        push_listen=None
        if push == "off"
        else ListenSetting(push, explicit=True)
        if push
        else plain.push_listen,
        # Upstream: fifteen days only where no limit at all was asked for.
        retention_ms=retention
        if retention is not None
        else (0 if chosen["storage_tsdb_retention_size"] else DEFAULT_RETENTION_MS),
        retention_bytes=chosen["storage_tsdb_retention_size"],
        use_lock_file=not chosen["storage_tsdb_no_lockfile"],
        enable_lifecycle=chosen["web_enable_lifecycle"],
        web_config_file=Path(chosen["web_config_file"]) if chosen["web_config_file"] else None,
        enable_admin_api=chosen["web_enable_admin_api"],
        enable_remote_write=chosen["web_enable_remote_write_receiver"],
        remote_write_messages=tuple(
            chosen["web_remote_write_receiver_accepted_protobuf_messages"] or ()
        ),
        max_connections=chosen["web_max_connections"],
        read_timeout_seconds=chosen["web_read_timeout"] / 1000,
        search_limit_max=chosen["web_search_max_limit"],
        notification_streams_max=chosen["web_max_notifications_subscribers"],
        remote_read_samples_max=chosen["storage_remote_read_sample_limit"],
        remote_read_concurrency=chosen["storage_remote_read_concurrent_limit"],
        push_file=Path(chosen["persistence_file"]) if chosen["persistence_file"] else None,
        push_page=chosen["web_telemetry_path"],
        push_checked=not chosen["push_disable_consistency_check"],
        push_utf8_names=chosen["push_enable_utf8_names"],
        route_prefix=chosen["web_route_prefix"],
        page_title=chosen["web_page_title"],
        external_url=chosen["web_external_url"].rstrip("/"),
        cors_origin=chosen["web_cors_origin"],
        lookback_ms=chosen["query_lookback_delta"],
        query_timeout_seconds=chosen["query_timeout"] / 1000,
        query_concurrency=chosen["query_max_concurrency"],
        query_samples_max=chosen["query_max_samples"],
        for_outage_tolerance_ms=chosen["rules_alert_for_outage_tolerance"],
        for_grace_period_ms=chosen["rules_alert_for_grace_period"],
        resend_delay_ms=chosen["rules_alert_resend_delay"],
        rules_concurrent_max=chosen["rules_max_concurrent_evals"]
        if "concurrent-rule-eval" in names
        else 0,
        notification_queue_max=chosen["alertmanager_notification_queue_capacity"],
        notification_batch_max=chosen["alertmanager_notification_batch_size"],
        drain_notifications=chosen["alertmanager_drain_notification_queue_on_shutdown"],
        auto_reload_ms=max(chosen["config_auto_reload_interval"], 1_000)
        if chosen["config_auto_reload"] or "auto-reload-config" in features
        else 0,
        features=features,
        log_level=chosen["log_level"],
        log_format=chosen["log_format"],
        exit_on_hangup=chosen["exit_on_hangup"],
        theme=chosen["theme"],
        ascii_only=chosen["ascii"],
        flags={flag.name: _show(flag, chosen[flag.key]) for flag in FLAGS},
        warnings=(*warnings, *feature_warnings(features)),
    )


def _show(flag: Flag, value: Any) -> str:
    """A flag's value as the flags page of the original shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if flag.kind is _duration:
        return format_duration(value)
    if isinstance(value, list):
        return ",".join(value)
    return str(value)
