"""`termprom serve`: the engine on the main thread, log lines on stderr."""

from __future__ import annotations

import asyncio
import signal

from termprom.clock import SystemClock
from termprom.daemon.configuration import read_configuration
from termprom.daemon.engine import Engine
from termprom.daemon.lock import FolderLock
from termprom.daemon.logs import LogRing, configure_logging
from termprom.daemon.settings import Settings
from termprom.errors import ConfigError


def serve(settings: Settings) -> int:
    """Run until SIGTERM, SIGINT or a quit request. Raises TermpromError where it cannot start."""
    config = read_configuration(settings)
    lock = FolderLock(settings.data_folder) if settings.use_lock_file else None
    if lock is not None:
        lock.acquire()
    ring = LogRing()
    configure_logging(
        settings.log_level, settings.log_format, ring, path=settings.log_path, stderr=True
    )

    async def main() -> None:
        engine = Engine(settings, clock=SystemClock(), ring=ring, lock=lock)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, engine.quit)
        await engine.start(config)
        reloads: set[asyncio.Task[None]] = set()

        async def reload() -> None:
            # The engine has logged and counted the failure; the old configuration goes on.
            try:
                await engine.reload()
            except ConfigError:
                return

        def on_hangup() -> None:
            task = loop.create_task(reload())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        loop.add_signal_handler(signal.SIGHUP, on_hangup)
        await engine.quit_requested.wait()
        await engine.stop()

    try:
        asyncio.run(main())
    finally:
        if lock is not None:
            lock.release()
    return 0
