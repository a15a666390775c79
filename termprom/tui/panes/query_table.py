"""An instant answer as rows of a list: a column per label that differs, the value, nothing lost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from termprom.model.floats import format_float
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.result import QueryResult, ResultType
from termprom.tui.panes.query_series import label_text
from termprom.tui.plot.identity import common_labels
from termprom.tui.plot.units import Kind, Unit, format_value
from termprom.tui.widgets.columns import Column, RowModel

_LABEL_COLUMNS_MAX = 8


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One series: its labels, its newest value, and what else is to be said of it."""

    number: int
    labels: Labels
    value: float
    text: str  # in place of a number: a histogram, a string
    note: str = ""


def rows_of(result: QueryResult) -> list[ResultRow]:
    """The rows of an instant query's answer, in its order."""
    if result.type is ResultType.STRING:
        return [ResultRow(0, Labels(), math.nan, result.text)]
    if result.raw is not None:
        return [
            ResultRow(
                number,
                one.labels,
                float(one.values[-1]) if one.values.size else math.nan,
                "",
                f"{one.values.size} samples",
            )
            for number, one in enumerate(result.raw)
        ]
    histograms = {one.series: one.histogram for one in result.histograms}
    rows = []
    for number, labels in enumerate(result.labels):
        if number in histograms:
            found = histograms[number]
            text = f"count {format_float(found.count)} sum {format_float(found.sum)}"
            rows.append(ResultRow(number, labels, found.count, text, "histogram"))
            continue
        seen = np.flatnonzero(result.present[number])
        if seen.size:
            rows.append(ResultRow(number, labels, float(result.values[number, seen[-1]]), ""))
    return rows


def _label(name: str, row: ResultRow) -> str:
    return row.labels.get(name)


def _labels(row: ResultRow) -> Mapping[str, str]:
    return row.labels.as_dict()


def model_for(rows: list[ResultRow], unit: Unit) -> tuple[RowModel[ResultRow], Labels]:
    """(columns for these rows, the labels that all of them share and that need no column)."""
    shared = common_labels([row.labels for row in rows]) if len(rows) > 1 else Labels()
    names: dict[str, None] = {}
    for row in rows:
        for name, _ in row.labels:
            names.setdefault(name)
    differing = [name for name in names if not shared.get(name)]
    columns: list[Column[ResultRow]] = []
    if len(differing) > _LABEL_COLUMNS_MAX or not differing:
        columns.append(
            Column("series", "SERIES", lambda row: label_text(row.labels) or "{}", 12, 400, flex=1)
        )
    else:
        columns += [
            Column(
                name,
                "METRIC" if name == METRIC_NAME else name.upper(),
                partial(_label, name),
                width_max=60,
                flex=1,
                middle=True,
            )
            for name in differing
        ]
    columns.append(
        Column(
            "value",
            "VALUE",
            lambda row: row.text or format_float(row.value),
            width_min=7,  # title and sort mark
            width_max=40,
            right=True,
            sort=lambda row: -math.inf if math.isnan(row.value) else row.value,
            sort_descending=True,
            value=lambda row: row.value,
        )
    )
    if unit.kind is not Kind.NUMBER or unit.suffix:
        columns.append(
            Column(
                "reads",
                "READS",
                lambda row: "" if row.text else format_value(row.value, unit),
                width_max=22,
                right=True,
                sort=lambda row: row.value,
            )
        )
    if any(row.note for row in rows):
        columns.append(Column("note", "", lambda row: row.note, width_max=20, rank=1))
    return RowModel(columns, key=lambda row: row.labels, labels=_labels), shared
