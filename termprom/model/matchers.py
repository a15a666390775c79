"""Label matchers: one test on one label."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from termprom.model.labels import Labels, is_legacy_label_name, quote
from termprom.model.regex import compile_re2


class MatchOp(StrEnum):
    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


def compile_regex(pattern: str) -> Callable[[str], bool]:
    """A whole-string test for an RE2 pattern; a dot matches newlines, as upstream.

    Raises ValueError in upstream's words.
    """
    fullmatch = compile_re2(pattern).fullmatch
    return lambda value: fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Matcher:
    """Whether a label's value passes; a missing label has the empty value.

    Raises ValueError for a pattern that RE2 refuses.
    """

    name: str
    op: MatchOp
    value: str
    _test: Callable[[str], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        wanted = self.value
        test: Callable[[str], bool]
        match self.op:
            case MatchOp.EQUAL:
                test = wanted.__eq__
            case MatchOp.NOT_EQUAL:
                test = wanted.__ne__
            case MatchOp.REGEX:
                test = compile_regex(wanted)
            case MatchOp.NOT_REGEX:
                positive = compile_regex(wanted)

                def test(value: str) -> bool:
                    return not positive(value)

        object.__setattr__(self, "_test", test)

    def matches(self, value: str) -> bool:
        return self._test(value)

    def matches_empty(self) -> bool:
        """Whether series without the label pass too."""
        return self._test("")

    def __str__(self) -> str:
        name = self.name if is_legacy_label_name(self.name) else quote(self.name)
        return f"{name}{self.op}{quote(self.value)}"


def all_match(matchers: Iterable[Matcher], labels: Labels) -> bool:
    """Whether `labels` pass every matcher."""
    return all(matcher.matches(labels.get(matcher.name)) for matcher in matchers)
