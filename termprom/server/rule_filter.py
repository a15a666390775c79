"""Which rules a request wants to see, and which page of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from termprom.backend.wire_rules import page_token
from termprom.errors import ParseError
from termprom.model.matchers import Matcher, all_match
from termprom.promql.syntax.parse import parse_selector
from termprom.server.failures import BadParameter, parse_failure
from termprom.server.params import parse_bool, parse_integer
from termprom.server.request import Parameters
from termprom.views import RuleGroupView, RuleView


@dataclass(frozen=True, slots=True)
class RuleFilter:
    """Empty fields let everything pass. `group_limit` 0 means one page with all."""

    kind: str = ""  # "alert" or "record"
    names: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    selectors: tuple[tuple[Matcher, ...], ...] = ()
    exclude_alerts: bool = False
    group_limit: int = 0
    next_token: str = ""

    @classmethod
    def read(cls, given: Parameters) -> RuleFilter:
        """Raises BadParameter."""
        kind = given.get("type").lower()
        if kind not in ("", "alert", "record"):
            raise BadParameter(f'not supported value "{kind}"', "type")
        try:
            exclude = parse_bool(given.get("exclude_alerts") or "false")
        except ValueError as problem:
            raise BadParameter(
                f"error converting exclude_alerts: {problem}", "exclude_alerts"
            ) from problem
        limit = _group_limit(given)
        if given.get("group_next_token") and not limit:
            raise BadParameter(
                "group_limit needs to be present in order to paginate over the groups",
                "group_next_token",
            )
        return cls(
            kind,
            frozenset(given.all("rule_name[]")),
            frozenset(given.all("rule_group[]")),
            frozenset(given.all("file[]")),
            _selectors(given),
            exclude,
            limit,
            given.get("group_next_token"),
        )

    def passes(self, rule: RuleView) -> bool:
        return (
            self.kind in ("", "alert" if rule.is_alert else "record")
            and (not self.names or rule.name in self.names)
            and (
                not self.selectors
                or any(all_match(matchers, rule.labels) for matchers in self.selectors)
            )
        )


def _group_limit(given: Parameters) -> int:
    if not given.get("group_limit"):
        return 0
    try:
        limit = parse_integer(given.get("group_limit"))
    except ValueError as problem:
        raise BadParameter(
            # Upstream reads this one number with ParseInt, all others with Atoi.
            f"group_limit needs to be a valid number: {problem}".replace("Atoi", "ParseInt"),
            "group_limit",
        ) from problem
    if limit <= 0:
        raise BadParameter("group_limit needs to be greater than 0", "group_limit")
    return limit


def _selectors(given: Parameters) -> tuple[tuple[Matcher, ...], ...]:
    try:
        return tuple(tuple(parse_selector(text)) for text in given.all("match[]"))
    except ParseError as problem:
        raise BadParameter(parse_failure(problem), "match[]") from problem


def selected(
    groups: Sequence[RuleGroupView], wanted: RuleFilter
) -> tuple[Sequence[RuleGroupView], str]:
    """The groups of one page with the rules that pass, and the token of the next page.

    Groups go by file, then name; one without a rule left is left out. Raises BadParameter for a
    token that fits no group.
    """
    found: list[RuleGroupView] = []
    begun = not wanted.next_token
    for group in sorted(groups, key=lambda one: (one.file, one.name)):
        begun = begun or page_token(group) == wanted.next_token
        if not begun:
            continue
        if wanted.groups and group.name not in wanted.groups:
            continue
        if wanted.files and group.file not in wanted.files:
            continue
        rules = tuple(rule for rule in group.rules if wanted.passes(rule))
        if not rules:
            continue
        if wanted.group_limit and len(found) == wanted.group_limit:
            return found, page_token(group)
        found.append(replace(group, rules=rules))
    if not begun:
        raise BadParameter(
            f"invalid group_next_token '{wanted.next_token}'. were rule groups changed?",
            "group_next_token",
        )
    return found, ""
