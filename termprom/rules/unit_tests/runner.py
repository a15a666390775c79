"""Runs the tests of one file: the series come in step by step, every group is evaluated at each.

The store, the engine and the evaluation of rules are the real ones' code; only time is made up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from prometheus_client import CollectorRegistry

from termprom.config.load import load_rule_file
from termprom.config.schema import RuleGroupConfig
from termprom.errors import ConfigError, TermpromError
from termprom.model.histogram import FloatHistogram
from termprom.model.labels import Labels
from termprom.model.result import QueryResult
from termprom.promql.engine import Engine, EngineOptions
from termprom.promql.syntax.ast import Expr
from termprom.promql.syntax.parse import Features, parse
from termprom.rules.evaluation import Collaborators, Moment, RuleEvaluator
from termprom.rules.expansion import Surroundings
from termprom.rules.group import group_key
from termprom.rules.metrics import RuleMetrics
from termprom.rules.output import Output
from termprom.rules.rule import Rule
from termprom.rules.templates.expand import check_template
from termprom.rules.templates.times import format_duration as go_duration
from termprom.rules.unit_tests.comparison import (
    expected_samples,
    failed_expr,
    samples_of,
    wrong_alerts,
    wrong_samples,
)
from termprom.rules.unit_tests.definition import ExpectedAlert, TestFile, TestGroup
from termprom.rules.unit_tests.store import UnitStore
from termprom.testing.clock import ManualClock
from termprom.testing.promqltest.series import Item, parse_series
from termprom.views import AlertState, RuleHealth

_SAMPLES_MAX: Final = 10_000
_TIMEOUT_SECONDS: Final = 100.0
_NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class _Group:
    config: RuleGroupConfig
    rules: list[Rule]
    output: Output


def run_group(
    file: TestFile, test: TestGroup, features: Features, *, ignore_unknown: bool = False
) -> list[str]:
    """What is wrong, each as the text to print; empty when the test passed."""
    try:
        return asyncio.run(_Test(file, test, features, ignore_unknown).run())
    except (ConfigError, ValueError) as problem:
        return [str(problem)]


class _Test:
    """One test with a store of its own. Raises ValueError, ConfigError before it begins."""

    def __init__(
        self, file: TestFile, test: TestGroup, features: Features, ignore_unknown: bool
    ) -> None:
        self._file = file
        self._test = test
        self._features = features
        self._ignore_unknown = ignore_unknown
        self._store = UnitStore()
        self._engine = Engine(
            EngineOptions(
                samples_max=_SAMPLES_MAX,
                timeout_seconds=_TIMEOUT_SECONDS,
                default_step_ms=file.evaluation_interval_ms,
                features=features,
            )
        )
        self._parsed: dict[str, Expr] = {}
        self._clock = ManualClock(test.start_ms)
        self._evaluator = RuleEvaluator(
            Collaborators(
                self._query,
                self._clock,
                RuleMetrics(CollectorRegistry(), self._clock),
                notify=lambda alerts: None,
                on_change=lambda line: None,
            )
        )
        self._input = sorted(self._samples(), key=lambda one: one[0])
        self._groups = self._load_groups()

    async def run(self) -> list[str]:
        test, step_ms = self._test, self._file.evaluation_interval_ms
        times = [case.eval_ms for case in test.alerts] + [case.eval_ms for case in test.exprs]
        last_ms = max(times, default=0)
        failures: list[str] = []
        fed = 0
        for since_ms in range(0, last_ms + 1, step_ms):
            now_ms = test.start_ms + since_ms
            while fed < len(self._input) and self._input[fed][0] <= now_ms:
                time_ms, labels, item = self._input[fed]
                self._store.add(labels, time_ms, item)
                fed += 1
            broken = await self._evaluate(now_ms)
            if broken:
                return [*failures, *broken]
            failures += self._wrong_alerts(since_ms, since_ms + step_ms)
        return [*failures, *self._wrong_exprs()]

    # --- What goes in -------------------------------------------------------------------------

    def _samples(self) -> Iterator[tuple[int, Labels, np.float64 | FloatHistogram]]:
        """All input samples; of two lines of one series the last counts."""
        lines: dict[Labels, tuple[Item, ...]] = {}
        for number, one in enumerate(self._test.series, start=2):
            if one.series.startswith("#"):
                continue
            try:
                parsed = parse_series(f"{one.series} {one.values}")
            except ValueError as problem:
                raise ValueError(f"{number}:1: parse error: {problem}") from problem
            lines[parsed.labels] = parsed.items
        for labels, items in lines.items():
            for position, item in enumerate(items):
                time_ms = self._test.start_ms + position * self._test.interval_ms
                if isinstance(item, FloatHistogram):
                    yield time_ms, labels, item
                elif item is not None:
                    yield time_ms, labels, np.float64(item)

    def _load_groups(self) -> list[_Group]:
        configs = [config for path in self._file.rule_files for config in self._load(path)]
        order = self._file.group_order
        # Groups that nothing is said of tie with the first; among equals the files' order holds.
        configs.sort(key=lambda config: order.get(config.name, 0))
        return [
            _Group(
                config,
                [Rule(rule, config, restored=True, query=rule.expr) for rule in config.rules],
                Output(self._store, group_key(config)),
            )
            for config in configs
        ]

    def _load(self, path: Path) -> tuple[RuleGroupConfig, ...]:
        def check_expr(text: str) -> None:
            parse(text, self._features)

        return load_rule_file(
            path,
            check_expr=check_expr,
            check_template=check_template,
            ignore_unknown=self._ignore_unknown,
        )

    # --- Evaluation ---------------------------------------------------------------------------

    def _ask(self, expr: str, at_ms: int) -> QueryResult:
        parsed = self._parsed.get(expr)
        if parsed is None:
            parsed = self._parsed[expr] = parse(expr, self._features)
        return self._engine.instant(self._store, parsed, at_ms)

    async def _query(self, expr: str, at_ms: int) -> QueryResult:
        return self._ask(expr, at_ms)

    async def _evaluate(self, now_ms: int) -> list[str]:
        """Every group once, whatever its own interval; what went wrong."""
        self._clock.set(now_ms)
        test = self._test
        surroundings = Surroundings(test.external_labels, test.external_url, self._ask)
        broken: list[str] = []
        for group in self._groups:
            moment = Moment(
                slot_ms=now_ms,
                sample_ms=now_ms - (group.config.query_offset or 0),
                limit=group.config.limit,
                interval_ms=test.interval_ms,
                key=group_key(group.config),
                surroundings=surroundings,
            )
            for rule in group.rules:
                await self._evaluator.evaluate(rule, group.output, moment)
                if rule.health is RuleHealth.ERROR:
                    time = go_duration(now_ms * _NS_PER_MS)
                    broken.append(f"    rule: {rule.name}, time: {time}, err: {rule.last_error}")
        return broken

    # --- What comes out -----------------------------------------------------------------------

    def _wrong_alerts(self, from_ms: int, until_ms: int) -> list[str]:
        """Of the cases in [from_ms, until_ms): they see the evaluation that was just made."""
        cases = [case for case in self._test.alerts if from_ms <= case.eval_ms < until_ms]
        cases.sort(key=lambda case: case.eval_ms)
        texts = (wrong_alerts(case, self._firing(case.alert), self._test.name) for case in cases)
        return [text for text in texts if text]

    def _firing(self, name: str) -> list[ExpectedAlert]:
        return [
            ExpectedAlert(alert.labels, Labels(sorted(alert.annotations)))
            for group in self._groups
            for rule in group.rules
            if rule.config.alert == name
            for alert in rule.alerts.values()
            if alert.state is AlertState.FIRING
        ]

    def _wrong_exprs(self) -> list[str]:
        wrong: list[str] = []
        for case in self._test.exprs:
            try:
                got = samples_of(self._ask(case.expr, self._test.start_ms + case.eval_ms))
                expected = expected_samples(case)
            except (TermpromError, ValueError) as problem:
                wrong.append(failed_expr(case, problem))
                continue
            text = wrong_samples(case, expected, got, fuzzy=self._file.fuzzy)
            if text:
                wrong.append(text)
        return wrong
