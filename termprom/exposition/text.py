"""Scanner of the text formats 0.0.4 and 1.0.0.

    line    = blank | comment | help | type | sample
    sample  = name [labels] value [timestamp] | labels value [timestamp]
    labels  = "{" { item [","] } "}"            item = name "=" value | quoted metric name
    value   = run without blank, tab, newline or "{"       timestamp = digits, milliseconds

Blanks and tabs may stand between tokens; before a bare metric name they belong to the name. A NUL
at the start of a line or in a comment ends the input. Source: behaviour of upstream's lexer.
"""

from __future__ import annotations

import re
from typing import Final

from termprom.exposition.entries import Entry, HelpEntry, SeriesEntry, Tail, TypeEntry
from termprom.exposition.numbers import shown
from termprom.exposition.scanner import (
    fail,
    fail_plainly,
    named,
    number_at,
    text_at,
    with_bound,
)
from termprom.model.metadata import MetricType

_BLANKS: Final = re.compile(rb"[ \t]*")
_NAME: Final = re.compile(rb"[ \t]*[a-zA-Z_:][a-zA-Z0-9_:]*")
_METADATA: Final = re.compile(
    rb"[ \t]*#[ \t]+(HELP|TYPE)[ \t]+"
    rb'(?:([a-zA-Z_:][a-zA-Z0-9_:]*|"(?:[^\\"]++|\\[^\n])*+")([^\n]*))?'
)
# One label and the comma behind it: the shape of nearly every label there is.
_LABEL: Final = re.compile(
    rb'[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]++|\\.)*+)"[ \t]*(,?)', re.DOTALL
)
_LABEL_NAME: Final = re.compile(rb"[a-zA-Z_][a-zA-Z0-9_]*")
_QUOTED: Final = re.compile(rb'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_VALUE: Final = re.compile(rb"[^{ \t\n]+")
_TIMESTAMP: Final = re.compile(rb"[0-9]+")

# Quotes need no escape in a HELP text, so a backslash before one stays.
_HELP_ESCAPE: Final = re.compile(rb"\\([\\n])")
_HELP_REPLACEMENTS: Final = {b"\\": b"\\", b"n": b"\n"}

_TYPES: Final = {
    b"counter": MetricType.COUNTER,
    b"gauge": MetricType.GAUGE,
    b"histogram": MetricType.HISTOGRAM,
    b"summary": MetricType.SUMMARY,
    b"untyped": MetricType.UNKNOWN,
}


class TextScanner:
    """The entries of one text body; see `scanner.Scanner`."""

    def __init__(self, body: bytes) -> None:
        self.body = body if body.endswith(b"\n") or not body else body + b"\n"
        self.type = MetricType.UNKNOWN

    def entry(self, at: int) -> tuple[Entry | None, int]:
        body = self.body
        first = self._after_blanks(at)
        match body[first]:
            case 0x0A:
                return None, first + 1
            case 0x00:
                return None, len(body)
            case 0x23:
                return self._comment(at, first)
            case 0x7B:
                return self._series(at, first, None)
        name = _NAME.match(body, at)
        if name is None:
            fail(body, at, first, "expected a valid start token")
        return self._series(at, name.end(), name[0].decode("ascii"))

    def finish(self) -> None:
        return

    def _after_blanks(self, at: int) -> int:
        found = _BLANKS.match(self.body, at)
        assert found is not None, "the pattern matches the empty text"
        return found.end()

    def _comment(self, start: int, hash_at: int) -> tuple[Entry | None, int]:
        body = self.body
        end = body.index(b"\n", hash_at)
        found = _METADATA.match(body, start, end)
        if found is None:
            return None, len(body) if body.find(b"\0", hash_at, end) >= 0 else end + 1
        keyword = found[1].decode()
        if found[2] is None:
            fail(body, start, found.end(), f"expected metric name after {keyword}")
        metric = found[2].decode("utf-8", "replace")
        if metric.startswith('"'):
            metric = text_at(body, start, found.start(2) + 1, found.end(2) - 1)
        text = found[3][1:]
        if keyword == "HELP":
            return HelpEntry(metric, self._help(start, end, text)), end + 1
        if text not in _TYPES:
            fail_plainly(body, start, end - 1, f'invalid metric type "{shown(text)}"')
        self.type = _TYPES[text]
        return TypeEntry(metric, self.type), end + 1

    def _help(self, start: int, end: int, text: bytes) -> str:
        if not text.strip(b" \t"):
            return ""
        plain = _HELP_ESCAPE.sub(lambda escape: _HELP_REPLACEMENTS[escape[1]], text)
        try:
            return plain.decode("utf-8")
        except UnicodeDecodeError:
            message = f'help text "{shown(text)}" is not a valid utf8 string'
            fail_plainly(self.body, start, end - 1, message)

    def _series(self, start: int, at: int, metric: str | None) -> tuple[Entry, int]:
        body = self.body
        pairs: list[tuple[str, str]] = []
        key_end = at
        at = self._after_blanks(at)
        if body[at] == 0x7B:
            metric, at = self._labels(start, at + 1, metric, pairs)
            key_end = at
            at = self._after_blanks(at)
        tail = self.tail(start, at)
        if metric is None:
            fail_plainly(body, start, at, "metric name not set")
        found = SeriesEntry(
            key=body[start:key_end],
            pairs=with_bound(named(metric, pairs), self.type),
            value=tail.value,
            timestamp_ms=tail.timestamp_ms,
            exemplar=None,
            start=start,
            value_start=at,
            value_end=tail.value_end,
            end=tail.end,
        )
        return found, tail.end + 1

    def tail(self, start: int, at: int) -> Tail:
        body = self.body
        value = _VALUE.match(body, at)
        if value is None:
            fail(body, start, at, "expected value after metric")
        number = number_at(body, start, at, value.end())
        end = self._after_blanks(value.end())
        timestamp_ms = None
        if body[end] != 0x0A:
            timestamp_ms, end = self._timestamp(start, end)
        return Tail(number, timestamp_ms, None, value.end(), end)

    def _timestamp(self, start: int, at: int) -> tuple[int, int]:
        """The milliseconds that stand at `at`, and where the line ends."""
        body = self.body
        digits = _TIMESTAMP.match(body, at)
        if digits is None:
            fail(body, start, at, "expected timestamp or new record")
        end = self._after_blanks(digits.end())
        if body[end] != 0x0A:
            fail(body, start, end, "expected next entry after timestamp")
        # Twenty digits never fit; the cut keeps int() from chewing on a megabyte of them.
        stripped = digits[0].lstrip(b"0")
        if len(stripped) > 19 or int(stripped or b"0") >= 2**63:
            message = f'strconv.ParseInt: parsing "{shown(digits[0][:40])}": value out of range'
            fail_plainly(body, start, end - 1, message)
        return int(stripped or b"0"), end

    def _labels(
        self, start: int, at: int, metric: str | None, pairs: list[tuple[str, str]]
    ) -> tuple[str | None, int]:
        """Fill `pairs` from the labels at `at`; the metric's name and the end of the braces."""
        body = self.body
        while True:
            label = _LABEL.match(body, at)
            if label is not None:
                value = text_at(body, start, label.start(2), label.end(2))
                pairs.append((label[1].decode("ascii"), value))
                at = label.end()
                continue
            at = self._after_blanks(at)
            if body[at] == 0x7D:
                return metric, at + 1
            if body[at] == 0x22:
                metric, at = self._quoted_item(start, at, metric, pairs)
            else:
                self._fail_label(start, at)

    def _quoted_item(
        self, start: int, at: int, metric: str | None, pairs: list[tuple[str, str]]
    ) -> tuple[str | None, int]:
        """A quoted label with its value, or the metric's own name in quotes."""
        body = self.body
        quoted = _QUOTED.match(body, at)
        if quoted is None:
            fail(body, start, at, "expected label name")
        name = text_at(body, start, quoted.start(1), quoted.end(1))
        at = self._after_blanks(quoted.end())
        if body[at] == 0x3D:
            at = self._after_blanks(at + 1)
            content = _QUOTED.match(body, at)
            if content is None:
                fail(body, start, at, "expected label value")
            pairs.append((name, text_at(body, start, content.start(1), content.end(1))))
            at = self._after_blanks(content.end())
        elif body[at] not in b",}":
            fail(body, start, at, "expected equal")
        elif metric is not None:
            fail_plainly(body, start, at, "metric name already set")
        else:
            metric = name
        return metric, at + (body[at] == 0x2C)

    def _fail_label(self, start: int, at: int) -> None:
        """Say which part of the label at `at` is missing."""
        body = self.body
        name = _LABEL_NAME.match(body, at)
        if name is None:
            fail(body, start, at, "expected label name")
        at = self._after_blanks(name.end())
        if body[at] != 0x3D:
            fail(body, start, at, "expected equal")
        fail(body, start, self._after_blanks(at + 1), "expected label value")
