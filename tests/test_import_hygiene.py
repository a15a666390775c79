"""What really gets imported: heavy libraries stay behind their doors."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


def _loaded_after(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after `statement`."""
    code = (
        f"{statement}\nimport json, sys\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import termprom.promql.engine", {"textual", "aiohttp", "yaml", "plotext"}),
        ("import termprom.promql.syntax.parse", {"textual", "aiohttp", "yaml", "plotext"}),
        ("import termprom.tsdb.db", {"textual", "aiohttp", "lark", "yaml"}),
        ("import termprom.cli.main", {"textual", "aiohttp", "numpy", "lark", "yaml"}),
        ("import termprom.cli.serve", {"textual", "plotext"}),
        ("import termprom.tui.app", {"aiohttp", "yaml", "plotext", "pcodec"}),
    ],
)
def test_a_module_does_not_load_what_it_does_not_need(statement: str, unwanted: set[str]) -> None:
    loaded = _loaded_after(statement)
    assert not loaded & unwanted
