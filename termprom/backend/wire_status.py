"""The status endpoints: build, runtime, flags, configuration, cardinality.

buildinfo     {"version":"0.1.0","revision":"","branch":"","buildUser":"","buildDate":"",
               "goVersion":"python3.11.2"}     exactly these keys: clients draw conclusions
runtimeinfo   {"startTime":"...","CWD":"/","hostname":"h","serverTime":"...",
               "reloadConfigSuccess":true,"lastConfigTime":"...","storageRetention":"15d",...}
tsdb          {"headStats":{"numSeries":508,...},"seriesCountByMetricName":[{"name":"up",
               "value":2}],...}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from termprom.backend.wire_numbers import format_moment, parse_moment
from termprom.backend.wire_text import Json, text
from termprom.model.durations import format_duration
from termprom.views import BuildView, CardinalityView, StatusView, StorageView

_INT64_MAX: Final = 2**63 - 1
_INT64_MIN: Final = -(2**63)
_SIZE_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


# --- Build and runtime ------------------------------------------------------------------------


def build_object(build: BuildView) -> Json:
    return {
        "version": text(build.version),
        "revision": text(build.revision),
        "branch": text(build.branch),
        "buildUser": text(build.build_user),
        "buildDate": text(build.build_date),
        "goVersion": text(build.go_version),
    }


def build_from(data: Json) -> BuildView:
    return BuildView(
        version=data.get("version", ""),
        revision=data.get("revision", ""),
        branch=data.get("branch", ""),
        build_user=data.get("buildUser", ""),
        build_date=data.get("buildDate", ""),
        go_version=data.get("goVersion", ""),
        application=data.get("application", "Prometheus"),
    )


def runtime_object(status: StatusView, *, thread_count: int, cpu_count: int) -> Json:
    """Go's own numbers have their nearest kin: threads for goroutines, cores for GOMAXPROCS."""
    return {
        "startTime": format_moment(status.started_ms),
        "CWD": text(status.working_folder),
        "hostname": text(status.hostname),
        "serverTime": format_moment(status.now_ms),
        "reloadConfigSuccess": status.config_ok,
        "lastConfigTime": format_moment(status.config_loaded_ms // 1000 * 1000),
        "corruptionCount": 1 if status.storage.replay_dropped else 0,
        "goroutineCount": thread_count,
        "GOMAXPROCS": cpu_count,
        "GOMEMLIMIT": _INT64_MAX,
        "GOGC": "",
        "GODEBUG": "",
        "storageRetention": retention_text(status.storage),
    }


def retention_text(storage: StorageView) -> str:
    """`15d`, `512MiB`, or both with ` or ` between them."""
    parts = [format_duration(storage.retention_ms)] if storage.retention_ms else []
    if storage.retention_bytes:
        size, unit = storage.retention_bytes, 0
        while size % 1024 == 0 and unit + 1 < len(_SIZE_UNITS):
            size, unit = size // 1024, unit + 1
        parts.append(f"{size}{_SIZE_UNITS[unit]}")
    return " or ".join(parts)


def status_from(
    build: Json,
    runtime: Json,
    *,
    config: str,
    flags: Mapping[str, str],
    alertmanagers: Sequence[str] = (),
) -> StatusView:
    """What a server's status endpoints tell together; what one does not have is empty.

    Raises ValueError for times that cannot be read.
    """
    return StatusView(
        build=build_from(build),
        started_ms=_moment(runtime.get("startTime")),
        now_ms=_moment(runtime.get("serverTime")),
        hostname=runtime.get("hostname", ""),
        working_folder=runtime.get("CWD", ""),
        config_path=flags.get("config.file", ""),
        config_yaml=config,
        config_ok=bool(runtime.get("reloadConfigSuccess", True)),
        config_loaded_ms=_moment(runtime.get("lastConfigTime")),
        data_folder=flags.get("storage.tsdb.path", ""),
        flags=flags,
        alertmanagers=tuple(alertmanagers),
    )


def _moment(value: str | None) -> int:
    return parse_moment(value) if value else 0


# --- Cardinality ------------------------------------------------------------------------------


def cardinality_object(view: CardinalityView, storage: StorageView, *, chunk_count: int) -> Json:
    empty = not storage.head_series
    return {
        "headStats": {
            "numSeries": view.series,
            "numLabelPairs": view.label_pairs,
            "chunkCount": chunk_count,
            "minTime": _INT64_MAX if empty else storage.head_start_ms,
            "maxTime": _INT64_MIN if empty else storage.head_end_ms,
        },
        "seriesCountByMetricName": _counts(view.by_metric),
        "labelValueCountByLabelName": _counts(view.by_label_values),
        "memoryInBytesByLabelName": _counts(view.by_label_bytes),
        "seriesCountByLabelValuePair": _counts(view.by_pair),
    }


def cardinality_from(data: Json) -> CardinalityView:
    head = data.get("headStats") or {}
    return CardinalityView(
        series=int(head.get("numSeries") or data.get("totalSeries") or 0),
        label_pairs=int(head.get("numLabelPairs") or data.get("totalLabelValuePairs") or 0),
        by_metric=_counts_from(data.get("seriesCountByMetricName")),
        by_label_values=_counts_from(data.get("labelValueCountByLabelName")),
        by_label_bytes=_counts_from(data.get("memoryInBytesByLabelName")),
        by_pair=_counts_from(data.get("seriesCountByLabelValuePair")),
    )


def _counts(counts: Sequence[tuple[str, int]]) -> Json:
    return [{"name": text(name), "value": value} for name, value in counts]


def _counts_from(data: Json) -> tuple[tuple[str, int], ...]:
    return tuple((one["name"], int(one["value"])) for one in data or ())
