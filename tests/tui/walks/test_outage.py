"""A person's walk, key by key, through the real program in a real terminal.

Three exporters are watched and one of them dies: from the first screen to knowing what is wrong,
having it silenced, and a graph of it exported for the ticket.

    termprom            Home: nothing is broken, 3 up
    (one dies)          Home: ▼ down, then ● firing; the banner says so
    enter               Alerts, with the cursor on it: which instance, since when, the expression
    S enter             silenced: the preview counts one, and names it
    o                   the expression as a graph, its threshold, when it became pending and fired
    y w                 picture and values in files
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from termprom.testing.pty import PtyProgram
from tests.tui.walks.engines import end_engines
from tests.tui.walks.exporter import Exporter

pytestmark = pytest.mark.slow

ENTER, WAIT = "\r", 40.0


@pytest.fixture(autouse=True)
def _no_engine_stays(tmp_path: Path) -> Iterator[None]:
    """An engine outlives its screen, and must not outlive a test that failed half-way."""
    yield
    end_engines(tmp_path / "data")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@contextmanager
def exporters(count: int) -> Iterator[list[Exporter]]:
    made = [Exporter() for _ in range(count)]
    try:
        yield made
    finally:
        for one in made:
            one.stop()


def configuration(folder: Path, made: list[Exporter]) -> Path:
    (folder / "rules.yml").write_text(
        "groups:\n- name: watch\n  interval: 1s\n  rules:\n  - alert: TargetDown\n"
        '    expr: up{job="demo"} == 0\n    for: 2s\n    labels: {severity: critical}\n'
        "    annotations: {summary: '{{ $labels.instance }} does not answer'}\n"
    )
    targets = ", ".join(f'"127.0.0.1:{one.port}"' for one in made)
    config = folder / "termprom.yml"
    config.write_text(
        f"global: {{scrape_interval: 1s}}\nrule_files: [{folder}/rules.yml]\n"
        f"scrape_configs:\n- job_name: demo\n  static_configs:\n  - targets: [{targets}]\n"
    )
    return config


@contextmanager
def termprom(
    folder: Path, config: Path, port: int, size: tuple[int, int] = (120, 40), *more: str
) -> Iterator[PtyProgram]:
    command = [
        sys.executable, "-m", "termprom.cli.main", f"--storage.tsdb.path={folder}/data",
        f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}",
        f"--push.listen-address=127.0.0.1:{free_port()}", *more,
    ]  # fmt: skip
    environment = {
        "XDG_STATE_HOME": f"{folder}/state", "XDG_CONFIG_HOME": f"{folder}/config",
        "PYTHONPATH": str(Path(__file__).parents[3]), "USER": "ana", "PWD": str(folder),
    }  # fmt: skip
    with PtyProgram(command, size=size, environment=environment) as program:
        yield program


def shows(program: PtyProgram, *texts: str) -> None:
    """Wait until all of them stand on the screen at once."""

    def there(one: PtyProgram) -> bool:
        shown = "\n".join(one.screen.lines)
        return all(text in shown for text in texts)

    program.wait_for(there, WAIT)


def line_with(program: PtyProgram, text: str) -> str:
    return next(line for line in program.screen.lines if text in line)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_from_an_outage_to_a_ticket(
    tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with exporters(3) as made, termprom(
        tmp_path, configuration(tmp_path, made), free_port(), size, "--exit-on-hangup"
    ) as program:  # fmt: skip
        shows(program, "nothing is broken", "demo 3/3")

        victim = made[1]
        victim.stop()
        shows(program, "▼1 down", "connection refused")
        shows(program, "●1 firing", "TargetDown")
        assert f"127.0.0.1:{victim.port}" in line_with(program, "● firing")

        program.send(ENTER)
        shows(program, "[2 Alerts]", f"127.0.0.1:{victim.port} does not answer")
        shows(program, "expr", 'up{job="demo"} == 0', "firing since")

        program.send("S")
        shows(program, '[x] alertname="TargetDown"', f'[x] instance="127.0.0.1:{victim.port}"')
        shows(program, "hides 1 firing, 0 pending", "amtool silence add")
        program.send(ENTER)
        shows(program, "silenced for 2h, u undoes", "⊘ silenced", "●0 firing")

        program.send("o")
        shows(program, "[3 Query]", 'up{job="demo"}', "3 series", "== 0")
        shows(program, "●")
        program.send("y")
        shows(program, "write picture and values to files")
        program.send("w")
        shows(program, "written: ")
        (picture,) = tmp_path.glob("termprom-*.txt")
        (values,) = tmp_path.glob("termprom-*.csv")
        assert 'up{job="demo"}' in picture.read_text()
        assert f"127.0.0.1:{victim.port}" in picture.read_text()
        assert values.read_text().startswith("__name__,instance,job,time,value\n")

        # It comes back, and that is said too.
        victim.start()
        program.send("1")
        shows(program, "▼0 down", "nothing is broken")
        program.send("q")
        shows(program, "Leave termprom")
        program.send("s")
        assert program.wait_for_end(WAIT) == 0


def test_undo_within_ten_seconds_makes_it_loud_again(tmp_path: Path) -> None:
    with exporters(1) as made, termprom(
        tmp_path, configuration(tmp_path, made), free_port(), (120, 40), "--exit-on-hangup"
    ) as program:  # fmt: skip
        shows(program, "demo 1/1")
        made[0].stop()
        shows(program, "●1 firing")
        program.send("2S")
        shows(program, "hides 1 firing")
        program.send(ENTER)
        shows(program, "u undoes", "●0 firing")
        program.send("u")
        shows(program, "loud again", "●1 firing")


def test_a_dropped_link_loses_nothing(tmp_path: Path) -> None:
    """SIGHUP, kill -9 of an attached screen: the engine goes on, the next screen is as it was."""
    from urllib.request import urlopen

    port = free_port()
    with exporters(2) as made:
        config = configuration(tmp_path, made)
        with termprom(tmp_path, config, port) as program:
            shows(program, "demo 2/2")
            program.send("3")
            shows(program, "PromQL")
            program.send("demo_requests_total" + ENTER)
            shows(program, "2 series")
            program.send("\x1b")
            shows(program, "h crosshair")
            program.send("YY")
            shows(program, " log ")
            _wait_for_view(tmp_path, "demo_requests_total", '"log"')
            program.hang_up()
            program.wait_for_end(WAIT)
        with urlopen(f"http://127.0.0.1:{port}/-/healthy", timeout=30) as answer:
            assert answer.status == 200
        for _ in range(2):
            with termprom(tmp_path, config, port) as again:
                shows(again, "[3 Query]", "demo_requests_total", "2 series", " log ")
                # Leaving the block kills the screen with SIGKILL.
        stop = [sys.executable, "-m", "termprom.cli.main", "stop",
                f"--storage.tsdb.path={tmp_path}/data"]  # fmt: skip
        with PtyProgram(stop, environment={"PYTHONPATH": str(Path(__file__).parents[3])}) as last:
            assert last.wait_for_end(WAIT) == 0


def _wait_for_view(folder: Path, *parts: str) -> None:
    """Until the screen has taken down what it shows."""
    import time

    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        for path in (folder / "state" / "termprom" / "views").glob("*.json"):
            text = path.read_text()
            if all(part in text for part in parts):
                return
        time.sleep(0.05)
    raise TimeoutError("the view was never taken down")
