"""Where log lines go: a bounded ring for the Logs pane, a file, and stderr for `serve`.

Lines are logfmt, as the original's: time=... level=INFO source=scrape msg="..." key=value
"""

from __future__ import annotations

import io
import json
import logging
import logging.handlers
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from termprom.limits import LOG_LINES_MAX
from termprom.views import LogLine

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
_FILE_BYTES_MAX: Final = 10 << 20
_FILES_KEPT: Final = 3
_BARE: Final = re.compile(r"[^\s\"=\x00-\x1f\x7f]+")
# What JSON leaves as it is and a terminal may still obey: a second set of control characters (one
# begins sequences as escape does), separators of lines, and what turns the direction of text.
_OBEYED: Final = re.compile(
    "[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def _level(record: logging.LogRecord) -> str:
    if record.levelno >= logging.ERROR:
        return "error"
    if record.levelno >= logging.WARNING:
        return "warn"
    return "info" if record.levelno >= logging.INFO else "debug"


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    fields = getattr(record, "fields", None)
    return fields if isinstance(fields, Mapping) else {}


def _source(record: logging.LogRecord) -> str:
    return record.name.removeprefix("termprom.")


def _message(record: logging.LogRecord) -> str:
    """The message; of an exception only its last line, never a traceback with values in it."""
    text = record.getMessage()
    if record.exc_info and record.exc_info[1] is not None:
        problem = record.exc_info[1]
        text += f": {type(problem).__name__}: {problem}"
    return text


def _quote(value: object) -> str:
    text = str(value)
    bare = _BARE.fullmatch(text) and not _OBEYED.search(text)
    return text if bare else _dumps(text)


def _dumps(value: object) -> str:
    """JSON in which nothing speaks to a terminal."""
    text = json.dumps(value, ensure_ascii=False)
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class LogfmtFormatter(logging.Formatter):
    """One line per record; control characters in values come out escaped."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        parts = [
            f"time={time.removesuffix('+00:00')}Z",
            f"level={_level(record).upper()}",
            f"source={_source(record)}",
            f"msg={_dumps(_message(record))}",
        ]
        parts += [f"{name}={_quote(value)}" for name, value in _fields(record).items()]
        line = " ".join(parts)
        if record.exc_info and record.levelno >= logging.ERROR:
            line += " stack=" + json.dumps(self.formatException(record.exc_info))
        return line


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "time": time,
            "level": _level(record).upper(),
            "source": _source(record),
            "msg": _message(record),
            **{name: str(value) for name, value in _fields(record).items()},
        }
        return _dumps(line)


class LogRing(logging.Handler):
    """The newest lines, numbered; safe to read from any thread."""

    def __init__(self, on_line: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._lines: deque[LogLine] = deque(maxlen=LOG_LINES_MAX)
        self._number = 0
        self._guard = threading.Lock()
        self.on_line = on_line

    def emit(self, record: logging.LogRecord) -> None:
        message = _message(record)
        details = " ".join(f"{name}={_quote(value)}" for name, value in _fields(record).items())
        with self._guard:
            self._number += 1
            self._lines.append(
                LogLine(
                    self._number,
                    int(record.created * 1000),
                    _level(record),
                    _source(record),
                    f"{message}  {details}" if details else message,
                )
            )
        self.on_line()

    def after(self, number: int) -> Sequence[LogLine]:
        """Lines with a number above `number`, oldest first."""
        with self._guard:
            return tuple(line for line in self._lines if line.number > number)


def configure_logging(
    level: str, log_format: str, ring: LogRing, *, path: Path | None, stderr: bool
) -> None:
    """Send everything of this process's loggers to the ring, to `path`, and maybe to stderr."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    formatter = JsonFormatter() if log_format == "json" else LogfmtFormatter()
    handlers: list[logging.Handler] = [ring]
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = logging.handlers.RotatingFileHandler(
            path, maxBytes=_FILE_BYTES_MAX, backupCount=_FILES_KEPT, encoding="utf-8", delay=True
        )
        handlers.append(file)
    if stderr:
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    # A full disk must not make every log call print a traceback.
    logging.raiseExceptions = False
    root.setLevel(logging.WARNING)
    logging.getLogger("termprom").setLevel(LEVELS[level])
    # aiohttp's access log repeats what our own counters say.
    logging.getLogger("aiohttp.access").setLevel(logging.ERROR)


class StrayOutput(io.TextIOBase):
    """Takes what anything prints to stderr while a screen is up, and logs it line by line."""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        for line in text.splitlines():
            if line.strip():
                logging.getLogger("termprom.stderr").warning(line)
        return len(text)
