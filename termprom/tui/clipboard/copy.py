"""Copying: tries the planned ways until one works and says which it was."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from termprom.tui.clipboard.plan import (
    TMUX_COMMAND,
    CopyPath,
    osc52,
    plan_copy,
    tool_command,
)

_TOOL_SECONDS: Final = 2.0
_KEPT_FILE: Final = "termprom-copy.txt"


@dataclass(frozen=True, slots=True)
class Copied:
    """What was done with the text; `detail` is the file's name where it went to a file.

    Only tmux and the local tools confirm anything: `confirmed` False means that it was sent.
    """

    path: CopyPath
    confirmed: bool
    detail: str = ""

    def __str__(self) -> str:
        if self.path is CopyPath.FILE:
            return f"written to {self.detail}"
        return f"{'copied' if self.confirmed else 'sent'} by {self.path.value}"


async def copy_text(
    text: str,
    write: Callable[[str], None],
    *,
    environment: Mapping[str, str] | None = None,
    has_program: Callable[[str], bool] | None = None,
    folder: Path | None = None,
) -> Copied:
    """Put `text` where the operator can paste it. `write` sends to the terminal; `folder` takes the
    file, else the temporary one. Raises OSError when not even a file can be written.
    """
    env = os.environ if environment is None else environment
    has = has_program or (lambda name: shutil.which(name) is not None)
    for path in plan_copy(text, env, has):
        match path:
            case CopyPath.TMUX:
                if await _feed(TMUX_COMMAND, text, env):
                    return Copied(path, confirmed=True)
            case CopyPath.TOOL:
                if await _feed(tool_command(env, has), text, env):
                    return Copied(path, confirmed=True)
            case CopyPath.OSC52:
                write(osc52(text, env))
                return Copied(path, confirmed=False)
            case CopyPath.FILE:
                break
    name = await asyncio.to_thread(_write_file, text, folder)
    return Copied(CopyPath.FILE, confirmed=True, detail=name)


async def _feed(command: Sequence[str], text: str, environment: Mapping[str, str]) -> bool:
    """Whether the program took the text. It must not write to the screen, nor hold it up."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environment),
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(_TOOL_SECONDS):
            await process.communicate(text.encode())
    except TimeoutError:
        process.kill()
        await process.wait()
        return False
    return process.returncode == 0


def _write_file(text: str, folder: Path | None) -> str:
    """Blocking. The same name each time, readable by its owner only: it may hold secrets."""
    place = folder or Path(tempfile.gettempdir()) / f"termprom-{os.getuid()}"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    if place.stat().st_uid != os.getuid():
        raise PermissionError(f"{place} belongs to somebody else")
    path = place / _KEPT_FILE
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
    return str(path)
