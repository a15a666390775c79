"""`termprom attach`: the screen on a server elsewhere. The network lives in a thread of its own."""

from __future__ import annotations

import asyncio
import signal
import sys

from termprom.backend.interface import Backend
from termprom.daemon.loop_thread import LoopThread
from termprom.tui.app import AppOptions, TermpromApp


def attach(url: str, *, theme: str, ascii_only: bool, owner_secret: str = "") -> int:
    """Show `url` until the user leaves. The server goes on whatever happens here.

    `owner_secret` is that of a data folder on this machine, see `daemon.lock`.
    """
    sys.setswitchinterval(0.0005)
    network = LoopThread("remote")

    async def connect() -> Backend:
        async def open_remote() -> Backend:
            from termprom.backend.remote import RemoteBackend

            return await RemoteBackend.connect(url, owner_secret=owner_secret)

        inner = await asyncio.wrap_future(network.submit(open_remote))
        from termprom.backend.bridge import BridgedBackend

        return BridgedBackend(inner, network.loop)

    options = AppOptions(theme=theme, ascii=ascii_only, can_keep_engine=False, remember=True)
    app = TermpromApp(connect, options)

    async def show() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, lambda: app.exit("detach"))
        await app.run_async()

    asyncio.run(show())
    network.stop()
    return 0
