"""The original's own scripts: every question in them is answered as the original answers it."""

from __future__ import annotations

import pytest

from termprom.testing.promqltest.runner import run_script
from tests.shared_folder import shared

SCRIPTS = (
    "aggregators",
    "at_modifier",
    "collision",
    "duration_expression",
    "extended_vectors",
    "fill-modifier",
    "functions",
    "histograms",
    "info",
    "limit",
    "literals",
    "name_label_dropping",
    "native_histograms",
    "operators",
    "range_queries",
    "selectors",
    "staleness",
    "start_timestamps",
    "subquery",
    "trig_functions",
    "type_and_unit",
)


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_question_is_answered(name: str) -> None:
    report = run_script(shared("conformance", "promqltest", f"{name}.test").read_text())
    assert report.passed
    assert [str(one) for one in report.failures] == []
