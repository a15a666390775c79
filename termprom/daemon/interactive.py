"""`termprom`: the engine in a thread, the screen in the main thread, and the ways to part them."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Final

from termprom.daemon.engine_thread import EngineThread
from termprom.daemon.lock import FolderLock, find_owner, read_secret
from termprom.daemon.logs import LogRing, StrayOutput, configure_logging
from termprom.daemon.settings import Settings
from termprom.daemon.terminal import Leash, run_on_leash, silence
from termprom.errors import AddressInUse, DataFolderLocked

if TYPE_CHECKING:
    from termprom.config.schema import Config
    from termprom.tui.app import TermpromApp

# One Python-bound thread beside the screen costs 24 ms a key at the default 5 ms, 6 ms at this.
_SWITCH_INTERVAL_SECONDS: Final = 0.0005


def run_with_screen(settings: Settings) -> int:
    """Engine and screen, or only the screen where an engine already runs on the data folder.

    Raises ConfigError, AddressInUse, StorageError before anything is painted.
    """
    owner = find_owner(settings.data_folder)
    if owner is not None and owner.url:
        return _attach_to_owner(settings, owner.pid, owner.url)
    if owner is not None:
        raise DataFolderLocked(str(settings.data_folder), owner.pid)
    config = None
    if settings.config_file is not None:
        # The embedded default needs no check before the first frame; a given file does.
        from termprom.daemon.configuration import read_configuration

        config = read_configuration(settings)
    _check_addresses(settings)
    return run_on_leash(lambda leash: _engine_and_screen(settings, config, leash))


def _attach_to_owner(settings: Settings, pid: int, url: str) -> int:
    from termprom.daemon.attach import attach

    print(  # noqa: T201  this is the command's answer, before there is a screen
        f"an engine runs on {settings.data_folder} (process {pid}): attaching to {url}", flush=True
    )
    return attach(
        url,
        theme=settings.theme,
        ascii_only=settings.ascii_only,
        owner_secret=read_secret(settings.data_folder),
    )


def _check_addresses(settings: Settings) -> None:
    """Fail before the screen opens where an address that was asked for is taken."""
    wanted = [*settings.listen, *([settings.push_listen] if settings.push_listen else [])]
    for one in wanted:
        if not one.explicit:
            continue
        host, _, port = one.address.rpartition(":")
        try:
            socket.create_server((host.strip("[]"), int(port)), reuse_port=False).close()
        except ValueError:
            raise AddressInUse(f"{one.address}: not an address") from None
        except OSError as problem:
            raise AddressInUse(one.address) from problem


def _engine_and_screen(settings: Settings, config: Config | None, leash: Leash) -> int:
    """In the child: returns the process's exit status."""
    from termprom.tui.app import AppOptions, TermpromApp

    sys.setswitchinterval(_SWITCH_INTERVAL_SECONDS)
    lock = FolderLock(settings.data_folder) if settings.use_lock_file else None
    if lock is not None:
        lock.acquire()
    ring = LogRing()
    configure_logging(
        settings.log_level, settings.log_format, ring, path=settings.log_path, stderr=False
    )
    # Textual writes to the real stderr; everybody else's prints would land across the screen.
    sys.stderr = StrayOutput()
    engine = EngineThread(settings, config, ring, lock)
    app = TermpromApp(
        engine.connect,
        AppOptions(
            theme=settings.theme,
            ascii=settings.ascii_only,
            can_keep_engine=True,
            remember=True,
            log_path=str(settings.log_path),
        ),
    )
    outcome = asyncio.run(_show(app, engine, leash))
    sys.stderr = sys.__stderr__
    if engine.failure is not None:
        engine.stop()
        raise engine.failure
    if outcome == "hangup" and settings.exit_on_hangup:
        outcome = "stop"
    if outcome in ("hangup", "keep"):
        if outcome == "keep":
            print(  # noqa: T201  the screen is gone, this is the last word to the shell
                f"the engine goes on at {engine.url}: 'termprom' attaches, 'termprom stop' ends it",
                flush=True,
            )
        leash.detach()
        _live_without_terminal(engine)
    engine.stop()
    return 0


async def _show(app: TermpromApp, engine: EngineThread, leash: Leash) -> str:
    """The screen until it ends: 'stop', 'keep' or 'hangup'."""
    loop = asyncio.get_running_loop()
    hung_up = False

    def hang_up() -> None:
        nonlocal hung_up
        if not hung_up:
            hung_up = True
            # First of all: whatever the screen still writes must not meet a dead terminal.
            silence()
            loop.remove_reader(leash.waiter_gone)
            app.exit("hangup")

    def leave(outcome: str) -> None:
        app.exit(outcome)

    def on_quit() -> None:
        """Called on the engine's thread."""
        loop.call_soon_threadsafe(leave, "stop")

    loop.add_signal_handler(signal.SIGHUP, hang_up)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave, "stop")
    loop.add_reader(leash.waiter_gone, hang_up)
    engine.on_failure = lambda: leave("stop")
    engine.on_quit = on_quit
    try:
        outcome = await app.run_async()
    finally:
        loop.remove_reader(leash.waiter_gone)
    return "hangup" if hung_up else (outcome or "stop")


def _live_without_terminal(engine: EngineThread) -> None:
    """Wait for a reason to end; SIGHUP reloads now, as in `serve`."""
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    signal.signal(signal.SIGHUP, lambda *_: engine.reload())
    engine.on_quit = over.set
    # Waking up once in a while lets Python run the signal handlers on every platform.
    while not over.wait(1.0):
        pass
