"""Every function of alert templates, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from termprom.errors import TermpromError
from termprom.model.durations import parse_duration
from termprom.model.result import QueryResult, ResultType
from termprom.rules.templates import builtins, compare, escaping, hosts, humanize, patterns
from termprom.rules.templates.failure import FunctionFailure
from termprom.rules.templates.function import Function, Type
from termprom.rules.templates.printf import sprintf
from termprom.rules.templates.show import join, join_line, show
from termprom.rules.templates.values import (
    AnyMap,
    Sample,
    SampleList,
    StringMap,
    Value,
    is_true,
)

Query = Callable[[str, int], QueryResult]  # an expression at a time in ms; blocking

_ANY: Final = Type.ANY
_TEXT: Final = Type.STRING


def _escapable(values: tuple[Value, ...]) -> str:
    """What the escaping functions escape: the arguments as print shows them."""
    return show(values[0], nested=False) if len(values) == 1 else join(values)


def _first(samples: SampleList) -> Sample:
    if not samples:
        raise FunctionFailure("first() called on vector with no elements")
    return samples[0]


def _there(one: Value) -> Sample:
    """A sample that is not nil."""
    if not isinstance(one, Sample):
        raise FunctionFailure("runtime error: invalid memory address or nil pointer dereference")
    return one


def _sort_by_label(name: str, samples: SampleList) -> SampleList:
    return SampleList(
        sorted(samples, key=lambda one: one.labels.get(name, "").encode(errors="surrogateescape"))
    )


def _parse_duration(text: str) -> float:
    positive = text.removeprefix("-")
    try:
        seconds = parse_duration(positive) / 1000
    except ValueError as problem:
        raise FunctionFailure(str(problem)) from problem
    return -seconds if text.startswith("-") else seconds


def _link(tab: int) -> Callable[[str], str]:
    return lambda expr: f"/graph?g0.expr={escaping.escape_query(expr)}&g0.tab={tab}"


def _text(call: Callable[..., Value], count: int = 1) -> Function:
    return Function(call, (_TEXT,) * count)


def _number(call: Callable[[Value], Value]) -> Function:
    return Function(call, (_ANY,))


def _many(call: Callable[..., Value], fixed: int = 0) -> Function:
    return Function(call, (_ANY,) * (fixed + 1), variadic=True)


_FIXED: Final[Mapping[str, Function]] = {
    # Of the template language. `and` and `or` stop early and are the evaluator's.
    "and": _many(lambda *values: values[-1], fixed=1),
    "or": _many(lambda *values: values[-1], fixed=1),
    "not": Function(lambda value: not is_true(value), (_ANY,)),
    "eq": _many(compare.equal, fixed=1),
    "ne": Function(compare.not_equal, (_ANY, _ANY)),
    "lt": Function(compare.less, (_ANY, _ANY)),
    "le": Function(compare.less_equal, (_ANY, _ANY)),
    "gt": Function(compare.greater, (_ANY, _ANY)),
    "ge": Function(compare.greater_equal, (_ANY, _ANY)),
    "len": Function(builtins.length, (_ANY,)),
    "index": _many(builtins.index, fixed=1),
    "slice": _many(builtins.slice_of, fixed=1),
    "call": _many(lambda value, *_: value, fixed=1),
    "print": _many(lambda *values: join(values)),
    "println": _many(lambda *values: join_line(values)),
    "printf": Function(lambda text, *values: sprintf(text, values), (_TEXT, _ANY), variadic=True),
    "html": _many(lambda *values: escaping.escape_html(_escapable(values))),
    "js": _many(lambda *values: escaping.escape_js(_escapable(values))),
    "urlquery": _many(lambda *values: escaping.escape_query(_escapable(values))),
    # Of Prometheus.
    "first": Function(_first, (Type.SAMPLES,)),
    "label": Function(lambda name, one: _there(one).labels.get(name, ""), (_TEXT, Type.SAMPLE)),
    "value": Function(lambda one: _there(one).value, (Type.SAMPLE,)),
    "strvalue": Function(lambda one: _there(one).labels.get("__value__", ""), (Type.SAMPLE,)),
    "sortByLabel": Function(_sort_by_label, (_TEXT, Type.SAMPLES)),
    "args": _many(lambda *values: AnyMap((f"arg{n}", value) for n, value in enumerate(values))),
    "humanize": _number(humanize.humanize),
    "humanize1024": _number(humanize.humanize_1024),
    "humanizeDuration": _number(humanize.humanize_duration),
    "humanizePercentage": _number(humanize.humanize_percentage),
    "humanizeTimestamp": _number(humanize.humanize_timestamp),
    "toTime": _number(humanize.to_time),
    "toDuration": _number(humanize.to_duration),
    "title": _text(escaping.title),
    "toUpper": _text(escaping.upper),
    "toLower": _text(escaping.lower),
    "match": _text(patterns.matches, 2),
    "reReplaceAll": _text(patterns.replace_all, 3),
    "graphLink": _text(_link(0)),
    "tableLink": _text(_link(1)),
    "stripPort": _text(hosts.strip_port),
    "stripDomain": _text(hosts.strip_domain),
    "parseDuration": _text(_parse_duration),
    "urlQueryEscape": _text(escaping.escape_query),
    "safeHtml": _text(lambda text: text),
}
_BOUND: Final = frozenset(("query", "now", "externalURL", "pathPrefix"))
NAMES: Final = frozenset(_FIXED) | _BOUND


def functions_at(now_ms: int, external_url: str, query: Query | None) -> Mapping[str, Function]:
    """The functions as one expansion sees them."""

    def ask(expr: str) -> SampleList:
        if query is None:
            raise FunctionFailure("queries are not available here")
        try:
            return samples_of(query(expr, now_ms))
        except TermpromError as problem:
            raise FunctionFailure(str(problem)) from problem

    return {
        **_FIXED,
        "query": _text(ask),
        "now": Function(lambda: now_ms / 1000),
        "externalURL": Function(lambda: external_url),
        "pathPrefix": Function(lambda: urlsplit(external_url).path),
    }


def samples_of(result: QueryResult) -> SampleList:
    """An instant query's result in its own order; a scalar is one sample without labels."""
    if result.type is ResultType.SCALAR:
        return SampleList([Sample(StringMap(), float(result.values[0, 0]))])
    if result.type is not ResultType.VECTOR or result.raw is not None:
        raise FunctionFailure("rule result is not a vector or scalar")
    histograms = {point.series: point.histogram for point in result.histograms}
    floats = zip(result.labels, result.present[:, 0], result.values[:, 0].tolist(), strict=True)
    return SampleList(
        Sample(StringMap(labels), histograms.get(series, value))
        for series, (labels, present, value) in enumerate(floats)
        if present or series in histograms
    )
