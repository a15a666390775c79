"""Small configurations, each with what promtool says of it: nothing, or its messages.

`promtool_says.jsonl` was written by promtool 3.5; what a later version says differently was left
out. Places are cut off on both sides: ours tells line and column, the original now and then a line.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from termprom.config.load import load_config
from termprom.errors import ConfigError
from tests.peers import peer

_CASES = [
    tuple(json.loads(line))
    for line in Path(__file__).with_name("promtool_says.jsonl").read_text("utf-8").splitlines()
]


def said(text: str) -> list[str]:
    """The lines of a message without the places they begin with."""
    lines = text.removeprefix("yaml: unmarshal errors:\n").split("\n")
    return sorted(
        re.sub(r"^(?:\s*line \d+: |/\S+?c\.yml:(?:\d+:\d+:)? )", "", line) for line in lines if line
    )


@pytest.mark.parametrize(("text", "messages"), _CASES, ids=range(len(_CASES)))
def test_we_say_what_promtool_says(tmp_path: Path, text: str, messages: Sequence[str]) -> None:
    path = tmp_path / "c.yml"
    path.write_text(text, encoding="utf-8")
    try:
        load_config(path)
        found = ""
    except ConfigError as problem:
        found = str(problem)
    assert said(found) == messages


@pytest.mark.peer
@pytest.mark.slow
def test_promtool_still_says_it(tmp_path: Path) -> None:
    program, path = peer("promtool"), tmp_path / "c.yml"
    for text, messages in _CASES[::7]:
        path.write_text(text, encoding="utf-8")
        ran = subprocess.run(
            [program, "check", "config", "--syntax-only", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        words = ran.stderr.strip().removeprefix("FAILED: ")
        assert said(words.removeprefix(f"parsing YAML file {path}: ").strip()) == messages
