"""The parameters of a request: the query of its URL and, for a POST, the form in its body."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from aiohttp import web

from termprom.errors import ParseError
from termprom.promql.syntax.parse import parse_selector
from termprom.server.failures import BadParameter, parse_failure
from termprom.server.params import (
    MAX_TIME_MS,
    MIN_TIME_MS,
    parse_limit,
    parse_step,
    parse_time,
)

T = TypeVar("T")

# What the parser says of a selector for everything, and what the API says of it.
_SELECTS_ALL = "vector selector must contain at least one non-empty matcher"
_MATCHES_ALL = "match[] must contain at least one non-empty matcher"

_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


class Parameters:
    """Named values; where one name has several, the first counts unless all are asked for."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __repr__(self) -> str:
        return f"Parameters({sorted(self._values)})"

    def get(self, name: str, default: str = "") -> str:
        return self._values.get(name, [default])[0]

    def all(self, name: str) -> Sequence[str]:
        return self._values.get(name, [])

    def read(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """The parsed value, `default` where there is none. Raises BadParameter."""
        text = self.get(name)
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as problem:
            raise BadParameter(str(problem), name) from problem

    def time(self, name: str, default: int) -> int:
        """Unix milliseconds. Raises BadParameter in the words for an optional time."""
        try:
            return parse_time(self.get(name)) if self.get(name) else default
        except ValueError as problem:
            text = f"invalid time value for '{name}': {problem}"
            raise BadParameter(text, name) from problem

    def time_range(self) -> tuple[int, int]:
        """`start` and `end` in milliseconds, everything where they are left out."""
        return self.time("start", MIN_TIME_MS), self.time("end", MAX_TIME_MS)

    def limit(self) -> int:
        return self.read("limit", parse_limit, 0)

    def timeout_seconds(self) -> float | None:
        nanoseconds = self.read("timeout", parse_step, None)
        return None if nanoseconds is None else nanoseconds / 1e9

    def lookback_ms(self) -> int | None:
        """None takes the server's. Raises BadParameter."""
        text = self.get("lookback_delta")
        if not text:
            return None
        try:
            milliseconds = parse_step(text) // 1_000_000
        except ValueError as problem:
            raise BadParameter(f"error parsing lookback delta duration: {problem}") from problem
        return milliseconds if milliseconds > 0 else None

    def selectors(self, *, named: bool = False) -> Sequence[str]:
        """The texts of match[], each checked. Raises BadParameter, which names match[] if asked."""
        name = "match[]" if named else ""
        for text in self.all("match[]"):
            try:
                matchers = parse_selector(text)
            except ParseError as problem:
                if problem.message == _SELECTS_ALL:
                    raise BadParameter(_MATCHES_ALL, name) from problem
                raise BadParameter(parse_failure(problem), name) from problem
            if all(matcher.matches_empty() for matcher in matchers):
                raise BadParameter(_MATCHES_ALL, name)
        return self.all("match[]")


def from_url(request: web.Request) -> Parameters:
    return Parameters(request.query.items())


async def read_parameters(request: web.Request, *, strict: bool = False) -> Parameters:
    """Form values first, those of the URL behind them.

    A form that cannot be read counts as empty, unless `strict`; a body of another type always
    does. Raises BadParameter.
    """
    pairs: list[tuple[str, str]] = []
    if request.method == "POST" and request.content_type in _FORM_TYPES:
        try:
            form = await request.post()
        except web.HTTPRequestEntityTooLarge as problem:
            raise BadParameter("error parsing form values: the form is too large") from problem
        except ValueError as problem:
            if strict:
                raise BadParameter(f"error parsing form values: {problem}") from problem
            form = None
        if form is not None:
            pairs = [(name, value) for name, value in form.items() if isinstance(value, str)]
    return Parameters([*pairs, *request.query.items()])
