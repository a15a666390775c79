"""What completion offers, and where it comes from.

Words of the language answer at once. Names come from the backend: those of metrics are kept for a
minute and searched here; labels and their values are asked for with what else stands in the braces,
and an answer is kept as long. A backend that does not answer costs the offers, never the typing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from termprom.backend.interface import Backend
from termprom.clock import Clock
from termprom.errors import TermpromError
from termprom.model.labels import METRIC_NAME, is_legacy_label_name, quote
from termprom.model.metadata import Metadata
from termprom.promql.syntax.functions import FUNCTIONS
from termprom.tui.editor.context import (
    CALLABLE,
    DURATIONS,
    MODIFIERS,
    Context,
    Place,
    value_text,
)
from termprom.tui.editor.names import NameIndex

SHOWN_MAX: Final = 50
_KEPT_MS: Final = 60_000
_SPAN_MS: Final = 3_600_000  # names are those of series of the last hour
_VALUES_MAX: Final = 10_000
_ANSWERS_MAX: Final = 64  # label answers that are kept


@dataclass(frozen=True, slots=True)
class Offer:
    """`insert` replaces what is typed; `name` is what is shown, `note` what stands beside it."""

    name: str
    insert: str
    note: str = ""


class Offers:
    """Completions for one backend."""

    def __init__(self, backend: Backend, clock: Clock) -> None:
        self._backend = backend
        self._clock = clock
        self._metrics = NameIndex(())
        self._metadata: Mapping[str, Sequence[Metadata]] = {}
        self._fresh_until_ms = 0
        self._refreshing: asyncio.Task[None] | None = None
        self._answers: dict[tuple[str, ...], tuple[int, NameIndex]] = {}

    def __repr__(self) -> str:
        return f"Offers({self._metrics!r}, {len(self._answers)} label answers)"

    def type_of(self, metric: str) -> str:
        """The type that the targets state, empty where they do not."""
        found = self._metadata.get(metric)
        return str(found[0].type.value) if found else ""

    async def refresh(self) -> None:
        """Take the names of metrics anew if they are old; a caller that goes away stops nothing."""
        if self._refreshing is None or self._refreshing.done():
            if self._clock.now_ms() < self._fresh_until_ms:
                return
            self._refreshing = asyncio.create_task(self._take_metrics(), name="metric names")
        await asyncio.shield(self._refreshing)

    async def _take_metrics(self) -> None:
        now_ms = self._clock.now_ms()
        try:
            found = await self._backend.label_values(METRIC_NAME, (), now_ms - _SPAN_MS, now_ms)
            self._metrics = await asyncio.to_thread(NameIndex, found.names)
            self._metadata = await self._backend.metadata()
        except TermpromError:
            pass  # what was known before goes on
        self._fresh_until_ms = now_ms + _KEPT_MS

    def close(self) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()

    async def at(self, context: Context, recent: Iterable[str] = ()) -> list[Offer]:
        """The best offers for a place; `recent` are metrics that come first."""
        match context.place:
            case Place.EXPRESSION:
                await self.refresh()
                return self._expression(context, recent)
            case Place.AFTER:
                return [Offer(one, one + " ") for one in MODIFIERS if one.startswith(context.typed)]
            case Place.DURATION:
                return [Offer(one, one) for one in DURATIONS if one.startswith(context.typed)]
            case Place.LABEL_NAME | Place.LABEL_LIST:
                index = await self._labels(context.selectors)
                names = [one for one in index.find(context.typed) if one not in context.used]
                tail = "=" if context.place is Place.LABEL_NAME else ""
                return [Offer(one, _label(one) + tail) for one in names if one != METRIC_NAME]
            case Place.LABEL_VALUE:
                index = await self._values(context.label, context.selectors)
                return [
                    Offer(one, value_text(one, context)) for one in index.find(context.typed) if one
                ]
            case _:
                return []

    def _expression(self, context: Context, recent: Iterable[str]) -> list[Offer]:
        typed = context.typed
        first = [one for one in recent if one.startswith(typed)][:3]
        words = [one for one in CALLABLE if typed and one.startswith(typed)]
        metrics = self._metrics.find(typed, SHOWN_MAX)
        exact = [one for one in words if one == typed]
        shown = dict.fromkeys([*first, *exact, *metrics[:10], *words, *metrics])
        return [self._word(one) if one in _WORDS else self._metric(one) for one in shown][
            :SHOWN_MAX
        ]

    def _word(self, name: str) -> Offer:
        function = FUNCTIONS.get(name)
        return Offer(name, name + "(", "aggregation" if function is None else function.help)

    def _metric(self, name: str) -> Offer:
        plain = name.replace(":", "_").isidentifier() and name.isascii()
        found = self._metadata.get(name)
        note = f"{found[0].type.value}  {found[0].help}" if found else ""
        return Offer(name, name if plain else f"{{{quote(name)}}}", note)

    async def _labels(self, selectors: tuple[str, ...]) -> NameIndex:
        now_ms = self._clock.now_ms()
        key = ("", *selectors)
        if (kept := self._kept(key, now_ms)) is not None:
            return kept
        try:
            found = await self._backend.label_names(selectors, now_ms - _SPAN_MS, now_ms)
        except TermpromError:
            return NameIndex(())
        return self._keep(key, now_ms, found.names)

    async def _values(self, label: str, selectors: tuple[str, ...]) -> NameIndex:
        if label == METRIC_NAME and not selectors:
            await self.refresh()
            return self._metrics
        now_ms = self._clock.now_ms()
        key = (label, *selectors)
        if (kept := self._kept(key, now_ms)) is not None:
            return kept
        try:
            found = await self._backend.label_values(
                label, selectors, now_ms - _SPAN_MS, now_ms, limit=_VALUES_MAX
            )
        except TermpromError:
            return NameIndex(())
        return self._keep(key, now_ms, found.names)

    def _kept(self, key: tuple[str, ...], now_ms: int) -> NameIndex | None:
        until_ms, index = self._answers.get(key, (0, None))
        return index if now_ms < until_ms else None

    def _keep(self, key: tuple[str, ...], now_ms: int, names: Sequence[str]) -> NameIndex:
        index = NameIndex(names)
        self._answers.pop(key, None)
        self._answers[key] = (now_ms + _KEPT_MS, index)
        while len(self._answers) > _ANSWERS_MAX:
            del self._answers[next(iter(self._answers))]
        return index


_WORDS: Final = frozenset(CALLABLE)


def _label(name: str) -> str:
    return name if is_legacy_label_name(name) else quote(name)
