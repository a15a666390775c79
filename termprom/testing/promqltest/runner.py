"""Run a script against an engine and report which questions were answered as expected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from termprom.errors import ParseError, QueryError
from termprom.model.grid import Grid
from termprom.promql.engine import Engine, EngineOptions
from termprom.promql.syntax.ast import Expr
from termprom.promql.syntax.parse import Features, parse
from termprom.testing.promqltest import compare
from termprom.testing.promqltest.script import Clear, Eval, Load, parse_script
from termprom.testing.promqltest.store import ScriptStorage
from termprom.testing.promqltest.variants import can_be_a_range, pin_times, pinned

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Failure:
    """A question that was not answered as expected; lines count from 1."""

    line: int
    expr: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.expr}: {self.reason}"


@dataclass(slots=True)
class ScriptReport:
    passed: int = 0
    failed: int = 0
    failures: list[Failure] = field(default_factory=list)


def all_features() -> Features:
    """Everything experimental switched on, as the original's scripts assume."""
    return Features.everything()


def script_engine() -> Engine:
    """An engine as the original's scripts assume it: names go at the end, all features on."""
    return Engine(
        EngineOptions(
            samples_max=10_000,
            timeout_seconds=100.0,
            features=all_features(),
            delayed_name_removal=True,
            start_timestamps=True,
        )
    )


def run_script(text: str, engine_factory: Callable[[], Engine] = script_engine) -> ScriptReport:
    """Run all commands of a script. Raises ScriptError where the script itself is wrong."""
    report = ScriptReport()
    storage = ScriptStorage()
    engine = engine_factory()
    for command in parse_script(text):
        match command:
            case Clear():
                storage = ScriptStorage()
            case Load():
                storage.load(command)
            case Eval():
                reason = _wrong(engine, storage, command)
                if reason is None:
                    report.passed += 1
                else:
                    report.failed += 1
                    report.failures.append(Failure(command.line, command.expr, reason))
    return report


def _wrong(engine: Engine, storage: ScriptStorage, asked: Eval) -> str | None:
    try:
        expr = parse(asked.expr, all_features())
    except ParseError as problem:
        return f"does not parse: {problem}"
    if asked.end_ms is not None:
        return _wrong_range(engine, storage, asked, expr)
    reason = _wrong_instant(engine, storage, asked, expr, asked.start_ms)
    if reason is not None:
        return reason
    if asked.raw_range is not None or asked.text is not None:
        return None
    reason = _wrong_as_range(engine, storage, asked, expr, asked.start_ms)
    if reason is not None:
        return f"as a range: {reason}"
    pinned_expr = pinned(expr, asked.start_ms)
    if pinned_expr is None:
        return None
    for at_ms in pin_times(asked.start_ms):
        reason = _wrong_instant(engine, storage, asked, pinned_expr, at_ms)
        reason = reason or _wrong_as_range(engine, storage, asked, pinned_expr, at_ms)
        if reason is not None:
            return f"pinned, asked at {at_ms} ms: {reason}"
    return None


def _wrong_instant(
    engine: Engine, storage: ScriptStorage, asked: Eval, expr: Expr, at_ms: int
) -> str | None:
    try:
        result = engine.instant(storage, expr, at_ms)
    except QueryError as problem:
        return compare.wrong_error(asked, str(problem))
    if asked.expects("fail"):
        return f"expected an error, got {compare.describe(result, 0)}"
    return compare.wrong_notices(asked, result, asked.expr) or compare.wrong_value(asked, result)


def _wrong_as_range(
    engine: Engine, storage: ScriptStorage, asked: Eval, expr: Expr, at_ms: int
) -> str | None:
    """The middle of three steps must be what the instant query gave."""
    if not can_be_a_range(asked.expr):
        return None
    grid = Grid(at_ms - _MINUTE_MS, at_ms + _MINUTE_MS, _MINUTE_MS)
    try:
        result = engine.range(storage, expr, grid)
    except QueryError as problem:
        return compare.wrong_error(asked, str(problem))
    if asked.expects("fail"):
        return "expected an error"
    if asked.expects("ordered"):
        return None
    return compare.wrong_value(asked, result, column=1)


def _wrong_range(engine: Engine, storage: ScriptStorage, asked: Eval, expr: Expr) -> str | None:
    assert asked.end_ms is not None
    grid = Grid(asked.start_ms, asked.end_ms, asked.step_ms)
    try:
        result = engine.range(storage, expr, grid)
    except QueryError as problem:
        return compare.wrong_error(asked, str(problem))
    if asked.expects("fail"):
        return "expected an error"
    return compare.wrong_notices(asked, result, asked.expr) or compare.wrong_matrix(asked, result)
