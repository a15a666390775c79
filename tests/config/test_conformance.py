"""The original's own configuration files: which must load, and which words an error must have."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from termprom.config.load import load_config
from termprom.errors import ConfigError
from tests.shared_folder import shared

_FOLDER = Path(__file__).parents[3] / "shared" / "conformance" / "config"


def _cases() -> list[tuple[str, str]]:
    table = _FOLDER / "expected.tsv"
    if not table.exists():
        return [("conf.good.yml", "")]
    with table.open(encoding="utf-8") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row[0], row[1] if len(row) > 1 else "") for row in rows][1:]


@pytest.mark.parametrize(("name", "words"), _cases(), ids=lambda value: str(value)[:40])
def test_a_file_loads_or_is_refused_in_the_original_s_words(name: str, words: str) -> None:
    path = shared("conformance", "config", name)
    if not words:
        load_config(path)
        return
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    # The original names the file in words of its own; ours stands before the message.
    assert re.sub(r"^parsing YAML file \S+: ", "", words) in str(caught.value)
