"""Filling the templates of an alerting rule with one element of its result."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from termprom.config.schema import RuleConfig
from termprom.errors import TermpromError
from termprom.model.labels import EMPTY, Labels
from termprom.rules.alert_state import Found
from termprom.rules.alerting import ALERT_NAME
from termprom.rules.metrics import RuleMetrics
from termprom.rules.vector import Element

_log = logging.getLogger("termprom.rules")

TemplateQuery = Callable[..., Any]  # what the template function `query` calls; runs in a thread


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What templates see besides the element."""

    external_labels: Labels = EMPTY
    external_url: str = ""
    query: TemplateQuery | None = None


class Expansion:
    """Expands the labels and annotations of one rule's elements."""

    def __init__(self, metrics: RuleMetrics) -> None:
        self._metrics = metrics

    def found(
        self,
        rule: RuleConfig,
        rule_labels: Labels,
        result: Sequence[Element],
        now_ms: int,
        surroundings: Surroundings,
    ) -> list[Found]:
        """The alerts that the elements stand for. Blocking when a template queries."""
        alerts = []
        for element in result:

            def fill(text: str, element: Element = element) -> str:
                return self._expand(text, rule.alert, element, now_ms, surroundings)

            own = {name: fill(text) for name, text in rule_labels}
            labels = element.labels.without_metric().merge({**own, ALERT_NAME: rule.alert})
            # Pairs as they are: an annotation that came out empty is still an annotation.
            annotations = Labels((name, fill(text)) for name, text in rule.annotations)
            alerts.append(Found(labels, annotations, element.value))
        return alerts

    def _expand(
        self, text: str, alert: str, element: Element, now_ms: int, surroundings: Surroundings
    ) -> str:
        self._metrics.expansions.inc()
        if "{{" not in text:
            return text
        from termprom.rules.templates.expand import expand

        try:
            return expand(
                text,
                name=f"__alert_{alert}",
                labels=element.labels,
                external_labels=surroundings.external_labels,
                external_url=surroundings.external_url,
                value=element.value if element.histogram is None else element.histogram,
                now_ms=now_ms,
                query=surroundings.query,
            )
        except TermpromError as problem:
            self._metrics.expansion_failures.inc()
            _log.warning("expanding a template failed", extra={"fields": {"alert": alert}})
            return f"<error expanding template: {problem}>"


def needs_a_thread(rule: RuleConfig, rule_labels: Labels) -> bool:
    """Whether an expansion may ask the store, which must not happen on the event loop."""
    return any("{{" in text and "query" in text for _, text in (*rule_labels, *rule.annotations))
