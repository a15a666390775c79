"""What a callable of the template language looks like from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from termprom.rules.templates.values import Value


class Type(StrEnum):
    """Parameter types, under the names that messages use."""

    ANY = "interface {}"
    STRING = "string"
    INT = "int"
    FLOAT = "float64"
    BOOL = "bool"
    SAMPLE = "*template.sample"
    SAMPLES = "template.queryResult"
    TIME = "time.Time"
    DURATION = "time.Duration"


@dataclass(frozen=True, slots=True)
class Function:
    """`call` takes values of the types in `parameters`; a variadic one repeats the last.

    It raises FunctionFailure.
    """

    call: Callable[..., Value]
    parameters: tuple[Type, ...] = ()
    variadic: bool = False
