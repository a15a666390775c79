"""`termprom check target URL`: asks a target once, and says what a scrape of it would store.

With `--config.file` and `--job` the request, the limits and the relabelling are the job's.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from termprom.cli.check_relabel import job_of
from termprom.cli.output import inert
from termprom.cli.relabel_report import label_lines, rule_text, step_lines
from termprom.clock import SystemClock
from termprom.config.schema import ScrapeConfig, TargetGroup
from termprom.errors import ConfigError, ScrapeError, TermpromError
from termprom.exposition.negotiate import body_format
from termprom.exposition.protobuf import HistogramForms
from termprom.model.labels import Labels
from termprom.relabel import relabel, relabel_steps
from termprom.scrape.answer import Answer
from termprom.scrape.client import JobClient
from termprom.scrape.labelling import Labelling
from termprom.scrape.layouts import Layouts
from termprom.scrape.page import Page
from termprom.scrape.reader import PageReader, Reading
from termprom.scrape.target import (
    PARAM,
    PATH,
    SCHEME,
    DroppedTarget,
    Target,
    discovered_labels,
    make_target,
)

_FAMILIES_SHOWN: Final = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config.file", dest="config", type=Path, metavar="FILE")
    parser.add_argument("--job", metavar="NAME", help="whose settings are used")
    parser.add_argument("url", metavar="URL", help="such as http://localhost:9100/metrics")


def run(chosen: argparse.Namespace) -> int:
    if (chosen.config is None) != (chosen.job is None):
        print("termprom check target: --config.file and --job go together", file=sys.stderr)
        return 2
    try:
        job = job_of(chosen.config, chosen.job) if chosen.job else ScrapeConfig("check")
        discovered = _discovered(job, chosen.url)
        found = make_target(job, discovered)
    except (ConfigError, ValueError) as problem:
        print(f"termprom check target: {problem}", file=sys.stderr)
        return 1
    for line in step_lines(list(relabel_steps(discovered, job.relabel_configs))):
        print(line)
    if isinstance(found, DroppedTarget):
        print(f"dropped by rule {found.rule}")
        return 1
    return asyncio.run(_check(job, found))


def _discovered(job: ScrapeConfig, text: str) -> Labels:
    """The labels of the target that a URL means. Raises ValueError."""
    url = urlsplit(text if "//" in text else f"http://{text}")
    if url.scheme not in ("http", "https") or not url.netloc:
        raise ValueError(f"{text!r} is no http or https URL")
    labels = {SCHEME: url.scheme}
    if url.path.strip("/"):
        labels[PATH] = url.path
    for name, value in parse_qsl(url.query, keep_blank_values=True):
        labels.setdefault(PARAM + name, value)
    return discovered_labels(job, TargetGroup((url.netloc,), Labels.of(labels)), url.netloc)


async def _check(job: ScrapeConfig, target: Target) -> int:
    print(f"GET {inert(target.url)}")
    clock = SystemClock()
    client: JobClient | None = None
    began = clock.monotonic()
    try:
        client = JobClient(job, clock=clock)
        await client.prepare()
        answer = await client.fetch(target)
    except TermpromError as problem:
        print(f"  down: {inert(str(problem))}", file=sys.stderr)
        return 1
    finally:
        if client is not None:
            await client.close()
    print(
        f"  {inert(answer.content_type or 'no Content-Type')}, {len(answer.body)} bytes, "
        f"{(clock.monotonic() - began) * 1000:.0f} ms"
    )
    try:
        verdict = examine(job, target, answer)
    except TermpromError as problem:
        print(f"  down: {inert(str(problem))}", file=sys.stderr)
        return 1
    for line in verdict.lines():
        print(f"  {line}")
    return 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a scrape of a sound page would store. `drops` counts samples by metric rule."""

    samples: int
    histograms: int
    stored: int
    repeated: int
    drops: Counter[int]
    families: Counter[str]
    stamped: int
    exemplars: int
    labels: Labels
    rules: Sequence[str]

    def lines(self) -> Iterator[str]:
        yield f"up: {self.samples} samples, {self.histograms} of them native histograms"
        if self.stamped:
            yield f"{self.stamped} samples bring their own timestamps"
        if self.exemplars:
            yield f"{self.exemplars} exemplars"
        for number, count in sorted(self.drops.items()):
            yield f"metric rule {number} drops {count}: {self.rules[number]}"
        if self.repeated:
            yield f"{self.repeated} samples repeat a series and are not stored"
        yield f"{self.stored} series stored, with the target's labels"
        yield from (f"  {line}" for line in label_lines(self.labels))
        yield f"largest of {len(self.families)} metrics"
        for name, count in self.families.most_common(_FAMILIES_SHOWN):
            yield f"  {count:7} {inert(name)}"


def examine(job: ScrapeConfig, target: Target, answer: Answer) -> Verdict:
    """Read the answer as a scrape would. Raises what fails the scrape."""
    page = _read(job, target, answer)
    labelling = Labelling(job, target.public)
    stored: Counter[Labels] = Counter()
    drops: Counter[int] = Counter()
    for pairs in page.layout.pairs():
        labels = labelling(pairs)
        if labels is not None:
            stored[labels] += 1
        else:
            outcome = relabel(dict(labelling.merged(pairs)), job.metric_relabel_configs)
            drops[outcome.dropped_by] += 1
    if job.sample_limit and sum(stored.values()) > job.sample_limit:
        raise ScrapeError("sample limit exceeded")
    families: Counter[str] = Counter()
    for labels in stored:
        families[labels.metric] += 1
    return Verdict(
        samples=page.layout.count,
        histograms=len(page.readings.histograms),
        stored=len(stored),
        repeated=sum(stored.values()) - len(stored),
        drops=drops,
        families=families,
        stamped=len(page.readings.stamped),
        exemplars=len(page.readings.exemplars),
        labels=target.public,
        rules=[rule_text(rule) for rule in job.metric_relabel_configs],
    )


def _read(job: ScrapeConfig, target: Target, answer: Answer) -> Page:
    reader = PageReader(Layouts())
    if not answer.body:
        return reader.read(b"", body_format("text/plain"), Reading())
    kind = body_format(answer.content_type, job.fallback_scrape_protocol)
    forms = HistogramForms(target.native_histograms, target.convert_classic, target.keep_classic)
    page = reader.read(answer.body, kind, Reading(forms))
    if page.error is not None:
        raise page.error
    return page
