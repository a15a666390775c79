"""Which error is answered how: the one table, and what a handler may raise of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from termprom.errors import (
    BackendUnavailable,
    ConfigError,
    EvaluationError,
    NotImplementedYet,
    ParseError,
    QueryCanceled,
    QueryTimeout,
    StorageError,
    TermpromError,
)


@dataclass
class BadParameter(TermpromError):
    """A request parameter that cannot be used; `name` is empty where upstream names none."""

    message: str
    name: str = ""

    def __str__(self) -> str:
        return f'invalid parameter "{self.name}": {self.message}' if self.name else self.message


@dataclass(frozen=True, slots=True)
class Answer:
    """The errorType of the envelope and the HTTP status."""

    error_type: str
    status: int


# The first class that fits decides. `unavailable` is 500 and not 503, as upstream's server has it
# (its documentation says otherwise); 499 is nginx's number for a client that went away.
_TABLE: Final[tuple[tuple[type[TermpromError], Answer], ...]] = (
    (BadParameter, Answer("bad_data", 400)),
    (ParseError, Answer("bad_data", 400)),
    (EvaluationError, Answer("execution", 422)),
    (NotImplementedYet, Answer("execution", 422)),
    (QueryTimeout, Answer("timeout", 503)),
    (QueryCanceled, Answer("canceled", 499)),
    (StorageError, Answer("internal", 500)),
    (ConfigError, Answer("internal", 500)),
    (BackendUnavailable, Answer("unavailable", 500)),
)


def answer_for(problem: TermpromError) -> Answer:
    for kind, answer in _TABLE:
        if isinstance(problem, kind):
            return answer
    return Answer("internal", 500)


def parse_failure(problem: ParseError) -> str:
    """What the API says of an expression: place and reason, or the reason alone.

    Upstream's parser says "unknown position" of an empty text; what its engine refuses later (a
    range vector for a range query) has no place at all.
    """
    has_place = problem.line or problem.message == "no expression found in input"
    return str(problem) if has_place else problem.message
