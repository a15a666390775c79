"""`termprom check sd FILE JOB`: what the discovery of a job finds now, and what relabelling makes
of it: the labels before and after, and for each dropped target the rule that dropped it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import orjson

from termprom.clock import SystemClock
from termprom.config.load import load_config
from termprom.config.names import quoted
from termprom.config.schema import ScrapeConfig, TargetGroup
from termprom.discovery.once import Discovered, discover_once
from termprom.discovery.static import static_groups
from termprom.errors import ConfigError
from termprom.model.durations import format_duration, parse_duration
from termprom.model.labels import Labels
from termprom.relabel import DEFAULT_REGEX, DEFAULT_REPLACEMENT, RelabelConfig
from termprom.scrape.target import DroppedTarget, Target, discovered_labels, make_target

_SHOWN: Final = 20
_WIDTH_MAX: Final = 44

# One found target: its labels before relabelling and what became of it; a text is what is wrong.
Outcome = tuple[Labels, Target | DroppedTarget | str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--timeout", default="30s", metavar="DURATION", help="at most (30s)")
    parser.add_argument(
        "--limit", type=int, default=_SHOWN, metavar="N", help=f"targets shown, 0: all ({_SHOWN})"
    )
    parser.add_argument("--json", action="store_true", help="everything, as promtool prints it")
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("job", metavar="JOB")


def run(chosen: argparse.Namespace) -> int:
    try:
        timeout_ms = parse_duration(chosen.timeout)
    except ValueError as problem:
        print(f"termprom check sd: {problem}", file=sys.stderr)
        return 2
    try:
        config = load_config(chosen.file)
    except ConfigError as problem:
        print(f"FAILED: {problem}", file=sys.stderr)
        return 1
    job = next((one for one in config.scrape_configs if one.job_name == chosen.job), None)
    if job is None:
        names = "".join(f"\n\t{one.job_name}" for one in config.scrape_configs)
        print(f"Job {chosen.job} not found. Select one of:{names}", file=sys.stderr)
        return 1
    found = asyncio.run(_discover(job, timeout_ms / 1000))
    groups = [group for one in found for group in one.groups]
    outcomes = list(_outcomes(job, groups))
    if chosen.json:
        print(orjson.dumps(list(map(_json, outcomes)), option=orjson.OPT_INDENT_2).decode())
    else:
        _print_all(job, found, outcomes, chosen.limit)
    for one in found:
        if one.error:
            print(f"FAILED: {one.mechanism}: {one.error}", file=sys.stderr)
    return 1 if any(one.error for one in found) else 0


async def _discover(job: ScrapeConfig, timeout_seconds: float) -> list[Discovered]:
    clock = SystemClock()
    found = await discover_once(
        job.job_name, job.sd_configs, clock, timeout_seconds=timeout_seconds
    )
    static = [group for group in static_groups(job.static_configs) if group.targets]
    return [Discovered("static", static), *found] if static else found


def _outcomes(job: ScrapeConfig, groups: Sequence[TargetGroup]) -> Iterator[Outcome]:
    """Every distinct target that was found."""
    seen: set[Labels] = set()
    for group in groups:
        for address in group.targets:
            discovered = discovered_labels(job, group, address)
            if discovered in seen:
                continue
            seen.add(discovered)
            try:
                yield discovered, make_target(job, discovered)
            except ValueError as problem:
                yield discovered, str(problem)


def _json(outcome: Outcome) -> dict[str, object]:
    discovered, made = outcome
    labels = made.labels.as_dict() if isinstance(made, Target) else {}
    shown: dict[str, object] = {"discoveredLabels": discovered.as_dict(), "labels": labels}
    return {**shown, "error": made} if isinstance(made, str) else shown


def _print_all(
    job: ScrapeConfig, found: Sequence[Discovered], outcomes: Sequence[Outcome], limit: int
) -> None:
    scraped = [one for one in outcomes if isinstance(one[1], Target)]
    dropped = [one for one in outcomes if isinstance(one[1], DroppedTarget)]
    unusable = [one for one in outcomes if isinstance(one[1], str)]
    print(
        f"job {quoted(job.job_name)}: {_count(len(outcomes), 'target')}, {len(scraped)} to scrape, "
        f"{len(dropped)} dropped, {len(unusable)} not usable"
    )
    for one in found:
        count = sum(len(group.targets) for group in one.groups)
        print(f"  {one.mechanism}: {_count(count, 'target')} in {_count(len(one.groups), 'group')}")
    for title, chosen in (
        ("to scrape", scraped),
        ("dropped by relabelling", dropped),
        ("not usable", unusable),
    ):
        if not chosen:
            continue
        print(f"\n{title}:")
        for outcome in chosen[: limit or None]:
            print(*_described(job, outcome), sep="\n")
        if limit and len(chosen) > limit:
            print(f"\n  and {len(chosen) - limit} more (--limit 0 shows all)")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _described(job: ScrapeConfig, outcome: Outcome) -> Iterator[str]:
    discovered, made = outcome
    # Without what every target of the job has: that is not news.
    same = set(discovered_labels(job, TargetGroup(), ""))
    own = Labels(pair for pair in discovered if pair not in same)
    match made:
        case Target():
            every, after = format_duration(made.interval_ms), format_duration(made.timeout_ms)
            yield f"\n  {_inert(made.url)}   every {every}, at most {after}"
            yield from _label_lines("before", own)
            yield from _label_lines("after", made.public)
        case DroppedTarget():
            yield f"\n  {_inert(discovered.as_dict().get('__address__', ''))}"
            yield from _label_lines("before", own)
            rule = job.relabel_configs[made.rule] if made.rule >= 0 else None
            why = _rule_text(made.rule, rule) if rule else "no label was left"
            yield f"    dropped by {why}"
        case str():
            yield f"\n  {_inert(discovered.as_dict().get('__address__', ''))}"
            yield from _label_lines("before", own)
            yield f"    {_inert(made)}"


def _label_lines(title: str, labels: Labels) -> Iterator[str]:
    width = min(max((len(name) for name, _ in labels), default=0), _WIDTH_MAX)
    for number, (name, value) in enumerate(labels):
        yield f"    {title if number == 0 else '':6}  {_inert(name):{width}}  {quoted(value)}"


def _rule_text(number: int, rule: RelabelConfig) -> str:
    """A rule in one line: what differs from the defaults."""
    parts = [f"action {rule.action}"]
    if rule.source_labels:
        parts.append(f"source_labels [{', '.join(rule.source_labels)}]")
    if rule.regex != DEFAULT_REGEX:
        parts.append(f"regex {quoted(rule.regex)}")
    if rule.target_label:
        parts.append(f"target_label {rule.target_label}")
    if rule.replacement != DEFAULT_REPLACEMENT:
        parts.append(f"replacement {quoted(rule.replacement)}")
    return f"relabel_configs[{number}]: {', '.join(parts)}"


def _inert(text: str) -> str:
    """Text from outside without anything that a terminal would obey."""
    return quoted(text)[1:-1].replace('\\"', '"')
