"""Series notation: `metric{a="b"} 1 2+1x3 _ stale {{schema:0 count:2}}`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from termprom.model.durations import parse_duration
from termprom.model.histogram import FloatHistogram
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.values import STALE_BITS, float_from_bits
from termprom.testing.promqltest.histogram_text import parse_histogram, repeated

Item = float | FloatHistogram | None  # None is a gap

_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(
    r"""\s*(?:(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)|(?P<quoted>"(?:[^"\\]|\\.)*"))\s*"""
    r"""(?:=\s*(?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`))?\s*(?P<end>[,}])"""
)
_UNSIGNED: Final = r"(?:Inf|inf|NaN|nan|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
_FLOAT: Final = rf"(?:[+-]?{_UNSIGNED})"
_EXPANSION: Final = re.compile(
    rf"(?P<first>{_FLOAT})(?:(?:(?P<sign>[+-])(?P<delta>{_UNSIGNED}))?x(?P<times>\d+))?"
)
_HISTOGRAM_ITEM: Final = re.compile(
    r"(?P<first>\{\{.*?\}\})(?:(?:(?P<sign>[+-])(?P<delta>\{\{.*?\}\}))?x(?P<times>\d+))?(?!\S)"
)
_OFFSET: Final = re.compile(
    r"(?P<first>[+-]?(?:\d+[a-wyz]+)+|[+-]?0)(?P<delta>[+-](?:\d+[a-wyz]+)+)?(?:x(?P<times>\d+))?"
)
_ESCAPE: Final = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")
_PLAIN_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True, slots=True)
class SeriesLine:
    """A label set and its items, one per position.

    A line `metric@st` has no items but `start_offsets`: since when the sample at each position of
    the next line counts, in milliseconds before or after its own time; None is unknown.
    """

    labels: Labels
    items: tuple[Item, ...]
    start_offsets: tuple[int | None, ...] | None = None


def parse_series(line: str) -> SeriesLine:
    """Raises ValueError where the line is no series."""
    pairs: list[tuple[str, str]] = []
    name = _NAME.match(line)
    if name is not None and name[0].lower() in ("inf", "nan"):
        raise ValueError(f"not a series: {line!r}")
    rest = line if name is None else line[name.end() :]
    if rest.startswith("{") and not rest.startswith("{{"):
        pairs, rest = _label_set(rest)
    if name is not None:
        # The name in front counts, whatever the braces say.
        pairs.append((METRIC_NAME, name[0]))
    if not pairs and not line.startswith("{"):
        raise ValueError(f"not a series: {line!r}")
    if rest.startswith("@st"):
        return SeriesLine(Labels.from_pairs(pairs), (), tuple(_offsets(rest[3:])))
    return SeriesLine(Labels.from_pairs(pairs), tuple(_items(rest)))


def _label_set(text: str) -> tuple[list[tuple[str, str]], str]:
    """The labels in front of `text`, and what follows the closing brace."""
    pairs: list[tuple[str, str]] = []
    at = 1
    if (closed := re.compile(r"\s*\}").match(text, at)) is not None:
        return pairs, text[closed.end() :]
    while (found := _LABEL.match(text, at)) is not None:
        name = found["name"] or _string(found["quoted"])
        if found["value"] is None:
            pairs.append((METRIC_NAME, name))
        else:
            pairs.append((name, _string(found["value"])))
        at = found.end()
        if found["end"] == "}":
            return pairs, text[at:]
        if (closed := re.compile(r"\s*\}").match(text, at)) is not None:
            return pairs, text[closed.end() :]
    raise ValueError(f"bad label set: {text!r}")


def _string(quoted: str) -> str:
    if quoted.startswith("`"):
        return quoted[1:-1]

    def plain(found: re.Match[str]) -> str:
        code = found[1]
        if code[0] in "xu" and len(code) > 1:
            return chr(int(code[1:], 16))
        return _PLAIN_ESCAPES.get(code, code)

    return _ESCAPE.sub(plain, quoted[1:-1])


def parse_number(text: str) -> float | None:
    """A bare number as Go reads it (0x.., 017 octal), None where it is something else."""
    body = text.lstrip("+-")
    sign = -1.0 if text.startswith("-") else 1.0
    if re.fullmatch(r"0[xX][0-9a-fA-F]+", body):
        return sign * int(body, 16)
    if re.fullmatch(r"0[0-7]+", body):
        return sign * int(body, 8)
    return float(text.replace("_", "")) if re.fullmatch(_FLOAT, text) else None


def _items(text: str) -> Iterator[Item]:
    at = 0
    text = text.strip()
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        if text.startswith("{{", at):
            found = _HISTOGRAM_ITEM.match(text, at)
            if found is None:
                raise ValueError(f"bad histogram: {text[at:]!r}")
            yield from _histograms(found)
            at = found.end()
            continue
        end = at
        while end < len(text) and not text[end].isspace():
            end += 1
        yield from _plain_items(text[at:end])
        at = end


def _plain_items(word: str) -> Iterator[Item]:
    if word == "_":
        yield None
    elif word.startswith("_x"):
        yield from [None] * int(word[2:])
    elif word == "stale":
        yield float_from_bits(STALE_BITS)
    elif (found := _EXPANSION.fullmatch(word)) is not None:
        value, delta = _finite(found["first"]), _finite(found["delta"] or "0")
        delta = -delta if found["sign"] == "-" else delta
        yield value
        for _ in range(int(found["times"] or 0)):
            if found["delta"] is not None:
                value += delta
            yield value
    else:
        raise ValueError(f"unknown item {word!r}")


def _finite(text: str) -> float:
    """A number, infinite only where it says so; `_` may stand between digits."""
    value = float(text)
    if math.isinf(value) and "inf" not in text.lower():
        raise ValueError(f"value out of range: {text}")
    return value


def _offsets(text: str) -> Iterator[int | None]:
    for word in text.split():
        if word == "_":
            yield None
        elif word.startswith("_x"):
            yield from [None] * int(word[2:])
        elif (found := _OFFSET.fullmatch(word)) is not None:
            offset = _milliseconds(found["first"])
            delta = _milliseconds(found["delta"]) if found["delta"] else 0
            for number in range(int(found["times"] or 0) + 1):
                yield offset + number * delta
        else:
            raise ValueError(f"unknown start timestamp {word!r}")


def _milliseconds(text: str) -> int:
    body = text.lstrip("+-")
    value = 0 if body == "0" else parse_duration(body)
    return -value if text.startswith("-") else value


def _histograms(found: re.Match[str]) -> Iterator[Item]:
    first = parse_histogram(found["first"])
    times = int(found["times"] or 0)
    if found["delta"] is None:
        yield from [first] * (times + 1)
        return
    delta = parse_histogram(found["delta"])
    yield from repeated(first, delta, -1.0 if found["sign"] == "-" else 1.0, times)
