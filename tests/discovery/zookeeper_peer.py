"""A real ZooKeeper for tests: TERMPROM_ZOOKEEPER names the folder with its jars; skips without."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from termprom.discovery.zookeeper_client import ZooKeeper
from termprom.errors import DiscoveryError
from tests.discovery.side_by_side import free_port

_JARS = (
    "zookeeper zookeeper-jute slf4j-api slf4j-simple commons-cli commons-io jackson-core "
    "jackson-databind jackson-annotations metrics-core snappy-java netty*"
)
Put = Callable[[str, str], Awaitable[None]]


@asynccontextmanager
async def real_zookeeper(folder: Path) -> AsyncIterator[tuple[str, Put]]:
    """Its address, and what makes a node in it."""
    jars, java = os.environ.get("TERMPROM_ZOOKEEPER", ""), shutil.which("java")
    if not jars or java is None:
        pytest.skip("no ZooKeeper; TERMPROM_ZOOKEEPER names the folder with its jars")
    path, port = _class_path(Path(jars)), free_port()
    (folder / "zoo.cfg").write_text(
        f"tickTime=500\ndataDir={folder}/zookeeper\nclientPort={port}\n"
        "clientPortAddress=127.0.0.1\nadmin.enableServer=false\n"
    )
    main = "org.apache.zookeeper.server.ZooKeeperServerMain"
    with (folder / "zookeeper.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(java, "-Xmx128m", "-cp", path, main, str(folder / "zoo.cfg")), stdout=log, stderr=log
        )
    address = f"127.0.0.1:{port}"
    waiting: list[str] = []

    async def put(node: str, content: str) -> None:
        # The command line of ZooKeeper takes a second to start, so nodes are made in one go.
        waiting.append(f"create {node} '{content}'\n")
        if node == "/sets/member_2":
            await _told(java, path, address, waiting)

    try:
        await _listening(port)
        yield address, put
    finally:
        process.kill()
        await process.wait()


async def _listening(port: int) -> None:
    """It takes connections before it takes sessions."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(DiscoveryError):
                async with ZooKeeper(f"127.0.0.1:{port}", timeout_seconds=5):
                    return
            await asyncio.sleep(0.1)


def _class_path(folder: Path) -> str:
    found = [str(jar) for name in _JARS.split() for jar in folder.glob(f"{name}.jar")]
    return os.pathsep.join(found)


async def _told(java: str, path: str, address: str, commands: list[str]) -> None:
    main = "org.apache.zookeeper.ZooKeeperMain"
    process = await asyncio.create_subprocess_exec(
        *(java, "-Xmx128m", "-cp", path, main, "-server", address),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate("".join(commands).encode())
    assert out.count(b"Created ") == len(commands), out.decode("utf-8", "replace")
