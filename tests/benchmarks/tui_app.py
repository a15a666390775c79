"""The whole `termprom` in a real pseudo-terminal: start, keys, live screens, bytes.

Run as `python -m tests.benchmarks.tui_app [CONFIG]`: engine and screen in one process on a data
folder of its own, with the embedded default or CONFIG. Prints a table; asserts nothing.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from termprom.testing.pty import PtyProgram

_LIVE_SECONDS = 10.0
_PANES = {"1": "Home", "2": "Alerts", "5": "Targets", "6": "Rules", "7": "TSDB", "8": "Config"}


def _quantiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    middle, late = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    return f"{middle * 1e3:.1f} / {late * 1e3:.1f} ms"


def measure(size: tuple[int, int], config: str | None) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "termprom.cli.main", f"--storage.tsdb.path={folder}/data"]
        # The terminal goes away at the end, and the engine must not outlive it here.
        command.append("--exit-on-hangup")
        if config is not None:
            command.append(f"--config.file={config}")
        environment = {"XDG_STATE_HOME": folder}
        began = time.perf_counter()
        with PtyProgram(command, size=size, environment=environment) as program:
            program.wait_for(lambda one: b"starting" in one.output() or b"Home" in one.output())
            first = time.perf_counter() - began
            program.wait_for_text("Golden signals")
            home = time.perf_counter() - began
            time.sleep(5.0)
            before = program.byte_count
            time.sleep(_LIVE_SECONDS)
            live = (program.byte_count - before) / _LIVE_SECONDS
            program.press("5")
            program.wait_until_quiet()
            rows = [program.press(key)[0] for key in "jkjkjkjkjk" * 5]
            switches = [program.press(key) for key in list(_PANES) * 4]
            program.press("3")
            program.wait_until_quiet()
            typed = [program.press(key) for key in "sum(rate(node_cpu_seconds_total[30s]))"]
            Path(folder, "done").touch()
    return {
        "start to first bytes of a frame": f"{first * 1e3:.0f} ms",
        "start to Home": f"{home * 1e3:.0f} ms",
        "live Home": f"{live:.0f} B/s",
        "key in a list, p50 / p99": _quantiles(rows),
        "pane switch, p50 / p99": _quantiles([delay for delay, _ in switches]),
        "pane switch, bytes": f"{statistics.median(count for _, count in switches):.0f} B",
        "key in the prompt, p50 / p99": _quantiles([delay for delay, _ in typed]),
        "key in the prompt, bytes": f"{statistics.median(count for _, count in typed):.0f} B",
    }


def main() -> None:
    config = sys.argv[1] if len(sys.argv) > 1 else None
    for size in ((80, 24), (120, 40), (200, 60)):
        print(f"{size[0]}x{size[1]}")
        for name, figure in measure(size, config).items():
            print(f"  {name:<34} {figure:>20}")


if __name__ == "__main__":
    main()
