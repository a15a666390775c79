"""Log lines: one line each, whatever is in them."""

from __future__ import annotations

import logging

from termprom.daemon.logs import JsonFormatter, LogfmtFormatter, LogRing, StrayOutput
from termprom.limits import LOG_LINES_MAX


def record(message: str, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("termprom.scrape", logging.WARNING, "", 0, message, (), None)
    made.fields = fields
    return made


def test_a_hostile_message_stays_on_one_line_without_control_characters() -> None:
    for hostile in ("a\n\x1b[31mb", "\x9b31m", "a\u202eb", "\u2028", "\ufeff", "\ud800", "\x7f"):
        for formatter in (LogfmtFormatter(), JsonFormatter()):
            line = formatter.format(record(hostile, target=hostile))
            assert line.isprintable()
            assert line.encode()
    assert "é日" in LogfmtFormatter().format(record("x", target="é日"))


def test_logfmt_has_the_parts_of_the_original() -> None:
    line = LogfmtFormatter().format(record("scrape failed", target="a b", code=500))
    assert 'level=WARN source=scrape msg="scrape failed" target="a b" code=500' in line


def test_the_ring_numbers_lines_and_forgets_the_oldest() -> None:
    ring = LogRing()
    for number in range(LOG_LINES_MAX + 10):
        ring.emit(record(f"line {number}"))
    kept = ring.after(0)
    assert len(kept) == LOG_LINES_MAX
    assert kept[-1].number == LOG_LINES_MAX + 10
    assert kept[0].number == 11
    assert [line.message for line in ring.after(kept[-2].number)] == [kept[-1].message]


def test_stray_prints_become_log_lines() -> None:
    ring = LogRing()
    logger = logging.getLogger("termprom.stderr")
    logger.addHandler(ring)
    try:
        StrayOutput().write("one\n\ntwo\n")
    finally:
        logger.removeHandler(ring)
    assert [line.message for line in ring.after(0)] == ["one", "two"]
