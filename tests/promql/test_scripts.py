"""Scripts of our own, for what the original's leave out: the rule stands above each question."""

from __future__ import annotations

from pathlib import Path

import pytest

from termprom.testing.promqltest.runner import run_script

_FILES = sorted((Path(__file__).parent / "scripts").glob("*.test"))


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_every_question_is_answered(file: Path) -> None:
    report = run_script(file.read_text("utf-8"))
    assert [str(one) for one in report.failures] == []
    assert report.passed
