"""Scanner of OpenMetrics 1.0 text (and 0.0.1, which reads the same).

    line   = "# TYPE " name " " type | "# HELP " name " " text | "# UNIT " name " " unit
           | series " " value [" " seconds] [" # {" labels "} " value [" " seconds]]
    body   = { line "\\n" } "# EOF" ["\\n"]

One blank between parts, none anywhere else; nothing after the end mark. Suffixes, the order of
metadata and bucket sums are the producer's business and are not checked.
"""

from __future__ import annotations

import math
import re
from typing import Final

from termprom.errors import ExpositionError
from termprom.exposition.entries import (
    Entry,
    Exemplar,
    HelpEntry,
    SeriesEntry,
    Tail,
    TypeEntry,
    UnitEntry,
)
from termprom.exposition.numbers import shown
from termprom.exposition.scanner import (
    fail,
    fail_plainly,
    named,
    number_at,
    text_at,
    unescape,
    with_bound,
)
from termprom.model.metadata import MetricType

_EOF: Final = b"# EOF"
_NAME: Final = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*")
_METADATA: Final = re.compile(
    rb'# (HELP|TYPE|UNIT) (?:([a-zA-Z_:][a-zA-Z0-9_:]*|"(?:[^\\"]++|\\[^\n])*+")( [^\n]*)?)?'
)
_LABEL: Final = re.compile(rb'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]++|\\[^\n])*+)"')
_LABEL_NAME: Final = re.compile(rb"[a-zA-Z_][a-zA-Z0-9_]*")
_QUOTED: Final = re.compile(rb'"((?:[^"\\\n]++|\\[^\n])*+)"')
_TOKEN: Final = re.compile(rb"[^ \n]+")

_TYPES: Final = {str(kind).encode(): kind for kind in MetricType}
_INT64_MIN: Final = -(2**63)


class OpenMetricsScanner:
    """The entries of one OpenMetrics body; see `scanner.Scanner`."""

    def __init__(self, body: bytes) -> None:
        # The newline after the end mark is optional; every other line must have its own.
        self.body = body if body.endswith(b"\n") else body + b"\n"
        self.type = MetricType.UNKNOWN
        self._ended = False

    def entry(self, at: int) -> tuple[Entry | None, int]:
        body = self.body
        first = body[at]
        if first == 0x23:
            return self._comment(at)
        if first == 0x7B:
            return self._series(at, at, None)
        name = _NAME.match(body, at)
        if name is None:
            if body == b"\n":
                self.finish()
            fail(body, at, at, "expected a valid start token")
        return self._series(at, name.end(), name[0].decode("ascii"))

    def finish(self) -> None:
        if not self._ended:
            line = self.body.count(b"\n")
            raise ExpositionError("data does not end with # EOF", line=line)

    def _comment(self, start: int) -> tuple[Entry | None, int]:
        body = self.body
        if body.startswith(_EOF, start):
            if start + len(_EOF) + 1 != len(body) or body[-1] != 0x0A:
                line = body.count(b"\n", 0, start) + 1
                raise ExpositionError("unexpected data after # EOF", line=line)
            self._ended = True
            return None, len(body)
        end = body.index(b"\n", start)
        found = _METADATA.match(body, start, end)
        if found is None:
            fail(body, start, start, "expected a valid start token")
        keyword = found[1].decode()
        if found[2] is None:
            fail(body, start, found.end(), f"expected metric name after {keyword}")
        if found[3] is None:
            fail(body, start, found.end(), f"expected text in {keyword}")
        metric = found[2].decode("utf-8", "replace")
        if metric.startswith('"'):
            metric = text_at(body, start, found.start(2) + 1, found.end(2) - 1)
        return self._metadata(start, end, keyword, metric, found[3][1:]), end + 1

    def _metadata(self, start: int, end: int, keyword: str, metric: str, text: bytes) -> Entry:
        body = self.body
        if keyword == "TYPE":
            if text not in _TYPES:
                fail_plainly(body, start, end - 1, f'invalid metric type "{shown(text)}"')
            self.type = _TYPES[text]
            return TypeEntry(metric, self.type)
        try:
            content = unescape(text).decode("utf-8") if keyword == "HELP" else text.decode("utf-8")
        except UnicodeDecodeError:
            message = f'help text "{shown(text)}" is not a valid utf8 string'
            fail_plainly(body, start, end - 1, message)
        if keyword == "HELP":
            return HelpEntry(metric, content)
        if content and not metric.endswith("_" + content):
            message = f'unit "{content}" not a suffix of metric "{metric}"'
            fail_plainly(body, start, end - 1, message)
        return UnitEntry(metric, content)

    def _series(self, start: int, at: int, metric: str | None) -> tuple[Entry, int]:
        body = self.body
        pairs: list[tuple[str, str]] = []
        if body[at] == 0x7B:
            metric, at = self._labels(start, at + 1, metric, pairs, named_inside=metric is None)
        key_end = at
        value_start, _ = self._token(start, at, "expected value after metric")
        if metric is None:
            fail_plainly(body, start, at, "metric name not set")
        tail = self.tail(start, value_start)
        found = SeriesEntry(
            key=body[start:key_end],
            pairs=with_bound(named(metric, pairs), self.type),
            value=tail.value,
            timestamp_ms=tail.timestamp_ms,
            exemplar=tail.exemplar,
            start=start,
            value_start=value_start,
            value_end=tail.value_end,
            end=tail.end,
        )
        return found, tail.end + 1

    def tail(self, start: int, at: int) -> Tail:
        body = self.body
        _, value_end = self._token(start, at - 1, "expected value after metric")
        number = number_at(body, start, at, value_end)
        end = value_end
        timestamp_ms = None
        if body[end] == 0x20 and not body.startswith(b" # {", end):
            token_start, end = self._token(start, end, "expected timestamp or new record")
            timestamp_ms = self._milliseconds(start, token_start, end, "timestamp")
        exemplar = None
        if body.startswith(b" # {", end):
            exemplar, end = self._exemplar(start, end + 4)
        if body[end] != 0x0A:
            fail(body, start, end, "expected next entry after timestamp")
        return Tail(number, timestamp_ms, exemplar, value_end, end)

    def _token(self, start: int, at: int, expectation: str) -> tuple[int, int]:
        """Bounds of the text behind the one blank at `at`."""
        found = _TOKEN.match(self.body, at + 1) if self.body[at] == 0x20 else None
        if found is None:
            fail(self.body, start, at, expectation)
        return found.start(), found.end()

    def _milliseconds(self, start: int, at: int, end: int, what: str) -> int:
        """The seconds in body[at:end] as milliseconds, cut towards zero."""
        seconds = number_at(self.body, start, at, end)
        if not math.isfinite(seconds):
            shown_text = "NaN" if math.isnan(seconds) else f"{seconds:+f}".replace("inf", "Inf")
            fail_plainly(self.body, start, end - 1, f"invalid {what} {shown_text}")
        milliseconds = seconds * 1000
        # What int64 cannot hold becomes its minimum, as the original's conversion does.
        return int(milliseconds) if abs(milliseconds) < 2**63 else _INT64_MIN

    def _exemplar(self, start: int, at: int) -> tuple[Exemplar, int]:
        body = self.body
        pairs: list[tuple[str, str]] = []
        _, at = self._labels(start, at, "", pairs, named_inside=False, raw=True)
        value_start, end = self._token(start, at, "expected value after exemplar labels")
        value = number_at(body, start, value_start, end)
        timestamp_ms = None
        if body[end] == 0x20:
            token_start, end = self._token(start, end, "expected timestamp or new record")
            timestamp_ms = self._milliseconds(start, token_start, end, "exemplar timestamp")
        if body[end] != 0x0A:
            fail(body, start, end, "expected new record after exemplar")
        return Exemplar(tuple(pairs), value, timestamp_ms), end

    def _labels(
        self,
        start: int,
        at: int,
        metric: str | None,
        pairs: list[tuple[str, str]],
        *,
        named_inside: bool,
        raw: bool = False,
    ) -> tuple[str | None, int]:
        """Fill `pairs` from the labels at `at`; the metric's name and the end of the braces.

        `named_inside` lets the first item be the metric's quoted name; `raw` leaves escapes alone.
        """
        body = self.body
        while body[at] != 0x7D:
            label = _LABEL.match(body, at)
            if label is not None:
                name, content, at = label[1].decode("ascii"), label.span(2), label.end()
            elif named_inside and metric is None and self._is_lone_name(at):
                end = self._quoted_end(start, at, "expected label name")
                metric, at = text_at(body, start, at + 1, end - 1), end
                at = self._separator(start, at)
                continue
            else:
                name, content, at = self._label(start, at)
            value = text_at(body, start, *content)
            pairs.append((name, body[slice(*content)].decode() if raw else value))
            at = self._separator(start, at)
        return metric, at + 1

    def _is_lone_name(self, at: int) -> bool:
        found = _QUOTED.match(self.body, at)
        return found is not None and self.body[found.end()] != 0x3D

    def _separator(self, start: int, at: int) -> int:
        """The place behind a label's comma, or of the closing brace."""
        if self.body[at] == 0x2C:
            return at + 1
        if self.body[at] != 0x7D:
            fail(self.body, start, at, "expected comma or brace close")
        return at

    def _quoted_end(self, start: int, at: int, expectation: str) -> int:
        found = _QUOTED.match(self.body, at)
        if found is None:
            fail(self.body, start, at, expectation)
        return found.end()

    def _label(self, start: int, at: int) -> tuple[str, tuple[int, int], int]:
        """A label in its rarer shapes: name, bounds of its value, end. Raises if it is none."""
        body = self.body
        if body[at] == 0x22:
            name_end = self._quoted_end(start, at, "expected label name")
            name = text_at(body, start, at + 1, name_end - 1)
        else:
            bare = _LABEL_NAME.match(body, at)
            if bare is None:
                fail(body, start, at, "expected label name")
            name, name_end = bare[0].decode("ascii"), bare.end()
        if body[name_end] != 0x3D:
            fail(body, start, name_end, "expected equal")
        end = self._quoted_end(start, name_end + 1, "expected label value")
        return name, (name_end + 2, end - 1), end
