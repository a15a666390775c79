"""Every error that termprom raises on purpose.

Anything else that escapes is our own bug. Errors carry fields and `__str__` composes them; callers
catch by class. Foreign errors are translated where they enter, with `raise ... from`.
"""

from __future__ import annotations

from dataclasses import dataclass


class TermpromError(Exception):
    """Raised on purpose; the message is fit for an operator's eyes."""


# --- Configuration ----------------------------------------------------------------------------


@dataclass
class ConfigError(TermpromError):
    """What is wrong in a configuration or rule file, and where.

    `line` and `column` count from 1; 0 says that the place is not known. `others` is what else
    is wrong in the same file, in its order; each is one more line of the text.
    """

    message: str
    path: str = ""
    line: int = 0
    column: int = 0
    key: str = ""
    others: tuple[ConfigError, ...] = ()

    def __str__(self) -> str:
        place = self.path
        if self.line:
            place += f":{self.line}:{self.column or 1}"
        text = f"{self.key}: {self.message}" if self.key else self.message
        first = f"{place}: {text}" if place else text
        return "\n".join([first, *map(str, self.others)])


# --- Exposition -------------------------------------------------------------------------------


@dataclass
class ExpositionError(TermpromError):
    """A scraped or pushed body that does not follow its format; line and column count from 1."""

    message: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


# --- Queries ----------------------------------------------------------------------------------


class QueryError(TermpromError):
    """A query that has no answer."""


@dataclass
class ParseError(QueryError):
    """An expression that cannot be read. `start` and `end` are byte offsets, [start, end).

    `line` and `column` are 1-based and count bytes, as the original prints them.
    """

    message: str
    start: int = -1
    end: int = -1
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = f"{self.line}:{self.column}" if self.line else "unknown position"
        return f"{place}: parse error: {self.message}"


@dataclass
class EvaluationError(QueryError):
    """An expression that is sound but fails on this data; the span is [start, end) in bytes."""

    message: str
    start: int = -1
    end: int = -1

    def __str__(self) -> str:
        return self.message


class TooManySamples(EvaluationError):
    """The sample budget of one query is used up."""


class QueryTimeout(QueryError):
    """The query's deadline passed."""


class QueryCanceled(QueryError):
    """Whoever asked no longer wants the answer."""


@dataclass
class NotImplementedYet(QueryError):
    """A part of PromQL that this version names but does not evaluate."""

    what: str

    def __str__(self) -> str:
        return f"not implemented: {self.what}"


# --- Templates --------------------------------------------------------------------------------


@dataclass
class TemplateError(TermpromError):
    """A template that cannot be read or filled, in the original's words."""

    message: str

    def __str__(self) -> str:
        return self.message


# --- Storage ----------------------------------------------------------------------------------


class StorageError(TermpromError):
    """The store cannot do what was asked."""


@dataclass
class CorruptFile(StorageError):
    """Bytes on disk that fail their checks."""

    path: str
    offset: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: corrupt at byte {self.offset}: {self.reason}"


@dataclass
class ColumnsDropped(StorageError):
    """Columns that nobody had written to for hours, and that the store has given back.

    Nothing of the append was stored: ask the group for the columns of its series again.
    """

    count: int

    def __str__(self) -> str:
        return f"{self.count} columns have been dropped, unused for long"


@dataclass
class DiskFull(StorageError):
    """A write that did not fit; what was acknowledged before it is safe."""

    path: str

    def __str__(self) -> str:
        return f"{self.path}: no space left on device"


@dataclass
class DataFolderLocked(StorageError):
    """Another process owns the data folder. `url` is where it answers, empty when not known."""

    path: str
    pid: int = 0
    url: str = ""

    def __str__(self) -> str:
        owner = f" by process {self.pid}" if self.pid else ""
        return f"{self.path} is in use{owner}"


# --- Discovery --------------------------------------------------------------------------------


@dataclass
class DiscoveryError(TermpromError):
    """A source of targets that did not answer as it should; the last good groups stay."""

    message: str

    def __str__(self) -> str:
        return self.message


# --- Scraping ---------------------------------------------------------------------------------


class ScrapeError(TermpromError):
    """Why one scrape failed; becomes the target's last error."""


class TargetUnreachable(ScrapeError):
    """No connection, or it broke."""


class TargetTimeout(ScrapeError):
    """No complete answer within the scrape timeout."""


@dataclass
class BadStatus(ScrapeError):
    """The target answered with another status than 200."""

    status: str

    def __str__(self) -> str:
        return f"server returned HTTP status {self.status}"


@dataclass
class BodyTooLarge(ScrapeError):
    """The body passed `body_size_limit`."""

    limit_bytes: int

    def __str__(self) -> str:
        return "body size limit exceeded"


@dataclass
class LimitExceeded(ScrapeError):
    """One of the job's sample, label or target limits was passed."""

    message: str

    def __str__(self) -> str:
        return self.message


# --- Pushing ----------------------------------------------------------------------------------


@dataclass
class PushError(TermpromError):
    """A push that is refused; `status` is the HTTP status to answer with."""

    message: str
    status: int = 400

    def __str__(self) -> str:
        return self.message


# --- Between screen and engine ----------------------------------------------------------------


@dataclass
class BackendUnavailable(TermpromError):
    """The engine or the server behind a Backend does not answer now."""

    message: str

    def __str__(self) -> str:
        return self.message


@dataclass
class BadSilence(TermpromError):
    """A silence that cannot be; `message` in Alertmanager's words."""

    message: str

    def __str__(self) -> str:
        return self.message


class NoAlertmanager(BadSilence):
    """The Alertmanagers that are configured, and would keep the silence, do not answer."""


@dataclass
class UnknownSilence(TermpromError):
    """No silence has that id."""

    id: str

    def __str__(self) -> str:
        return "silence not found"


class NotOffered(BackendUnavailable):
    """This Backend has no such thing at all, as opposed to failing at it."""


@dataclass
class AddressInUse(TermpromError):
    """A listen address that somebody else has."""

    address: str

    def __str__(self) -> str:
        return f"listen {self.address}: address already in use"
