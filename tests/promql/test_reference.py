"""The table of golden results at the end of the reference, to the last digit."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from termprom.errors import EvaluationError
from termprom.model.durations import parse_duration
from termprom.model.floats import format_float
from termprom.model.grid import Grid
from termprom.model.histogram import FloatHistogram
from termprom.model.labels import Labels
from termprom.model.notices import NoticeLevel
from termprom.model.result import QueryResult, ResultType
from termprom.promql.engine import Engine, EngineOptions
from termprom.promql.syntax.parse import Features
from termprom.testing.promqltest.histogram_text import parse_histogram
from termprom.testing.promqltest.script import Load, parse_script
from termprom.testing.promqltest.store import ScriptStorage
from tests.shared_folder import shared


def _section() -> str:
    text = shared("reference", "promql.md").read_text("utf-8")
    return text[text.index("\n## C. Golden results") :]


def _storage(section: str) -> ScriptStorage:
    data = section.split("```")[1].strip()
    storage = ScriptStorage()
    for command in parse_script(f"load 1m\n{data}\n"):
        assert isinstance(command, Load)
        storage.load(command)
    return storage


def _rows(section: str) -> Iterator[tuple[str, str, str]]:
    """When, query, result."""
    for line in section.splitlines():
        found = re.fullmatch(r"\| (\S+) \| `(.*)` \| `(.*)` \|", line)
        if found is not None:
            yield found[1], found[2], found[3]


def _milliseconds(text: str) -> int:
    whole, _, fraction = text.partition(".")
    if fraction:
        return _milliseconds(f"{whole}s") + parse_duration(fraction.removesuffix("s") + "ms")
    return 0 if text == "0" else parse_duration(text)


def _answer(engine: Engine, storage: ScriptStorage, when: str, query: str) -> str:
    try:
        if "…" in when:
            start, end, step = map(_milliseconds, re.split(r"[…/]", when))
            result = engine.range(storage, query, Grid(start, end, step))
        else:
            result = engine.instant(storage, query, _milliseconds(when))
    except EvaluationError as problem:
        return "error (many-to-one)" if "many-to-one" in str(problem) else str(problem)
    shown = sorted(_shown(result)) if result.type is not ResultType.SCALAR else [*_shown(result)]
    if any(
        one.level is NoticeLevel.INFO and "for monotonicity" in one.text for one in result.notices
    ):
        shown.append("(info)")
    if not shown and result.notices and "incompatible sample types" in result.notices[0].text:
        shown.append("(info)")
    return " ; ".join(shown) or "(empty)"


def _shown(result: QueryResult) -> Iterator[str]:
    if result.raw is not None:
        for series in result.raw:
            times = series.times_ms.tolist()
            yield _line(series.labels, zip(times, series.values.tolist(), strict=True))
        return
    if result.type is ResultType.SCALAR:
        yield f"scalar {format_float(float(result.values[0, 0]))}"
        return
    one = result.type is ResultType.VECTOR
    for row, labels in enumerate(result.labels):
        held = np.flatnonzero(result.present[row])
        points = [(int(result.times_ms[step]), float(result.values[row, step])) for step in held]
        if points:
            yield _line(labels, [(-1, value) for _, value in points] if one else points)
    for point in result.histograms:
        yield f"{_labels(result.labels[point.series])} H {_figures(point.histogram)}"


def _line(labels: Labels, points: object) -> str:
    assert isinstance(points, list | zip)
    texts = [
        format_float(value) + (f"@{time // 1000}s" if time >= 0 else "") for time, value in points
    ]
    return f"{_labels(labels)} {' '.join(texts)}"


def _labels(labels: Labels) -> str:
    return str(labels).replace('", ', '",')


def _figures(one: FloatHistogram) -> str:
    """What the table tells of a histogram; of its hint only whether it is a gauge."""
    sides = [list(one.positive_buckets), list(one.negative_buckets)]
    offsets = [span.offset for span in one.positive_spans[:1]]
    scalars = [one.schema, one.count, one.sum, one.zero_count, one.zero_threshold]
    return repr((scalars, offsets, sides, int(one.hint) == 3))


def _expected(text: str) -> str:
    """The cell, its histograms in the form in which ours are compared."""
    found = re.fullmatch(r"(\S+) H (\{\{.*\}\})", text)
    if found is None:
        parts = text.split(" ; ")
        infos = [one for one in parts if one == "(info)"]
        return " ; ".join([*sorted(one for one in parts if one != "(info)"), *infos])
    return f"{found[1]} H {_figures(parse_histogram(found[2]))}"


def test_every_golden_result_is_ours_too() -> None:
    section = _section()
    storage = _storage(section)
    engine = Engine(EngineOptions(features=Features.everything()))
    rows = list(_rows(section))
    assert len(rows) > 80
    wrong = [
        (when, query, found, _expected(text))
        for when, query, text in rows
        if (found := _answer(engine, storage, when, query)) != _expected(text)
    ]
    assert wrong == []
