"""An event loop in a thread of its own: the engine's, or a remote end's."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines of another thread; starts with the first call, ends with `stop`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"LoopThread({self._name}, {'running' if self._thread else 'not running'})"

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        assert self._loop is not None, "start first"
        return self._loop

    def start(self) -> None:
        """Returns when the loop runs; a second call does nothing."""
        if self._thread is not None:
            return
        running = threading.Event()

        def run() -> None:
            with asyncio.Runner() as runner:
                self._loop = runner.get_loop()
                self._stopping = asyncio.Event()
                self._loop.call_soon(running.set)
                runner.run(self._stopping.wait())

        # A daemon thread: a main thread that dies of a bug must not leave a process without a
        # screen behind. The orderly end joins it.
        self._thread = threading.Thread(target=run, name=self._name, daemon=True)
        self._thread.start()
        running.wait()

    def submit(self, work: Callable[[], Coroutine[Any, Any, T]]) -> concurrent.futures.Future[T]:
        """Run `work()` there; the future is safe to wait for from any thread."""
        self.start()

        async def begin() -> T:
            return await work()

        return asyncio.run_coroutine_threadsafe(begin(), self.loop)

    def stop(self) -> None:
        """End the loop once it has nothing urgent left, and join the thread."""
        if self._thread is None:
            return
        self.loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = None
