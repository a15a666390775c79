"""Every bound of the program, with its unit and its reason.

What happens at a bound is said where the bound is used; nothing is dropped silently.
"""

from __future__ import annotations

from typing import Final

# --- Queries (the defaults of the original's flags) -------------------------------------------
QUERY_SAMPLES_MAX: Final = 50_000_000  # --query.max-samples
QUERY_TIMEOUT_SECONDS: Final = 120.0  # --query.timeout
QUERY_CONCURRENCY_MAX: Final = 20  # --query.max-concurrency
QUERY_STEPS_MAX: Final = 11_000  # points per series in one range query, as upstream
QUERY_CELLS_MAX: Final = 1 << 26  # series x steps held as one matrix, samples or not: 600 MB
QUERY_DEPTH_MAX: Final = 200  # levels of an expression; what walks over it recurses
LOOKBACK_MS: Final = 300_000  # --query.lookback-delta

# --- Events between engine and screen ---------------------------------------------------------
EVENTS_PER_SECOND_MAX: Final = 4  # per topic and subscriber; more are merged into one
EVENT_QUEUE_MAX: Final = 256  # a subscriber this far behind loses the oldest event
LOG_LINES_MAX: Final = 5_000  # kept in memory for the Logs pane

# --- Configuration ----------------------------------------------------------------------------
CONFIG_CHARS_MAX: Final = 8 << 20  # one file; larger ones are refused before they are parsed
CONFIG_DEPTH_MAX: Final = 100  # nested collections; a real configuration needs about ten
CONFIG_NODES_MAX: Final = 1_000_000  # values of one file, aliases counted each time they are used
CONFIG_PROBLEMS_MAX: Final = 100  # reported of one file; the rest would bury the first

# --- Templates of alerts ----------------------------------------------------------------------
TEMPLATE_NESTING_MAX: Final = 60  # parentheses and blocks; Python's stack is the reason
TEMPLATE_CALLS_MAX: Final = 60  # templates that call each other, likewise
TEMPLATE_STEPS_MAX: Final = 200_000  # nodes one expansion may walk, about 0.2 s
TEMPLATE_TEXT_MAX: Final = 1 << 20  # characters of an expansion or of one value inside it

# --- Scraping ---------------------------------------------------------------------------------
SCRAPE_BODY_BYTES_MAX: Final = 256 << 20  # where no body_size_limit is set: a bomb must not kill us
SCRAPE_PROMPT_TARGETS_MAX: Final = 64  # new targets of a job that are scraped at once
SCRAPE_PROMPT_MS: Final = 250  # how far those first scrapes are spread
SCRAPE_INLINE_BYTES: Final = 512 << 10  # larger bodies are read in a thread (about 1 ms)
SCRAPE_RECENT_MAX: Final = 20  # outcomes kept per target for the screen

# --- Notifications to Alertmanagers -----------------------------------------------------------
NOTIFIER_QUEUE_MAX: Final = 10_000  # alerts per Alertmanager; a full queue drops the oldest
NOTIFIER_BATCH_MAX: Final = 256  # alerts per request
NOTIFIER_RETRY_SECONDS_MIN: Final = 1.0  # doubles with each failure in a row
NOTIFIER_RETRY_SECONDS_MAX: Final = 30.0
ALERTMANAGER_BODY_BYTES_MAX: Final = 32 << 20  # a list of silences
NOTIFIER_DRAIN_SECONDS: Final = 10.0  # at stop; what an Alertmanager did not take by then is lost

# --- Silences ---------------------------------------------------------------------------------
SILENCES_MAX: Final = 5_000  # each is asked for each alert; an own store of more is a mistake
SILENCE_CHARS_MAX: Final = 64 << 10  # all texts of one silence together
SILENCE_RETENTION_MS: Final = 5 * 86_400_000  # how long an expired one is shown, as upstream
SILENCE_BODY_BYTES_MAX: Final = 1 << 20  # a posted silence

# --- Pushes -----------------------------------------------------------------------------------
PUSH_BODY_BYTES_MAX: Final = 32 << 20  # after decompression; a larger body is answered with 413
PUSH_SNAPPY_BYTES_MAX: Final = 4 << 20  # before decompression, which snappy cannot do in steps
PUSH_QUEUE_MAX: Final = 1_000  # writes that wait; the next request waits in front of the queue
PUSH_JOURNAL_SLACK_BYTES: Final = 1 << 20  # of superseded records, before the file is rewritten

# --- Discovery --------------------------------------------------------------------------------
DISCOVERY_BODY_BYTES_MAX: Final = 32 << 20  # one answer of a discovery server or one file
DISCOVERY_REFRESH_BYTES_MAX: Final = 128 << 20  # all answers of one refresh together
DISCOVERY_TARGETS_MAX: Final = 200_000  # of one source; each costs a few kilobytes when scraped
ZOOKEEPER_NODES_MAX: Final = 100_000  # below one path
DISCOVERY_PAGES_MAX: Final = 10_000  # of one list; a server may hand out a next page for ever

# --- HTTP API and remote ends (backend, server) -----------------------------------------------
ANSWER_BYTES_MAX: Final = 512 << 20  # a remote end's answer; more is refused while it arrives
DECODE_INLINE_BYTES_MAX: Final = 64 << 10  # larger answers are decoded in a thread (about 1 ms)
FORM_BYTES_MAX: Final = 10 << 20  # a posted form, as upstream
REMOTE_TIMEOUT_SECONDS: Final = 30.0  # one request of a picture; a query has its own timeout
CONNECTIONS_MAX: Final = 512  # --web.max-connections; more wait to be accepted
READ_TIMEOUT_SECONDS: Final = 300.0  # --web.read-timeout
REQUEST_HEAD_SECONDS_MAX: Final = 30.0  # from connecting to the end of the first request's head
HEAD_BYTES_MAX: Final = 1 << 20  # all lines of one request's head together, as upstream
PORT_MOVES_MAX: Final = 20  # how far a taken default port moves before giving up
EVENT_STREAMS_MAX: Final = 64  # listeners to the event stream of one server
SEARCH_LIMIT_MAX: Final = 10_000  # --web.search.max-limit
NOTIFICATION_STREAMS_MAX: Final = 16  # --web.max-notifications-subscribers

# --- Remote write, receiving ------------------------------------------------------------------
REMOTE_WRITE_BYTES_MAX: Final = 32 << 20  # of a request, compressed and decompressed, as upstream

# --- Remote read, answering -------------------------------------------------------------------
REMOTE_READ_SAMPLES_MAX: Final = 50_000_000  # --storage.remote.read-sample-limit
REMOTE_READ_CONCURRENCY_MAX: Final = 10  # --storage.remote.read-concurrent-limit
