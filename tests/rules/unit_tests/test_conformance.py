"""The original's own files of rule tests: what must pass passes, what must fail fails."""

from __future__ import annotations

import pytest

from termprom.promql.syntax.parse import Features
from termprom.rules.unit_tests.definition import load_test_file
from termprom.rules.unit_tests.runner import run_group
from tests.shared_folder import shared


def failures(name: str) -> list[str]:
    file = load_test_file(shared("conformance", "rules", f"{name}.yml"))
    return [text for group in file.groups for text in run_group(file, group, Features())]


@pytest.mark.parametrize(
    "name",
    [
        "at-modifier-test",
        "bad-rules-syntax-test",
        "long-period",
        "no-test-group-interval",
        "unittest",
    ],
)
def test_sound_files_pass(name: str) -> None:
    assert failures(name) == []


@pytest.mark.parametrize(
    ("name", "count"),
    [("failing", 4), ("rules_run", 1), ("rules_run_fuzzy", 2), ("rules_run_no_fuzzy", 2)],
)
def test_faulty_files_fail(name: str, count: int) -> None:
    """The counts are those of a real promtool, whose text is the same to the byte."""
    assert len(failures(name)) == count
