"""The checked-in parser tables are those of the grammar."""

from __future__ import annotations

from pathlib import Path

from termprom.promql.syntax import build_tables


def test_tables_are_up_to_date() -> None:
    checked_in = Path(build_tables.__file__).with_name("tables.json").read_text(encoding="utf-8")
    assert build_tables.text_of(build_tables.build()) == checked_in
