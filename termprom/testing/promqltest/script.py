"""A script as values: what to load, what to ask, what to expect.

    load 5m                                   samples of each series every 5m from the epoch
      up{job="a"} 1 0 _ stale 1+1x3
    eval instant at 10m sum(up)               or: eval range from 0 to 10m step 5m sum(up)
      expect no_warn
      {} 3
    clear

Lines are trimmed; a blank line or one that starts with `#` ends a block.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from termprom.model.durations import parse_duration
from termprom.testing.promqltest.nhcb import native_lines
from termprom.testing.promqltest.series import SeriesLine, parse_number, parse_series

_INSTANT: Final = re.compile(
    r"eval(?:_(?P<mode>fail|warn|ordered|info))?\s+instant\s+(?:at\s+(?P<at>\S+)\s+)?(?P<expr>.+)"
)
_RANGE: Final = re.compile(
    r"eval(?:_(?P<mode>fail|warn|info))?\s+range\s+from\s+(?P<start>.+)\s+to\s+(?P<end>.+)\s+"
    r"step\s+(?P<step>.+?)\s+(?P<expr>.+)"
)
_EXPECT: Final = re.compile(
    r"expect\s+(?P<kind>ordered|fail|warn|no_warn|info|no_info)"
    r"(?:\s+(?P<how>msg|regex):(?P<text>.*))?"
)
_EXPECT_RANGE: Final = re.compile(
    r"expect\s+range\s+vector\s+from\s+(?P<start>.+)\s+to\s+(?P<end>.+)\s+step\s+(?P<step>.+)"
)
_EXPECT_STRING: Final = re.compile(r"expect\s+string\s+(?P<text>.+)")


class ScriptError(Exception):
    """A script that does not follow its own format."""


@dataclass(frozen=True, slots=True)
class Clear:
    line: int


@dataclass(frozen=True, slots=True)
class Load:
    """Series lines to store, sample i at i * step_ms."""

    line: int
    step_ms: int
    series: tuple[SeriesLine, ...]


@dataclass(frozen=True, slots=True)
class Expectation:
    """One `expect` line; `pattern` None matches any text."""

    kind: str
    pattern: str | None = None
    is_regex: bool = False

    def matches(self, text: str) -> bool:
        if self.pattern is None:
            return True
        if self.is_regex:
            return re.search(self.pattern, text) is not None
        return self.pattern == text


@dataclass(slots=True)
class Eval:
    """One question. `end_ms` None says instant at `start_ms`; `scalar` a bare number expected."""

    line: int
    expr: str
    start_ms: int
    end_ms: int | None = None
    step_ms: int = 1
    expectations: list[Expectation] = field(default_factory=list)
    series: list[SeriesLine] = field(default_factory=list)
    scalar: float | None = None
    text: str | None = None
    raw_range: tuple[int, int, int] | None = None

    def expects(self, *kinds: str) -> list[Expectation]:
        return [one for one in self.expectations if one.kind in kinds]


Command = Clear | Load | Eval


def parse_time(text: str) -> int:
    """Milliseconds of a duration, or of a bare number of seconds."""
    sign, body = (-1, text[1:]) if text.startswith("-") else (1, text)
    try:
        return sign * parse_duration(body)
    except ValueError:
        return sign * int(float(body) * 1000)


def parse_script(text: str) -> list[Command]:
    """The commands of a script. Raises ScriptError with the line number."""
    commands: list[Command] = []
    lines = [line.strip() for line in text.splitlines()]
    at = 0
    while at < len(lines):
        line, number = lines[at], at + 1
        at += 1
        if not line or line.startswith("#"):
            continue
        block: list[str] = []
        if not line.startswith("clear"):
            while at < len(lines) and lines[at] and not lines[at].startswith("#"):
                block.append(lines[at])
                at += 1
        try:
            commands.append(_command(line, number, block))
        except ValueError as problem:
            raise ScriptError(f"line {number}: {problem}") from problem
    return commands


def _command(line: str, number: int, block: Sequence[str]) -> Command:
    if line.startswith("clear"):
        return Clear(number)
    if line.startswith("load"):
        word, _, step = line.partition(" ")
        series = tuple(parse_series(one) for one in block)
        if word == "load_with_nhcb":
            series += native_lines(series)
        elif word != "load":
            raise ValueError(f"unknown command {word!r}")
        return Load(number, parse_time(step.strip()), series)
    if (found := _RANGE.fullmatch(line)) is not None:
        asked = Eval(
            number,
            found["expr"],
            parse_time(found["start"].strip()),
            parse_time(found["end"].strip()),
            parse_time(found["step"].strip()),
        )
    elif (found := _INSTANT.fullmatch(line)) is not None:
        asked = Eval(number, found["expr"], parse_time(found["at"] or "0"))
    else:
        raise ValueError(f"unknown command {line!r}")
    if found["mode"]:
        asked.expectations.append(Expectation(found["mode"]))
    for one in block:
        if not _read_expectation(asked, one):
            break
    return asked


def _read_expectation(asked: Eval, line: str) -> bool:
    """Take one line of a block in; False where it ends the block."""
    for word, is_regex in (("expected_fail_message", False), ("expected_fail_regexp", True)):
        if line.startswith(word + " "):
            asked.expectations = [Expectation("fail", line[len(word) :].strip(), is_regex)]
            return False
    if (found := _EXPECT_RANGE.fullmatch(line)) is not None:
        start, end, step = (parse_time(found[name].strip()) for name in ("start", "end", "step"))
        asked.raw_range = (start, end, step)
        asked.start_ms = end
    elif (found := _EXPECT_STRING.fullmatch(line)) is not None:
        asked.text = _unquoted(found["text"].strip())
    elif (found := _EXPECT.fullmatch(line)) is not None:
        pattern = None if found["how"] is None else found["text"].strip()
        asked.expectations.append(Expectation(found["kind"], pattern, found["how"] == "regex"))
    elif (number := parse_number(line)) is not None:
        asked.scalar = number
        return False
    else:
        asked.series.append(parse_series(line))
    return True


def _unquoted(text: str) -> str:
    if text.startswith("`"):
        return text.strip("`")
    return text[1:-1].encode().decode("unicode_escape").encode("latin-1").decode()
