"""One dataset in both engines, and random questions to both."""

from __future__ import annotations

import http.client
import json
import random
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from termprom.backend.wire import failure, success_pieces
from termprom.backend.wire_result import encode_pieces
from termprom.errors import ParseError, TermpromError
from termprom.model.grid import Grid
from termprom.promql.engine import Engine, EngineOptions
from termprom.promql.syntax.parse import Features
from termprom.server.failures import BadParameter, answer_for, parse_failure
from tests.daemon.process import Served
from tests.differential.side_by_side import free_port
from tests.peers import running
from tests.promql.differential import tolerated
from tests.promql.differential.comparison import differences
from tests.promql.differential.dataset import END_MS, START_MS, dataset
from tests.promql.differential.generator import Generator, Node, simpler
from tests.promql.differential.remote_write import send
from tests.promql.differential.storage import DifferentialStorage

Json = Any

# Everything that 3.5 can switch on and that has to do with queries.
_FEATURES: Final = "promql-experimental-functions,native-histograms,promql-duration-expr"
_SHRINKS_MAX: Final = 400


@dataclass(frozen=True)
class Question:
    """An expression at one time, or with a step at all times of a grid."""

    expr: Node
    grid: Grid
    over_time: bool

    def __str__(self) -> str:
        if not self.over_time:
            return f"{self.expr}   at {self.grid.start_ms / 1000}"
        start, end = self.grid.start_ms / 1000, self.grid.end_ms / 1000
        return f"{self.expr}   from {start} to {end} step {self.grid.step_ms / 1000}"


@dataclass(frozen=True)
class Mismatch:
    """A question that was answered differently, as small as it could be made."""

    seed: int
    number: int
    question: Question
    found: list[str]

    def __str__(self) -> str:
        shown = "\n    ".join(self.found[:6])
        return f"seed {self.seed} question {self.number}: {self.question}\n    {shown}"


class Campaign:
    """Both engines with the dataset of `seed` in them.

    Ours is asked in this process; with `served`, the URL of one of our servers, through its remote
    write receiver, store and API.
    """

    def __init__(self, url: str, seed: int, served: str | None = None) -> None:
        self._seed = seed
        self._peer = _connection(url)
        self._served = None if served is None else _connection(served)
        features = Features(experimental_functions=True)
        self._engine = Engine(EngineOptions(features=features))
        lines = dataset(seed)
        self._storage = DifferentialStorage(lines)
        for one in (url, served):
            if one is not None:
                send(one, lines)

    def close(self) -> None:
        for connection in (self._peer, self._served):
            if connection is not None:
                connection.close()

    def mismatches(self, count: int, first: int = 0) -> Iterator[Mismatch]:
        """The questions `first`, `first + 1`, ... that are answered differently."""
        for number in range(first, first + count):
            question = _question(random.Random(f"{self._seed} {number}"))
            # What the original answers by chance is answered otherwise the second time.
            if all(self.compare(question) for _ in range(3)):
                small = self._shrunk(question)
                if found := self.compare(small):
                    yield Mismatch(self._seed, number, small, found)

    def compare(self, question: Question) -> list[str]:
        """What both answer differently and nobody tolerates."""
        text = str(question.expr)
        ours, theirs = self._ours(question, text), _asked(self._peer, question, text)
        found = differences(
            tolerated.settled(text, ours),
            tolerated.settled(text, theirs),
            ordered=not question.over_time and tolerated.has_an_order(text, theirs),
            tolerance=tolerated.tolerance(text),
        )
        return [] if found and tolerated.reason(text, ours, theirs) else found

    def _ours(self, question: Question, text: str) -> Json:
        if self._served is not None:
            return _asked(self._served, question, text)
        try:
            if question.over_time:
                result = self._engine.range(self._storage, text, question.grid)
            else:
                result = self._engine.instant(self._storage, text, question.grid.start_ms)
        except ParseError as problem:
            return json.loads(_refused(BadParameter(parse_failure(problem), "query")))
        except TermpromError as problem:
            return json.loads(_refused(problem))
        pieces = success_pieces(encode_pieces(result), list(result.notices), text)
        return json.loads(b"".join(pieces))

    def _shrunk(self, question: Question) -> Question:
        """The smallest question found that still is answered differently."""
        tried = 0
        smaller = True
        while smaller and tried < _SHRINKS_MAX:
            smaller = False
            for candidate in _simpler_questions(question):
                tried += 1
                if self.compare(candidate):
                    question, smaller = candidate, True
                    break
                if tried >= _SHRINKS_MAX:
                    break
        return question


def _connection(url: str) -> http.client.HTTPConnection:
    place = urllib.parse.urlsplit(url)
    return http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)


def _asked(peer: http.client.HTTPConnection, question: Question, text: str) -> Json:
    grid = question.grid
    if question.over_time:
        path = "query_range"
        values = {
            "query": text,
            "start": f"{grid.start_ms / 1000:.3f}",
            "end": f"{grid.end_ms / 1000:.3f}",
            "step": f"{grid.step_ms / 1000:.3f}",
        }
    else:
        path, values = "query", {"query": text, "time": f"{grid.start_ms / 1000:.3f}"}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    peer.request("POST", f"/api/v1/{path}", urllib.parse.urlencode(values), headers)
    return json.loads(peer.getresponse().read())


def _simpler_questions(question: Question) -> Iterator[Question]:
    for expr in simpler(question.expr):
        if expr.size < question.expr.size or (
            expr.size == question.expr.size and len(str(expr)) < len(str(question.expr))
        ):
            yield Question(expr, question.grid, question.over_time)
    if question.over_time and question.grid.count > 1:
        grid = question.grid
        for start_ms in grid.steps_ms().tolist():
            yield Question(question.expr, Grid(start_ms, start_ms, grid.step_ms), True)


def _refused(problem: TermpromError) -> bytes:
    return failure(answer_for(problem).error_type, str(problem))


def _question(chance: random.Random) -> Question:
    expr = Generator(chance).query()
    at = chance.randint(START_MS - 120_000, END_MS + 400_000)
    if chance.random() < 0.3:
        at = at // 1000 * 1000
    if chance.random() < 0.5:
        return Question(expr, Grid.instant(at), over_time=False)
    step = chance.choice((7_000, 15_000, 30_000, 60_000, 300_000, 1_234))
    steps = chance.choice((1, 3, 10, 40))
    return Question(expr, Grid(at, at + (steps - 1) * step, step), over_time=True)


@contextmanager
def termprom(folder: Path) -> Iterator[str]:
    """One of our servers, empty, that takes remote writes."""
    folder.mkdir(parents=True, exist_ok=True)
    flags = (
        "--web.enable-remote-write-receiver",
        "--storage.tsdb.retention.time=50y",
        f"--enable-feature={_FEATURES}",
    )
    with Served(folder, *flags, config="global: {}\n") as served:
        yield served.ready().url


@contextmanager
def prometheus(folder: Path) -> Iterator[str]:
    """A real one, empty, that takes remote writes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prometheus.yml").write_text("global: {}\n", "utf-8")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(
        url,
        "/-/ready",
        folder / "prometheus.log",
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--storage.tsdb.retention.time=50y",
        f"--enable-feature={_FEATURES}",
    ) as where:
        yield where
