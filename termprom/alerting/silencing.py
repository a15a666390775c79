"""All silences that count here: the Alertmanagers' where some are configured, else our own.

Own ones from before an Alertmanager was configured stay in force on this screen until they end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from termprom.alerting.silence_cover import Cover, Outside
from termprom.alerting.silence_mirror import SilenceMirror
from termprom.alerting.silences import SilenceStore
from termprom.clock import Clock
from termprom.model.silences import Silence
from termprom.views import AlertView, SilenceView


class Silencing:
    """Belongs to the event loop.

    `outside` gives what turns an alert's labels into those that Alertmanagers see: another object
    after a change of the configuration.
    """

    def __init__(
        self,
        own: SilenceStore,
        mirror: SilenceMirror,
        *,
        clock: Clock,
        outside: Callable[[], Outside],
    ) -> None:
        self._own = own
        self._mirror = mirror
        self._clock = clock
        self._outside = outside
        self._made_of: tuple[object, ...] = ()
        self._cover = Cover((), outside())

    def __repr__(self) -> str:
        return f"Silencing({self._own!r}, {self._mirror!r})"

    async def set(self, wanted: Silence) -> str:
        """Make or change a silence; its id.

        Raises BadSilence, UnknownSilence, NoAlertmanager, StorageError.
        """
        if self._mirror.configured and wanted.id not in self._own:
            return await self._mirror.set(wanted)
        return await self._own.set(wanted)

    async def expire(self, silence_id: str) -> None:
        """End a silence. Raises UnknownSilence, NoAlertmanager, StorageError."""
        if self._mirror.configured and silence_id not in self._own:
            await self._mirror.expire(silence_id)
        else:
            await self._own.expire(silence_id)

    def marked(self, alerts: Sequence[AlertView]) -> Sequence[AlertView]:
        """The alerts, each with the silences that apply to it."""
        return self._current().marked(alerts, self._clock.now_ms())

    def view(self, alerts: Sequence[AlertView]) -> Sequence[SilenceView]:
        """All silences, with the number of these alerts that each covers."""
        return self._current().view(alerts, self._clock.now_ms())

    def _current(self) -> Cover:
        """A new cover only where a list or the configuration is another one."""
        now = (self._own.silences, self._mirror.silences, self._outside())
        if len(self._made_of) != len(now) or any(
            one is not other for one, other in zip(now, self._made_of, strict=True)
        ):
            self._made_of = now
            self._cover = Cover(chain(self._own.silences, self._mirror.silences), self._outside())
        return self._cover
