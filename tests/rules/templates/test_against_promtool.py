"""Every template of promtool_cases.txt through a real promtool and through ours.

`⏎` in a case is an end of line. Left out are cases whose answer depends on the order of a query's
result, on functions that older versions lack, and on the external URL's object, which promtool
does not give to its tests.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from termprom.promql.syntax.parse import Features
from termprom.rules.templates.quoting import unquote
from termprom.rules.unit_tests.definition import load_test_file
from termprom.rules.unit_tests.runner import run_group

CASES = [
    line.replace("⏎", "\n")
    for line in (Path(__file__).parent / "promtool_cases.txt").read_text("utf-8").splitlines()
    if line
]
LABELS = {"instance": "web1.example.com:9100", "job": "node", "quantile": "0.99", "weird": "<b>&'"}
_ANSWER = re.compile(
    r'alertname: A(\d+), time: 1m,\s*exp:\[\],?\s*got:\[.*?Annotations:\{a=("(?:[^"\\]|\\.)*")\}',
    re.DOTALL,
)


def promtool() -> Path:
    folder = os.environ.get("TERMPROM_PEERS") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
        "termprom-peers/root/usr/bin",
    )
    path = Path(folder) / "promtool"
    if not path.exists():
        pytest.skip("no promtool; TERMPROM_PEERS names the folder of real servers")
    return path


def written(folder: Path, value: str) -> Path:
    """A test that expects no alert of any case, so that both complain about what they got."""
    rules = [
        {"alert": f"A{number}", "expr": "m", "annotations": {"a": text}}
        for number, text in enumerate(CASES)
    ]
    (folder / "r.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    series = "m{" + ",".join(f'{name}="{text}"' for name, text in LABELS.items()) + "}"
    test = {
        "external_labels": {"region": "eu"},
        "external_url": "http://prom.example.com:9090/p",
        "input_series": [{"series": series, "values": f"{value} {value}"}],
        "alert_rule_test": [
            {"eval_time": "1m", "alertname": f"A{number}", "exp_alerts": []}
            for number in range(len(CASES))
        ],
    }
    path = folder / "t.yml"
    path.write_text(json.dumps({"rule_files": ["r.yml"], "tests": [test]}))
    return path


def answers(complaints: str) -> dict[int, str]:
    """What each case was filled with."""
    return {int(number): unquote(quoted) for number, quoted in _ANSWER.findall(complaints)}


@pytest.mark.peer
@pytest.mark.parametrize("value", ["0.123456789", "NaN", "+Inf", "1234567", "-5"])
def test_every_case_is_filled_as_promtool_does(tmp_path: Path, value: str) -> None:
    path = written(tmp_path, value)
    command = [promtool(), "test", "rules", path]
    theirs = answers(subprocess.run(command, capture_output=True, timeout=60).stderr.decode())
    file = load_test_file(path)
    ours = answers("\n".join(run_group(file, file.groups[0], Features())))
    assert len(theirs) == len(CASES)
    for number, text in enumerate(CASES):
        assert ours[number] == theirs[number], text
