"""`termprom check relabel --config.file=FILE --job=NAME [LABEL=VALUE ...]`: a dry run.

Shows what each rule does to a target with these labels, or to all static targets of the job; with
`--series`, what the metric rules do to a series that such a target exposes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from termprom.cli.relabel_report import label_lines, step_lines
from termprom.config.load import load_config
from termprom.config.schema import ScrapeConfig, TargetGroup
from termprom.errors import ConfigError, ExpositionError, ScrapeError
from termprom.exposition.entries import LabelPairs, SeriesEntry
from termprom.exposition.negotiate import Format, scanner_for
from termprom.exposition.scanner import scan
from termprom.model.durations import format_duration
from termprom.model.labels import Labels
from termprom.relabel import relabel_steps
from termprom.scrape.labelling import Labelling
from termprom.scrape.target import ADDRESS, DroppedTarget, discovered_labels, make_target


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config.file", dest="config", required=True, type=Path, metavar="FILE")
    parser.add_argument("--job", required=True, metavar="NAME")
    parser.add_argument(
        "--series", metavar="SERIES", help="as exposed, such as 'http_requests_total{code=\"200\"}'"
    )
    parser.add_argument(
        "labels",
        nargs="*",
        metavar="LABEL=VALUE",
        help="labels of the target as discovered, __address__ among them; "
        "without any, the job's static targets",
    )


def run(chosen: argparse.Namespace) -> int:
    try:
        job = job_of(chosen.config, chosen.job)
        targets = _discovered(job, chosen.labels)
        series = _pairs_of(chosen.series) if chosen.series is not None else None
    except (ConfigError, ExpositionError, ValueError) as problem:
        print(f"termprom check relabel: {problem}", file=sys.stderr)
        return 1
    sound = True
    for number, discovered in enumerate(targets):
        if number:
            print()
        sound = (_show_series(job, discovered, series) if series is not None
                 else _show_target(job, discovered)) and sound  # fmt: skip
    return 0 if sound else 1


def job_of(path: Path, name: str) -> ScrapeConfig:
    """The job of that name. Raises ConfigError, with the names there are."""
    config = load_config(path, with_rules=False)
    for job in config.scrape_configs:
        if job.job_name == name:
            return job
    names = ", ".join(job.job_name for job in config.scrape_configs)
    raise ConfigError(f"no job {name!r}; there are: {names or 'none'}", str(path))


def _discovered(job: ScrapeConfig, written: Sequence[str]) -> list[Labels]:
    """The labels before relabelling: of one target as written, or of all static ones."""
    if not written:
        found = [
            discovered_labels(job, group, address)
            for group in job.static_configs
            for address in group.targets
        ]
        if not found:
            raise ValueError("the job has no static targets: give the labels of one")
        return found
    labels: dict[str, str] = {}
    for word in written:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise ValueError(f"{word!r} is not LABEL=VALUE")
        labels[name] = value
    address = labels.pop(ADDRESS, "")
    return [discovered_labels(job, TargetGroup((address,), Labels.of(labels)), address)]


def _pairs_of(series: str) -> LabelPairs:
    """The labels of a series as a page would expose it. Raises ExpositionError."""
    entries = list(scan(scanner_for(f"{series} 0\n".encode(), Format.TEXT)))
    if len(entries) != 1 or not isinstance(entries[0], SeriesEntry):
        raise ExpositionError(f"{series!r} is not one series")
    return entries[0].pairs


def _show_target(job: ScrapeConfig, discovered: Labels) -> bool:
    """Print what becomes of a target; False for one that cannot be."""
    print("discovered labels")
    _print_indented(label_lines(discovered))
    steps = list(relabel_steps(discovered, job.relabel_configs))
    _print_indented(step_lines(steps), "")
    try:
        target = make_target(job, discovered)
    except ValueError as problem:
        print(f"no target: {problem}", file=sys.stderr)
        return False
    if isinstance(target, DroppedTarget):
        print(
            f"dropped by rule {target.rule}"
            if target.rule >= 0
            else "dropped: no label is left that samples would get"
        )
        return True
    print(f"target {target.url}")
    _print_indented(label_lines(target.public))
    print(
        f"  every {format_duration(target.interval_ms)}, "
        f"timeout {format_duration(target.timeout_ms)}"
    )
    return True


def _show_series(job: ScrapeConfig, discovered: Labels, pairs: LabelPairs) -> bool:
    """Print what becomes of a series of that target; False for one that fails the scrape."""
    try:
        target = make_target(job, discovered)
    except ValueError as problem:
        print(f"no target: {problem}", file=sys.stderr)
        return False
    public = target.discovered if isinstance(target, DroppedTarget) else target.public
    if isinstance(target, DroppedTarget):
        print("the target itself is dropped; its labels as discovered are used")
        public = Labels(pair for pair in public if not pair[0].startswith("__"))
    merged = Labels.of(
        dict(Labelling(replace(job, metric_relabel_configs=()), public).merged(pairs))
    )
    print("labels with the target's")
    _print_indented(label_lines(merged))
    _print_indented(step_lines(list(relabel_steps(merged, job.metric_relabel_configs))), "")
    try:
        stored = Labelling(job, public)(pairs)
    except ScrapeError as problem:
        print(f"the scrape fails: {problem}", file=sys.stderr)
        return False
    print("dropped" if stored is None else f"stored as {stored}")
    return True


def _print_indented(lines: object, indent: str = "  ") -> None:
    for line in lines:  # type: ignore[attr-defined]
        print(indent + line)
