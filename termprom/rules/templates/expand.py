"""Templates of alerts: checking one, and filling one in.

The engine's own mistakes never escape: whatever goes wrong is a TemplateError whose text is what
the alert shows.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from termprom.errors import TemplateError
from termprom.model.labels import EMPTY, Labels
from termprom.rules.templates.evaluator import execute
from termprom.rules.templates.functions import NAMES, Query, functions_at
from termprom.rules.templates.nodes import Template
from termprom.rules.templates.parser import parse
from termprom.rules.templates.values import AlertData, StringMap, Value

# In front of every text, so that columns of its first line are counted from here.
PREFIX: Final = (
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
    "{{$externalURL := .ExternalURL}}{{$value := .Value}}"
)


@lru_cache(maxsize=1024)
def _parsed(name: str, text: str) -> Template:
    """Rules are expanded at every evaluation; their texts hardly ever change."""
    return parse(name, PREFIX + text, NAMES)


def check_template(text: str, name: str) -> None:
    """Raises TemplateError when the text cannot be parsed; nothing is executed."""
    if "{{" in text:
        _parsed(name, text)


def expand(
    text: str,
    *,
    name: str,
    labels: Labels,
    value: Value,
    now_ms: int,
    external_labels: Labels = EMPTY,
    external_url: str = "",
    query: Query | None = None,
) -> str:
    """`text` filled in for one alert. Blocking when the template queries.

    Raises TemplateError in the original's words, without `error expanding template: `.
    """
    try:
        template = _parsed(name, text)
    except TemplateError as problem:
        raise TemplateError(f"error parsing template {name}: {problem}") from problem
    data = AlertData(StringMap(labels), StringMap(external_labels), external_url, value)
    try:
        return execute(template, data, functions_at(now_ms, external_url, query))
    except TemplateError as problem:
        raise TemplateError(f"error executing template {name}: {problem}") from problem
    except Exception as problem:  # the original recovers from panics here, so that rules go on
        raise TemplateError(f"panic expanding template {name}: {problem}") from problem
