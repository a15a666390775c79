"""The silences that the configured Alertmanagers keep: made and ended there, mirrored here.

A block of the configuration is one Alertmanager or a cluster of them, which share their silences:
the first that answers speaks for it. A new silence goes to the first block.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import orjson

from termprom.alerting.client import SendError
from termprom.alerting.silence_json import created_id, listed_silences, silence_object
from termprom.clock import Clock
from termprom.errors import BadSilence, NoAlertmanager, UnknownSilence
from termprom.model.silences import Silence

_log = logging.getLogger("termprom.alerting")

REFRESH_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 1.0


class Request(Protocol):
    """Method, URL and body to the answer's body. Raises SendError."""

    def __call__(self, method: str, url: str, body: bytes | None = None) -> Awaitable[bytes]: ...


@dataclass(frozen=True, slots=True)
class Door:
    """One block: how to ask, and the bases of its endpoints (`http://am:9093/api/v2`)."""

    request: Request
    bases: Sequence[str]


class SilenceMirror:
    """Belongs to the event loop. `doors` gives the blocks that have endpoints now."""

    def __init__(
        self,
        doors: Callable[[], Sequence[Door]],
        *,
        clock: Clock,
        on_change: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._doors = doors
        self._clock = clock
        self._on_change = on_change
        self._silences: dict[str, Silence] = {}
        self.silences: Sequence[Silence] = ()  # another object after every change
        self._homes: dict[str, Door] = {}  # by silence: whom to tell about it
        self._trouble = ""
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"SilenceMirror({len(self._silences)} silences)"

    @property
    def configured(self) -> bool:
        """Whether there is an Alertmanager to ask at all."""
        return bool(self._doors())

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="silences of alertmanagers")

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def set(self, wanted: Silence) -> str:
        """Make or change a silence; its id. Raises BadSilence, UnknownSilence, NoAlertmanager."""
        doors = self._doors()
        door = self._homes.get(wanted.id) or (doors[0] if doors else Door(_nobody, ()))
        body = orjson.dumps(silence_object(wanted))
        answer = await self._tell(door, "POST", "silences", body, wanted.id)
        try:
            silence_id = created_id(answer)
        except ValueError as problem:
            raise NoAlertmanager(str(problem)) from problem
        await self.refresh()
        self._on_change("silence set: " + ", ".join(map(str, wanted.matchers)))
        return silence_id

    async def expire(self, silence_id: str) -> None:
        """End a silence. Raises UnknownSilence, NoAlertmanager."""
        if silence_id not in self._homes:
            await self.refresh()
        door, known = self._homes.get(silence_id), self._silences.get(silence_id)
        if door is None or known is None:
            raise UnknownSilence(silence_id)
        await self._tell(door, "DELETE", f"silence/{silence_id}", None, silence_id)
        await self.refresh()
        self._on_change("silence expired: " + ", ".join(map(str, known.matchers)))

    async def refresh(self) -> None:
        """Ask every block; one that does not answer keeps what it had. Never raises."""
        silences: dict[str, Silence] = {}
        homes: dict[str, Door] = {}
        troubles = []
        for door in self._doors():
            try:
                listed = listed_silences(await self._first(door, "GET", "silences", None))
            except (SendError, ValueError) as problem:
                troubles.append(str(problem))
                listed = [
                    one for one in self._silences.values() if _same(self._homes.get(one.id), door)
                ]
            silences.update((one.id, one) for one in listed)
            homes.update((one.id, door) for one in listed)
        self._say("; ".join(troubles))
        changed = silences != self._silences
        self._homes = homes
        if changed:
            self._silences = silences
            self.silences = tuple(silences.values())
            self._on_change("")

    # --- Asking -------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            await self.refresh()
            # Discovery may find one at any moment, and its silences must not come late.
            await self._clock.sleep(REFRESH_SECONDS if self.configured else _LOOK_SECONDS)

    async def _tell(
        self, door: Door, method: str, path: str, body: bytes | None, silence_id: str
    ) -> bytes:
        """Ask for a change; a refusal is told in the Alertmanager's own words."""
        try:
            return await self._first(door, method, path, body)
        except SendError as problem:
            if problem.status == 404 and silence_id:
                raise UnknownSilence(silence_id) from problem
            if problem.status in (400, 422):
                raise BadSilence(_words(problem)) from problem
            raise NoAlertmanager(f"no Alertmanager answers: {problem}") from problem

    async def _first(self, door: Door, method: str, path: str, body: bytes | None) -> bytes:
        """The answer of the first endpoint that gives one. Raises SendError, the last one's."""
        last = SendError("there is none")
        for base in door.bases:
            try:
                return await door.request(method, f"{base}/{path}", body)
            except SendError as problem:
                if not problem.passing:
                    raise
                last = problem
        raise last

    def _say(self, trouble: str) -> None:
        """Once per trouble, and once when it is over."""
        if trouble and trouble != self._trouble:
            _log.warning(
                "silences cannot be read from alertmanagers", extra={"fields": {"error": trouble}}
            )
        elif self._trouble and not trouble:
            _log.info("silences are read from alertmanagers again")
        self._trouble = trouble


def _same(home: Door | None, door: Door) -> bool:
    return home is not None and list(home.bases) == list(door.bases)


def _words(problem: SendError) -> str:
    """The reason in a refusal: a JSON string, or an object with a message."""
    try:
        found = orjson.loads(problem.body)
    except ValueError:
        found = problem.body.decode("utf-8", "replace").strip()
    text = found.get("message") if isinstance(found, dict) else found
    return str(text or problem)


async def _nobody(method: str, url: str, body: bytes | None = None) -> bytes:
    raise SendError("there is none")
