"""The engine in its own thread beside a screen, seen from the screen's thread."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from termprom.daemon.loop_thread import LoopThread
from termprom.daemon.settings import Settings
from termprom.errors import BackendUnavailable, TermpromError

if TYPE_CHECKING:
    from termprom.backend.interface import Backend
    from termprom.config.schema import Config
    from termprom.daemon.engine import Engine
    from termprom.daemon.lock import FolderLock
    from termprom.daemon.logs import LogRing

# How long one attempt to connect waits before it reports progress to the screen.
_PATIENCE_SECONDS: Final = 0.25


class EngineThread:
    """Starts the engine on the first `connect`; the heavy imports happen in its thread."""

    def __init__(
        self, settings: Settings, config: Config | None, ring: LogRing, lock: FolderLock | None
    ) -> None:
        self._settings = settings
        self._config = config
        self._ring = ring
        self._lock = lock
        self._thread = LoopThread("engine")
        self._starting: concurrent.futures.Future[Engine] | None = None
        self._progress = "starting"
        self.failure: TermpromError | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self.on_quit: Callable[[], None] = lambda: None

    async def connect(self) -> Backend:
        """The engine as a Backend of the calling loop.

        Raises BackendUnavailable with the progress for as long as the engine is not ready.
        """
        if self._starting is None:
            self._starting = self._thread.submit(self._start)
        starting = asyncio.wrap_future(self._starting)
        try:
            engine = await asyncio.wait_for(asyncio.shield(starting), _PATIENCE_SECONDS)
        except TimeoutError:
            raise BackendUnavailable(self._progress) from None
        except TermpromError as problem:
            self.failure = problem
            self.on_failure()
            raise BackendUnavailable(str(problem)) from problem
        from termprom.backend.bridge import BridgedBackend

        return BridgedBackend(engine.backend, self._thread.loop)

    async def _start(self) -> Engine:
        from termprom.clock import SystemClock
        from termprom.daemon.configuration import read_configuration
        from termprom.daemon.engine import Engine

        config = self._config or read_configuration(self._settings)
        engine = Engine(
            self._settings,
            clock=SystemClock(),
            ring=self._ring,
            lock=self._lock,
            on_progress=self._on_progress,
        )
        await engine.start(config)
        self._watcher = asyncio.create_task(self._watch(engine))
        return engine

    async def _watch(self, engine: Engine) -> None:
        await engine.quit_requested.wait()
        self.on_quit()

    def _on_progress(self, text: str) -> None:
        self._progress = text

    @property
    def url(self) -> str:
        """Where the API answers; empty while the engine is not ready."""
        starting = self._starting
        if starting is None or not starting.done() or starting.exception() is not None:
            return ""
        return starting.result().url

    def reload(self) -> None:
        """Ask for a reload; its outcome is in the log."""
        starting = self._starting
        if starting is not None and starting.done() and starting.exception() is None:
            self._thread.submit(starting.result().reload)

    def stop(self) -> None:
        """Stop the engine and wait until its data is safe. Blocking."""
        starting = self._starting
        if starting is not None:
            try:
                engine = starting.result()
            except TermpromError:
                pass  # It never ran, and has cleaned up after itself.
            else:
                self._thread.submit(engine.stop).result()
        self._thread.stop()
        if self._lock is not None:
            self._lock.release()
