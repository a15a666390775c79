"""The structural reader of text 0.0.4: whole families, as pushes and textfile collectors need.

Stricter than the scrape parser: types are case-insensitive but must be known, metadata may come
once per family and before its samples, escapes and bucket bounds must be sound, and the body must
end with a newline. Source: the text parser of Prometheus' common library.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NoReturn

from termprom.errors import ExpositionError
from termprom.exposition.numbers import parse_number
from termprom.model.labels import METRIC_NAME, Labels
from termprom.model.metadata import Metadata, MetricType

_NAME: Final = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME: Final = re.compile(rb"[a-zA-Z_][a-zA-Z0-9_]*")
_BLANKS: Final = re.compile(rb"[ \t]*")
_TOKEN: Final = re.compile(rb"[^ \t\n]*")
_INTEGER: Final = re.compile(rb"[+-]?[0-9]+")
_ESCAPE: Final = re.compile(rb"\\(.)", re.DOTALL)

_TYPES: Final = {
    "counter": MetricType.COUNTER,
    "gauge": MetricType.GAUGE,
    "summary": MetricType.SUMMARY,
    "untyped": MetricType.UNKNOWN,
    "histogram": MetricType.HISTOGRAM,
    "gauge_histogram": MetricType.GAUGE_HISTOGRAM,
    "gaugehistogram": MetricType.GAUGE_HISTOGRAM,
}
_SUFFIXES: Final = {
    MetricType.HISTOGRAM: ("_bucket", "_sum", "_count"),
    MetricType.GAUGE_HISTOGRAM: ("_bucket", "_sum", "_count"),
    MetricType.SUMMARY: ("_sum", "_count"),
}
_BOUND_LABEL: Final = {
    MetricType.HISTOGRAM: "le",
    MetricType.GAUGE_HISTOGRAM: "le",
    MetricType.SUMMARY: "quantile",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample; `labels` hold `__name__`, with the suffix that the line wrote."""

    labels: Labels
    value: float
    timestamp_ms: int | None = None


@dataclass(frozen=True, slots=True)
class MetricFamily:
    """A named family with what is said about it and its samples in text order."""

    name: str
    metadata: Metadata
    samples: tuple[Sample, ...]


@dataclass(slots=True)
class _Draft:
    name: str
    type: MetricType | None = None
    help: str | None = None
    samples: list[Sample] = field(default_factory=list)

    def finished(self) -> MetricFamily:
        metadata = Metadata(self.type or MetricType.UNKNOWN, self.help or "")
        return MetricFamily(self.name, metadata, tuple(self.samples))


def parse_families(body: bytes, content_type: str = "") -> list[MetricFamily]:
    """The families of a pushed body, in the order of their first mention; empty ones are dropped.

    Every body is read as text 0.0.4 unless `content_type` names another format, which raises
    ExpositionError, as any violation of the format does.
    """
    media = content_type.partition(";")[0].strip().lower()
    if media == "application/vnd.google.protobuf":
        raise ExpositionError("the protobuf format is not supported for pushes")
    reader = _Reader(body)
    reader.read()
    return [draft.finished() for draft in reader.drafts() if draft.samples]


class _Reader:
    """One pass over a body, line by line; label values may not span lines in this format."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._line_number = 0
        self._line = b""
        self._at = 0
        self._drafts: dict[str, _Draft] = {}

    def drafts(self) -> Iterable[_Draft]:
        return self._drafts.values()

    def read(self) -> None:
        lines = self._body.split(b"\n")
        for self._line_number, self._line in enumerate(lines, start=1):
            self._at = 0
            self._skip_blanks()
            if self._at == len(self._line):
                continue
            if self._line_number == len(lines):
                self._fail("unexpected end of input stream")
            if self._peek() == b"#":
                self._read_comment()
            else:
                self._read_sample()

    def _fail(self, message: str) -> NoReturn:
        text = f"text format parsing error in line {self._line_number}: {message}"
        raise _LineInText(text, self._line_number, self._at + 1)

    def _peek(self) -> bytes:
        return self._line[self._at : self._at + 1]

    def _skip_blanks(self) -> None:
        found = _BLANKS.match(self._line, self._at)
        assert found is not None, "the pattern matches the empty text"
        self._at = found.end()

    def _take(self, pattern: re.Pattern[bytes]) -> str:
        """The match of `pattern` here, consumed; empty where there is none."""
        found = pattern.match(self._line, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found[0].decode("utf-8", "backslashreplace")

    def _draft(self, name: str) -> _Draft:
        """The family that a sample or a metadata line of this name belongs to."""
        for suffix in ("_count", "_sum", "_bucket"):
            if name.endswith(suffix):
                base = self._drafts.get(name.removesuffix(suffix))
                if base and base.type and suffix in _SUFFIXES.get(base.type, ()):
                    return base
        return self._drafts.setdefault(name, _Draft(name))

    def _read_comment(self) -> None:
        self._at += 1
        self._skip_blanks()
        keyword = self._take(_TOKEN)
        if keyword not in ("HELP", "TYPE"):
            return
        self._skip_blanks()
        if self._at == len(self._line):
            return
        name = self._quoted("metric name") if self._peek() == b'"' else self._take(_NAME)
        if not name:
            self._fail("invalid metric name in comment")
        if self._at < len(self._line) and self._peek() not in (b" ", b"\t"):
            self._fail("invalid metric name in comment")
        self._skip_blanks()
        if self._at == len(self._line):
            return
        rest = self._line[self._at :]
        draft = self._draft(name)
        if keyword == "HELP":
            if draft.help is not None:
                self._fail(f'second HELP line for metric name "{name}"')
            draft.help = self._unescape(rest, b"\\n")
            return
        if draft.type is not None or draft.samples:
            self._fail(f'second TYPE line for metric name "{name}", or TYPE reported after samples')
        text = rest.decode("utf-8", "backslashreplace")
        if text.lower() not in _TYPES:
            self._fail(f'unknown metric type "{text}"')
        draft.type = _TYPES[text.lower()]

    def _read_sample(self) -> None:
        name = self._take(_NAME)
        if not name and self._peek() != b"{":
            self._fail("invalid metric name")
        self._skip_blanks()
        labels: dict[str, str] = {}
        if self._peek() == b"{":
            self._at += 1
            name = self._read_labels(name, labels)
            self._skip_blanks()
        if not name:
            self._fail("invalid metric name")
        value = self._read_value()
        timestamp_ms = self._read_timestamp()
        draft = self._draft(name)
        self._check_bounds(draft, name, labels, value)
        labels[METRIC_NAME] = name
        draft.samples.append(Sample(Labels.of(labels), value, timestamp_ms))

    def _read_labels(self, name: str, labels: dict[str, str]) -> str:
        """Fill `labels` up to the closing brace; the metric's name, which may stand inside."""
        while True:
            self._skip_blanks()
            if self._peek() == b"}":
                self._at += 1
                return name
            quoted = self._peek() == b'"'
            label = self._quoted("label name") if quoted else self._take(_LABEL_NAME)
            if not label:
                self._fail(f'invalid label name for metric "{name}"')
            self._skip_blanks()
            if quoted and self._peek() in (b",", b"}"):
                if name:
                    self._fail(f'multiple metric names for metric "{name}"')
                name = label
            else:
                self._read_label_value(name, label, labels)
            self._skip_blanks()
            if self._peek() == b",":
                self._at += 1
            elif self._peek() != b"}":
                self._fail(f'unexpected end of label value "{labels.get(label, label)}"')

    def _read_label_value(self, name: str, label: str, labels: dict[str, str]) -> None:
        if label == METRIC_NAME:
            self._fail(f'label name "{METRIC_NAME}" is reserved')
        if self._peek() != b"=":
            self._fail(f"expected '=' after label name, found {self._shown_byte()}")
        self._at += 1
        self._skip_blanks()
        if self._peek() != b'"':
            self._fail(f"expected '\"' at start of label value, found {self._shown_byte()}")
        value = self._quoted("label value")
        if label in labels:
            self._fail(f'duplicate label names for metric "{name}"')
        labels[label] = value

    def _shown_byte(self) -> str:
        return repr(self._peek().decode("utf-8", "backslashreplace"))

    def _quoted(self, what: str) -> str:
        """The content of the double-quoted text that starts here, unescaped."""
        start = self._at + 1
        at = start
        line = self._line
        while at < len(line) and line[at] != 0x22:
            at += 2 if line[at] == 0x5C else 1
        content = line[start:at]
        if at >= len(line):
            shown = content.decode("utf-8", "backslashreplace")
            self._fail(f'{what} "{shown}" contains unescaped new-line')
        self._at = at + 1
        try:
            return self._unescape(content, b'\\n"')
        except UnicodeDecodeError:
            shown = content.decode("utf-8", "backslashreplace")
            self._fail(f'invalid {what} "{shown}"')

    def _unescape(self, content: bytes, known: bytes) -> str:
        """`content` with backslash escapes resolved; those not in `known` are errors."""

        def resolve(escape: re.Match[bytes]) -> bytes:
            if escape[1] not in known:
                shown = escape[1].decode("utf-8", "backslashreplace")
                self._fail(f"invalid escape sequence '\\{shown}'")
            return b"\n" if escape[1] == b"n" else escape[1]

        return _ESCAPE.sub(resolve, content).decode("utf-8")

    def _read_value(self) -> float:
        token = self._take(_TOKEN)
        try:
            return parse_number(token.encode())
        except ValueError:
            self._fail(f'expected float as value, got "{token}"')

    def _read_timestamp(self) -> int | None:
        self._skip_blanks()
        if self._at == len(self._line):
            return None
        token = self._take(_TOKEN)
        time_ms = _int64(token)
        if time_ms is None:
            self._fail(f'expected integer as timestamp, got "{token[:40]}"')
        rest = self._line[self._at :]
        if rest.strip(b" \t"):
            shown = rest.decode("utf-8", "backslashreplace")
            self._fail(f'spurious string after timestamp: "{shown}"')
        return time_ms

    def _check_bounds(self, draft: _Draft, name: str, labels: dict[str, str], value: float) -> None:
        """Refuse bounds that are no numbers and populations below zero."""
        bound = _BOUND_LABEL.get(draft.type) if draft.type else None
        if bound is None:
            return
        if bound in labels:
            try:
                parse_number(labels[bound].encode())
            except ValueError:
                self._fail(f"expected float as value for '{bound}' label, got \"{labels[bound]}\"")
        if bound == "le" and value < 0:
            if name == draft.name + "_bucket":
                self._fail(f'negative bucket population for histogram "{draft.name}"')
            if name == draft.name + "_count":
                self._fail(f'negative count for histogram "{draft.name}"')


@dataclass
class _LineInText(ExpositionError):
    """An ExpositionError whose message, as upstream's, already names the line."""

    def __str__(self) -> str:
        return self.message


def _int64(token: str) -> int | None:
    """A decimal number with or without a sign; None for anything else."""
    if _INTEGER.fullmatch(token.encode()) is None:
        return None
    # Twenty digits never fit; without the cut int() refuses a megabyte of them its own way.
    digits = token.lstrip("+-").lstrip("0") or "0"
    value = int(digits[:20]) * (-1 if token.startswith("-") else 1)
    return value if -(2**63) <= value < 2**63 and len(digits) < 20 else None
