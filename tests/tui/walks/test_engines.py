"""What a test leaves behind is found and ended, and nothing else is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tui.walks.engines import end_engines

# Says that it is there, and pays no heed to SIGTERM.
_STUBBORN = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " print(flush=True); time.sleep(600)"
)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_only_those_on_the_folder_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.tui.walks.engines._PATIENCE_SECONDS", 0.2)
    made = [
        subprocess.Popen(
            [sys.executable, "-c", _STUBBORN, f"--storage.tsdb.path={tmp_path / name}"],
            stdout=subprocess.PIPE,
        )
        for name in ("data", "data2")
    ]
    try:
        for one in made:
            assert one.stdout is not None
            one.stdout.readline()
        assert end_engines(tmp_path / "data") == [made[0].pid]
        assert made[0].wait(10) == -9
        assert made[1].poll() is None
        assert end_engines(tmp_path / "data") == []
    finally:
        for one in made:
            one.kill()
            one.communicate()
