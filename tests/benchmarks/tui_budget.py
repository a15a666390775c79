"""The budget of the screen, row by row, in a real pseudo-terminal beside ingest and a heavy query.

Run as `python -m tests.benchmarks.tui_budget [QUICK]`: the whole program scrapes 20,000 samples a
second from exporters in another process while a client asks one heavy range query after another.
Prints a table with the budget beside each figure; asserts nothing.
"""

from __future__ import annotations

import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from termprom.testing.pty import PtyProgram
from tests.benchmarks.tui_load import HeavyClient, configuration, exporters

SIZES = ((80, 24), (120, 40), (200, 60))
SWITCH_BYTES_MAX = {80: 3_000, 120: 7_000, 200: 15_000}
_LIVE_SECONDS = 15.0
_GRAPH = "sum by (instance) (rate(load_requests_total[30s]))"


def ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"


def quantiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    return f"{ms(ordered[len(ordered) // 2])} / {ms(ordered[int(len(ordered) * 0.99)])}"


def row(what: str, figure: str, budget: str) -> None:
    print(f"  {what:<52} {figure:>24}   {budget}", flush=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def command(folder: Path, config: Path, port: int) -> list[str]:
    return [
        sys.executable, "-m", "termprom.cli.main", f"--storage.tsdb.path={folder}/data",
        f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}",
        f"--push.listen-address=127.0.0.1:{free_port()}", "--exit-on-hangup",
    ]  # fmt: skip


def samples_per_second(port: int, seconds: float) -> float:
    def appended() -> float:
        url = f"http://127.0.0.1:{port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("prometheus_tsdb_head_samples_appended_total"):
                    return float(line.rpartition(" ")[2])
        return 0.0

    first = appended()
    time.sleep(seconds)
    return (appended() - first) / seconds


# --- Start ------------------------------------------------------------------------------------


def starts(folder: Path, count: int) -> None:
    """The embedded default on a new folder, as a first user has it."""
    firsts, homes = [], []
    for number in range(count):
        words = [
            sys.executable, "-m", "termprom.cli.main", f"--storage.tsdb.path={folder}/s{number}",
            "--exit-on-hangup",
        ]  # fmt: skip
        began = time.perf_counter()
        with PtyProgram(words, environment={"XDG_STATE_HOME": str(folder)}) as program:
            program.wait_for_text("Home")
            firsts.append(time.perf_counter() - began)
            program.wait_for_text("Golden signals")
            homes.append(time.perf_counter() - began)
    row("start to first frame, p50 / p95", quantiles(firsts), "<= 350 / 500 ms")
    row("Home filled, p50 / p99", quantiles(homes), "<= 1000 ms")


# --- Keys and bytes ---------------------------------------------------------------------------


def pressed(program: PtyProgram, keys: str, count: int) -> list[tuple[float, int]]:
    return [program.press(keys[n % len(keys)]) for n in range(count)]


def rate(program: PtyProgram, seconds: float = _LIVE_SECONDS) -> str:
    before = program.byte_count
    time.sleep(seconds)
    return f"{(program.byte_count - before) / seconds:.0f} B/s"


def keys_and_bytes(folder: Path, config: Path, size: tuple[int, int], quick: bool) -> None:
    port = free_port()
    words = command(folder, config, port)
    presses = 60 if quick else 300
    with PtyProgram(words, size=size, environment={"XDG_STATE_HOME": str(folder)}) as program:
        program.wait_for_text("Golden signals")
        time.sleep(20.0)
        row("ingested while measured", f"{samples_per_second(port, 5.0):.0f} samples/s", "20 000")
        row("live Home", rate(program), "<= 1000 B/s")
        with HeavyClient(f"http://127.0.0.1:{port}") as heavy:
            row("live Home, heavy query beside it", rate(program), "<= 1000 B/s")
            for pane, name in (("2", "Alerts"), ("5", "Targets")):
                program.press(pane)
                program.wait_until_quiet()
                found = [one for one, _ in pressed(program, "jjjjkkjjkk", presses)]
                row(f"key in {name}, p50 / p99", quantiles(found), "<= 8 / 30 ms")
            program.press("8")
            program.wait_until_quiet(1.0)
            row("static pane (Config)", rate(program, 5.0), "0 B/s beside the clock")
            firsts = [program.press(pane) for pane in "60"]
            row("pane, first visit, worst", ms(max(one for one, _ in firsts)), "<= 120 ms")
            switches = [program.press(pane) for pane in "125678" * (3 if quick else 12)]
            row("pane switch, p50 / p99", quantiles([one for one, _ in switches]), "<= 12 / 50 ms")
            row("pane switch, bytes, median",
                f"{statistics.median(count for _, count in switches):.0f} B",
                f"<= {SWITCH_BYTES_MAX[size[0]]} B")  # fmt: skip
            program.press("3")
            program.wait_until_quiet()
            typed = [program.press(key) for key in _GRAPH]
            row("key in the prompt, p50 / p99", quantiles([one for one, _ in typed]),
                "<= 8 / 20 ms")  # fmt: skip
            row("key in the prompt, bytes, median",
                f"{statistics.median(count for _, count in typed):.0f} B", "<= 150 B")  # fmt: skip
            before = program.byte_count
            program.send("\r")
            program.wait_for_text("series")
            program.wait_until_quiet(0.3)
            row("first graph, bytes", f"{program.byte_count - before} B", "<= 15 000 B")
            moved = [one for one, _ in pressed(program, "hhhllhjk", presses)]
            row("key in the graph, p50 / p99", quantiles(moved), "<= 8 / 30 ms")
            row("live graph", rate(program), "<= 1000 B/s")
        if heavy.answers:
            each = ms(heavy.seconds / heavy.answers)
            row("heavy queries meanwhile", f"{heavy.answers}, {each} each", "")


def storm_of_silence(folder: Path, config: Path) -> None:
    """The terminal stops reading; keys still work, nothing blocks, and it comes back."""
    port = free_port()
    environment = {"XDG_STATE_HOME": str(folder)}
    with PtyProgram(command(folder, config, port), environment=environment) as program:
        program.wait_for_text("Golden signals")
        program.stop_reading()
        waited = 20.0
        time.sleep(waited)
        answered = samples_per_second(port, 3.0)
        program.go_on_reading()
        program.wait_until_quiet(0.2)
        delay, _ = program.press("2")
        row(f"engine beside a terminal that reads nothing ({waited:.0f} s)",
            f"{answered:.0f} samples/s", "goes on")  # fmt: skip
        row("the key after it", ms(delay), "<= 50 ms")


# --- The screen alone -------------------------------------------------------------------------


@contextmanager
def daemon(folder: Path, config: Path) -> Iterator[int]:
    port = free_port()
    words = command(folder, config, port)
    words[3:3] = ["serve"]
    words.remove("--exit-on-hangup")
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=1)
                    break
                except OSError:
                    time.sleep(0.1)
            yield port
        finally:
            process.terminate()
            process.wait(20)


def screen_alone(folder: Path, config: Path) -> None:
    with daemon(folder, config) as port:
        words = [sys.executable, "-m", "termprom.cli.main", "attach", f"http://127.0.0.1:{port}"]
        with PtyProgram(words, environment={"XDG_STATE_HOME": str(folder)}) as program:
            program.wait_for_text("Golden signals")
            time.sleep(5.0)
            row("screen alone, memory", f"{resident(program.pid) / 2**20:.0f} MiB", "<= 80 MiB")
            row("screen alone, CPU on live Home", cpu_share(program.pid, 20.0), "<= 2 %")
            program.press("8")
            program.wait_until_quiet(0.5)
            row("screen alone, CPU on a static pane", cpu_share(program.pid, 20.0), "<= 0.3 %")


def resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def cpu_share(pid: int, seconds: float) -> str:
    def used() -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = used()
    time.sleep(seconds)
    return f"{(used() - before) / seconds * 100:.1f} %"


# --- In process -------------------------------------------------------------------------------


def best(work: Callable[[], object], count: int = 7) -> float:
    """The least disturbed of several runs, in CPU seconds."""
    found = []
    for _ in range(count):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def graph_frame() -> None:
    from termprom.tui.plot.chart import Chart, Matrix, fit
    from termprom.tui.plot.identity import Pen
    from termprom.tui.plot.picture import draw
    from termprom.tui.plot.yaxis import YAxis

    times = np.arange(300, dtype=np.int64) * 15_000
    values = np.cumsum(np.random.default_rng(1).normal(size=(10, 300)), axis=1)
    matrix = Matrix(times, 15_000, values, np.ones_like(values, dtype=np.bool_))
    window = (0, int(times[-1]))
    pens = tuple(Pen(n % 8, n % 4, "abcdefghij"[n]) for n in range(10))
    axis = fit([matrix], window, YAxis())
    chart = Chart(matrix, pens, window=window, axis=axis)
    row("graph 160x45, 10 series x 300 points", ms(best(lambda: draw(chart, 160, 45))), "<= 4 ms")


def names() -> None:
    from termprom.tui.editor.names import NameIndex

    words = ("http", "node", "request", "bytes", "seconds", "total", "bucket", "errors", "queue")
    rng = np.random.default_rng(2)
    picked = rng.integers(0, len(words), size=(100_000, 4))
    made = [f"{'_'.join(words[w] for w in four)}_{n}" for n, four in enumerate(picked.tolist())]
    index = NameIndex(made)
    slowest = max(
        best(lambda typed=typed: index.find(typed))  # type: ignore[misc]
        for typed in ("h", "http_req", "quests_by", "zzz", "htbs", "errors_queue_errors_queue_4")
    )
    row("completion over 100 000 names, the slowest", ms(slowest), "<= 5 ms")


async def list_of_100_000() -> None:
    from termprom.model.labels import Labels
    from termprom.testing.clock import ManualClock
    from termprom.testing.fake_backend import FakeBackend
    from termprom.tui.app import TermpromApp
    from termprom.tui.panes.targets import TargetsPane
    from termprom.tui.widgets.virtual_list import VirtualList
    from termprom.views import Health, TargetsView, TargetView

    targets = tuple(
        TargetView("pool", f"http://10.0.{n // 250}.{n % 250}/metrics",
                   Labels.of(instance=f"10.0.{n // 250}.{n % 250}:9100", job="node"), Labels(),
                   Health.UP, last_scrape_ms=n)
        for n in range(100_000)
    )  # fmt: skip
    backend = FakeBackend(ManualClock(), target_views=TargetsView(targets))

    async def connect() -> FakeBackend:
        return backend

    app = TermpromApp(connect, clock=backend.clock)
    async with app.run_test(size=(120, 40)) as pilot:
        while app.visible_pane is None:
            await pilot.pause(0.01)
        await app.action_show_pane("targets")
        await pilot.pause(1.0)
        shown = app.visible_pane
        assert isinstance(shown, TargetsPane)
        rows = shown.query(VirtualList).first()
        row(
            "list of 100 000: take rows",
            ms(best(lambda: rows.set_rows(list(targets)), 3)),
            "<= 80 ms",
        )
        row("list of 100 000: sort", ms(best(lambda: rows.set_sort("last"), 3)), "<= 80 ms")
        row("list of 100 000: step", ms(best(lambda: rows.action_move(1))), "<= 10 ms")
        row("list of 100 000: filter", ms(best(lambda: rows.set_filter("10.0.7"), 3)), "<= 80 ms")


def main() -> None:
    import asyncio

    quick = "QUICK" in sys.argv[1:]
    load = " ".join(Path("/proc/loadavg").read_text().split()[:3])
    print(f"load of the machine before: {load}")
    graph_frame()
    names()
    asyncio.run(list_of_100_000())
    with tempfile.TemporaryDirectory() as name, exporters() as ports:
        folder = Path(name)
        config = configuration(folder, ports)
        starts(folder, 3 if quick else 15)
        for size in SIZES:
            print(f"{size[0]}x{size[1]}")
            keys_and_bytes(folder / f"{size[0]}", config, size, quick)
        storm_of_silence(folder / "silent", config)
        screen_alone(folder / "alone", config)


if __name__ == "__main__":
    main()
