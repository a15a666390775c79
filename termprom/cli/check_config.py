"""`termprom check config FILE...`: a configuration, what it refers to, and its rule files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from termprom.cli import check_rules
from termprom.config.globbing import matching_files
from termprom.config.load import load_config
from termprom.config.schema import Config, FileSDConfig, HTTPClientConfig, ScrapeConfig
from termprom.config.sd_files import load_target_groups
from termprom.config.source import read_text
from termprom.errors import ConfigError
from termprom.model.durations import format_duration, parse_duration
from termprom.scrape.target import find_targets

_LINTS: Final = ("all", "duplicate-rules", "too-long-scrape-interval", "none")
_LINT_ONLY: Final = 3
_AGENT_REFUSES: Final = ("alerting", "rule_files", "remote_read")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--syntax-only", action="store_true", help="leave other files alone")
    parser.add_argument(
        "--lint",
        default="duplicate-rules",
        metavar="NAMES",
        help="all, duplicate-rules, too-long-scrape-interval or none",
    )
    parser.add_argument("--lint-fatal", action="store_true", help="findings fail the command")
    parser.add_argument("--agent", action="store_true", help="check for an agent's configuration")
    parser.add_argument(
        "--query.lookback-delta",
        dest="lookback",
        default="5m",
        metavar="DURATION",
        help="longest scrape interval that leaves no gaps (5m)",
    )
    parser.add_argument(
        "--ignore-unknown-fields", action="store_true", help="in rule files: keys of your own"
    )
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path)


def run(chosen: argparse.Namespace) -> int:
    lints = _chosen_lints(chosen.lint)
    try:
        lookback_ms = parse_duration(chosen.lookback)
    except ValueError as problem:
        print(f"termprom check config: {problem}", file=sys.stderr)
        return 2
    broken = found = False
    for file in chosen.files:
        config = _load(file, chosen)
        if config is None:
            broken = True
            continue
        if chosen.syntax_only:
            continue
        if "too-long-scrape-interval" in lints and _print_long_intervals(config, lookback_ms):
            found = True
        rule_lint = "duplicate-rules" if "duplicate-rules" in lints else "none"
        for status in _check_rule_files(config, rule_lint, chosen.ignore_unknown_fields):
            broken = broken or status == 1
            found = found or status == _LINT_ONLY
    if broken:
        return 1
    return _LINT_ONLY if found and chosen.lint_fatal else 0


def _chosen_lints(text: str) -> frozenset[str]:
    names = text.split(",")
    for name in names:
        if name not in _LINTS:
            print(f'WARNING: unknown lint option: "{name}"')
    if "none" in names:
        return frozenset()
    return frozenset(_LINTS if "all" in names else names)


def _load(file: Path, chosen: argparse.Namespace) -> Config | None:
    """The configuration, or None with what is wrong printed."""
    print(f"Checking {file}")
    try:
        config = load_config(file, with_rules=False)
        if chosen.agent:
            _refuse_for_agent(config, file)
        _check_targets(config)
        warnings = [*config.warnings]
        if not chosen.syntax_only:
            warnings = [*_missing_files(config), *warnings]
            _check_files(config)
    except ConfigError as problem:
        print(f"  FAILED: {problem}", file=sys.stderr)
        print()
        return None
    for warning in warnings:
        print(f"  WARNING: {warning}")
    rule_files = [] if chosen.syntax_only else _rule_files(config)
    if rule_files:
        print(f"  SUCCESS: {len(rule_files)} rule files found")
    print(f" SUCCESS: {file} is valid prometheus config file syntax\n")
    return config


def _check_targets(config: Config) -> None:
    """Raises ConfigError for a static target that cannot be."""
    for job in config.scrape_configs:
        problems = find_targets(job, job.static_configs).problems
        if problems:
            raise ConfigError(problems[0], config.path)


def _refuse_for_agent(config: Config, file: Path) -> None:
    written = {
        "alerting": config.alerting.alertmanagers or config.alerting.alert_relabel_configs,
        "rule_files": config.rule_files,
        "remote_read": "remote_read" in config.others,
    }
    for key in _AGENT_REFUSES:
        if written[key]:
            raise ConfigError(f"field {key} is not allowed in agent mode", str(file))


def _check_files(config: Config) -> None:
    """Raises ConfigError for a file that is named, must be there, and is not sound."""
    for pattern in config.rule_files:
        if "*" not in pattern and not Path(pattern).is_file():
            raise ConfigError(f'"{pattern}" does not point to an existing file', config.path)
    for job in config.scrape_configs:
        _check_client_files(job.http, config.path)
        for path in _group_files(job):
            load_target_groups(read_text(Path(path)), path)


def _check_client_files(http: HTTPClientConfig, path: str) -> None:
    credentials = http.authorization.credentials_file if http.authorization is not None else ""
    for what, file in (
        ("authorization credentials or bearer token", credentials),
        ("client cert", http.tls_config.cert_file),
        ("client key", http.tls_config.key_file),
    ):
        if file and not Path(file).exists():
            raise ConfigError(
                f'error checking {what} file "{file}": stat {file}: no such file or directory', path
            )


def _group_files(job: ScrapeConfig) -> Iterator[str]:
    for one in job.sd_configs:
        if isinstance(one, FileSDConfig):
            for pattern in one.files:
                yield from matching_files(pattern)


def _missing_files(config: Config) -> Iterator[str]:
    for job in config.scrape_configs:
        for one in job.sd_configs:
            for pattern in one.files if isinstance(one, FileSDConfig) else ():
                if not matching_files(pattern):
                    yield (
                        f'file "{pattern}" for file_sd in scrape job "{job.job_name}" '
                        "does not exist"
                    )


def _print_long_intervals(config: Config, lookback_ms: int) -> bool:
    """Say which jobs leave gaps between their samples; whether there are any."""
    found = [job for job in config.scrape_configs if job.scrape_interval >= lookback_ms]
    for job in found:
        print(
            "  FAILED: too long scrape interval found, data point will be marked as stale - "
            f"job: {job.job_name}, interval: {format_duration(job.scrape_interval)}",
            file=sys.stderr,
        )
    return bool(found)


def _rule_files(config: Config) -> list[Path]:
    names = dict.fromkeys(name for pattern in config.rule_files for name in matching_files(pattern))
    return [Path(name) for name in names]


def _check_rule_files(config: Config, lint: str, ignore_unknown: bool) -> Iterator[int]:
    """The status of each rule file, as `check rules` gives it."""
    for file in _rule_files(config):
        yield check_rules.run(
            argparse.Namespace(
                lint=lint, lint_fatal=True, ignore_unknown_fields=ignore_unknown, files=[file]
            )
        )
