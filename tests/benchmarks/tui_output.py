"""What the output stage saves, in a real pseudo-terminal: bytes and time per key, tick and switch.

Run as `python -m tests.benchmarks.tui_output`. Prints a table; asserts nothing.
"""

from __future__ import annotations

import statistics
import sys
import time

from termprom.testing.pty import PtyProgram

_APP = [sys.executable, "-m", "tests.tui.output.sample_app"]
_TICKS_SECONDS = 6.0
_F5 = "\x1b[15~"


def measure(output: str, size: tuple[int, int]) -> dict[str, str]:
    environment = {"TERMPROM_OUTPUT": output}
    with PtyProgram(_APP, size=size, environment=environment) as program:
        program.wait_for_text("one row 5")
        program.wait_until_quiet()
        first = program.byte_count
        keys = [program.press(key) for key in "rate(node_load1[5m])"]
        switches = [program.press(_F5) for _ in range(4)]
    with PtyProgram(_APP, size=size, environment={**environment, "SAMPLE_TICK": "1"}) as program:
        program.wait_for_text("ticks 1")
        before = program.byte_count
        time.sleep(_TICKS_SECONDS)
        live = (program.byte_count - before) / _TICKS_SECONDS
    delays = sorted(delay for delay, _ in keys)
    return {
        "first screen, B": str(first),
        "key, B": f"{statistics.median(size for _, size in keys):.0f}",
        "key to first byte, ms p50 / max": f"{delays[len(delays) // 2] * 1e3:.1f} / "
        f"{delays[-1] * 1e3:.1f}",
        "pane switch, B": f"{statistics.median(size for _, size in switches):.0f}",
        "live at 1 Hz, B/s": f"{live:.0f}",
    }


def main() -> None:
    for size in ((80, 24), (120, 40), (200, 60)):
        ours, stock = measure("diff", size), measure("stock", size)
        print(f"{size[0]}x{size[1]:<8} {'stage':>16} {'stock':>16}")
        for name, figure in ours.items():
            print(f"{name:<34} {figure:>16} {stock[name]:>16}")


if __name__ == "__main__":
    main()
