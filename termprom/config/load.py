"""From text to a Config: decode strictly, inherit, check, load what it refers to.

Errors are upstream's words behind `file:line:column: `. Decoding notes every mistake; the first
broken rule ends it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from termprom.config import scalars
from termprom.config.alerting_section import effective_alerting, read_alerting
from termprom.config.dump import dump_config, plain
from termprom.config.fields import (
    Document,
    Section,
    Table,
    list_of,
    optional,
    read_section,
)
from termprom.config.global_section import GlobalSection, default_global, read_global
from termprom.config.globbing import is_file_pattern, matching_files
from termprom.config.other_sections import (
    check_otlp,
    read_otlp,
    read_pushgateway,
    read_runtime,
    read_tracing,
)
from termprom.config.remote_sections import check_remotes, remote_reads, remote_writes
from termprom.config.rule_files import CheckTemplate, CheckText, RuleChecks
from termprom.config.rule_files import load_rule_file as load_checked_rule_file
from termprom.config.schema import (
    AlertingConfig,
    Config,
    PushgatewayConfig,
    RuleGroupConfig,
    ScrapeConfig,
    StorageConfig,
)
from termprom.config.scrape_section import effective_scrape_config, read_scrape_config
from termprom.config.source import read_text
from termprom.config.storage_section import read_storage
from termprom.config.yaml_tree import MappingNode, compose
from termprom.errors import ConfigError

DEFAULT_RETENTION_MS: Final = 15 * 86_400_000

_scrape_configs: Final = list_of(
    read_scrape_config,
    "[]*config.ScrapeConfig",
    null_item="empty or null scrape config section",
)
_file_patterns: Final = list_of(scalars.text, "[]string")

_TABLE: Final[Table] = {
    "global": optional(read_global),
    "runtime": optional(read_runtime),
    "alerting": read_alerting,
    "rule_files": _file_patterns,
    "scrape_config_files": _file_patterns,
    "scrape_configs": _scrape_configs,
    "storage": optional(read_storage),
    "tracing": optional(read_tracing),
    "remote_write": remote_writes,
    "remote_read": remote_reads,
    "otlp": optional(read_otlp),
    "x_pushgateway": optional(read_pushgateway),
}

# Read, checked and printed; the warning says that nothing more happens.
_WITHOUT_EFFECT: Final = ("runtime", "tracing", "remote_write", "remote_read", "otlp")


def load_config(
    path: Path,
    *,
    check_expr: CheckText | None = None,
    check_template: CheckTemplate | None = None,
    retention_ms: int = DEFAULT_RETENTION_MS,
    features: Collection[str] = (),
    with_rules: bool = True,
) -> Config:
    """The configuration of a file, with its rule files and scrape config files.

    `check_expr` and `check_template` raise a TermpromError for what the rule files must not hold;
    `features` are the names of --enable-feature, some of which change defaults. Not `with_rules`
    leaves the rule files unread.
    Raises ConfigError, located, for anything that is wrong anywhere.
    """
    return load_config_text(
        read_text(path),
        path=str(path),
        folder=path.parent,
        check_expr=check_expr,
        check_template=check_template,
        retention_ms=retention_ms,
        features=features,
        with_rules=with_rules,
    )


def load_config_text(
    text: str,
    *,
    path: str = "",
    folder: Path | None = None,
    check_expr: CheckText | None = None,
    check_template: CheckTemplate | None = None,
    retention_ms: int = DEFAULT_RETENTION_MS,
    features: Collection[str] = (),
    with_rules: bool = True,
) -> Config:
    """As `load_config`, of text. Without a `folder` relative paths stay relative."""
    document = Document(path, folder, features=frozenset(features))
    root, _ = compose(text, path)
    try:
        top = read_section(root or MappingNode((), 1, 1), document, _TABLE, "config.plain")
        config = _effective(top, document, retention_ms)
    except ConfigError as problem:
        document.raise_noted(problem)
        raise
    document.raise_noted()
    checks = RuleChecks(
        check_expr, check_template, config.global_.metric_name_validation_scheme == "legacy"
    )
    groups = _rule_groups(config.rule_files, checks, document) if with_rules else ()
    return replace(config, rule_groups=groups, warnings=tuple(document.warnings))


def load_rule_file(
    path: Path,
    text: str | None = None,
    *,
    check_expr: CheckText | None = None,
    check_template: CheckTemplate | None = None,
    ignore_unknown: bool = False,
) -> tuple[RuleGroupConfig, ...]:
    """The groups of one rule file. Raises ConfigError with everything that is wrong in it.

    `ignore_unknown`: fields that nobody knows are none of it; only checkers offer that.
    """
    checks = RuleChecks(check_expr, check_template)
    return load_checked_rule_file(path, text, checks=checks, ignore_unknown=ignore_unknown)


def _effective(top: Section, document: Document, retention_ms: int) -> Config:
    global_: GlobalSection = top.get("global") or default_global(document.features)
    rule_files = _patterns(top, "rule_files", "rule file")
    scrape_files = _patterns(top, "scrape_config_files", "scrape config file")
    jobs = _jobs(top.get("scrape_configs", ()), global_)
    alerting = top.get("alerting")
    for kind in ("write", "read"):
        check_remotes(top.get(f"remote_{kind}", ()), kind, legacy=global_.legacy)
    otlp: Section | None = top.get("otlp")
    if otlp is not None:
        check_otlp(otlp, legacy=global_.legacy)
    config = Config(
        path=document.path,
        global_=global_.config,
        scrape_configs=tuple(jobs.values()),
        rule_files=rule_files,
        scrape_config_files=scrape_files,
        alerting=effective_alerting(alerting, legacy=global_.legacy)
        if alerting is not None
        else AlertingConfig(),
        storage=top.get("storage") or StorageConfig(),
        pushgateway=top.get("x_pushgateway") or PushgatewayConfig(),
        others={key: plain(top.get(key)) for key in _WITHOUT_EFFECT if top.get(key)},
    )
    document.warnings.extend(
        f"{key}: accepted, but not implemented and without effect" for key in config.others
    )
    # The dump holds the main file only, so it is made before other files' jobs come in.
    document.raise_noted()
    printed = dump_config(
        config,
        print_escaping="global" not in top or bool(global_.escaping),
        retention_ms=retention_ms,
    )
    _add_jobs_of_files(jobs, scrape_files, global_, document)
    return replace(config, yaml=printed, scrape_configs=tuple(jobs.values()))


def _patterns(top: Section, key: str, what: str) -> tuple[str, ...]:
    patterns: tuple[str, ...] = top.get(key, ())
    for pattern in patterns:
        if not is_file_pattern(pattern):
            top.fail(f'invalid {what} path "{pattern}"', key)
    return tuple(top.document.join(pattern) for pattern in patterns)


def _jobs(sections: tuple[Section, ...], global_: GlobalSection) -> dict[str, ScrapeConfig]:
    """Effective jobs by name, in file order."""
    jobs: dict[str, ScrapeConfig] = {}
    for section in sections:
        job = effective_scrape_config(section, global_)
        if job.job_name in jobs:
            section.fail(
                f'found multiple scrape configs with job name "{job.job_name}"', "job_name"
            )
        jobs[job.job_name] = job
    return jobs


def _add_jobs_of_files(
    jobs: dict[str, ScrapeConfig],
    patterns: tuple[str, ...],
    global_: GlobalSection,
    main: Document,
) -> None:
    """Append what the scrape config files hold; their relative paths are their own."""
    table: Table = {"scrape_configs": _scrape_configs}
    found_in = dict.fromkeys(jobs, "main config file")
    for name in _expand(patterns, main):
        document = Document(name, Path(name).parent)
        root, _ = compose(read_text(Path(name)), name)
        if root is None:
            continue
        try:
            section = read_section(root, document, table, "config.ScrapeConfigs")
            for job_section in section.get("scrape_configs", ()):
                job = effective_scrape_config(job_section, global_)
                if job.job_name in jobs:
                    first = found_in[job.job_name]
                    job_section.fail(
                        f'found multiple scrape configs with job name "{job.job_name}", '
                        f"first found in {first}",
                        "job_name",
                    )
                jobs[job.job_name] = job
                found_in[job.job_name] = f'"{Path(name).absolute()}"'
        except ConfigError as problem:
            document.raise_noted(problem)
            raise
        document.raise_noted()
        main.warnings.extend(document.warnings)


def _expand(patterns: tuple[str, ...], document: Document) -> Iterator[str]:
    """Every file that the patterns mean, once."""
    seen: set[str] = set()
    for pattern in patterns:
        try:
            names = matching_files(pattern)
        except ValueError as problem:
            raise ConfigError(f"{problem}: {pattern}", document.path) from problem
        for name in names:
            if name not in seen:
                seen.add(name)
                yield name


def _rule_groups(
    patterns: tuple[str, ...], checks: RuleChecks, document: Document
) -> tuple[RuleGroupConfig, ...]:
    """The groups of all rule files; the mistakes of all of them are reported together."""
    groups: list[RuleGroupConfig] = []
    problems: list[ConfigError] = []
    for name in _expand(patterns, document):
        try:
            groups += load_checked_rule_file(Path(name), checks=checks, warnings=document.warnings)
        except ConfigError as problem:
            problems.append(problem)
    if problems:
        first, *rest = problems
        raise replace(first, others=(*first.others, *rest))
    return tuple(groups)
