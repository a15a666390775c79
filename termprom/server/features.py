"""features: what this server can do, by category, as far as upstream names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from termprom.promql.syntax.functions import FUNCTIONS
from termprom.server.answer import succeed
from termprom.server.context import Context
from termprom.server.search import FEATURE

_API: Final = (
    "exclude_alerts label_values_match openapi_3.1 openapi_3.2 query_stats query_warnings "
    "search_fuzz_alg_jarowinkler search_fuzz_alg_subsequence time_range_labels time_range_series"
)
_NOT_API: Final = "otlp_write_receiver"
_PROMQL: Final = (
    "at_modifier bool by duration_expr group_left group_right ignoring negative_offset offset on "
    "per_query_lookback_delta subqueries without"
)
_OPERATORS: Final = (
    "!= !~ % * + - / < </ <= == =~ > >/ >= @ ^ and atan2 avg bottomk count count_values group max "
    "min or quantile stddev stdvar sum topk unless"
)
_TEMPLATES: Final = (
    "args externalURL first graphLink humanize humanize1024 humanizeDuration humanizePercentage "
    "humanizeTimestamp label match now parseDuration pathPrefix query reReplaceAll safeHtml "
    "sortByLabel stripDomain stripPort strvalue tableLink title toDuration toLower toTime toUpper "
    "urlQueryEscape value"
)


class FeatureHandlers:
    def __init__(self, context: Context) -> None:
        self._context = context

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/v1/features", self.features, allow_head=False)]

    async def features(self, request: web.Request) -> web.Response:
        found = feature_table(self._context)
        ordered = {name: dict(sorted(found[name].items())) for name in sorted(found)}
        return await succeed(request, ordered)


def feature_table(context: Context) -> Mapping[str, dict[str, bool]]:
    options, names = context.options, context.options.feature_names
    experimental = options.features.experimental_functions
    extended, fill = options.features.extended_range_selectors, options.features.binop_fill
    return {
        "api": {
            **_all(_API, True),
            **_all(_NOT_API, False),
            "admin": context.admin is not None,
            "lifecycle": options.enable_lifecycle,
            "remote_write_receiver": options.enable_remote_write,
            "search": FEATURE in names,
        },
        "otlp_receiver": _all("delta_conversion native_delta_ingestion", False),
        "prometheus": {
            "agent_mode": False,
            "auto_reload_config": False,
            "server_mode": True,
            "stringlabels": False,
        },
        "promql": {
            **_all(_PROMQL, True),
            **_all("anchored smoothed", extended),
            **_all("fill fill_left fill_right", fill),
            "delayed_name_removal": "promql-delayed-name-removal" in options.feature_names,
            "per_step_stats": "promql-per-step-stats" in options.feature_names,
            "type_and_unit_labels": False,
        },
        "promql_functions": {
            name: experimental or not function.experimental for name, function in FUNCTIONS.items()
        },
        "promql_operators": {
            **_all(_OPERATORS, True),
            **_all("limitk limit_ratio", experimental),
        },
        "rules": {
            "concurrent_rule_eval": "concurrent-rule-eval" in names,
            "keep_firing_for": True,
            "query_offset": True,
        },
        "scrape": {
            "extra_scrape_metrics": True,
            "start_timestamp_zero_ingestion": False,
            "type_and_unit_labels": False,
        },
        "templating_functions": _all(_TEMPLATES, True),
        "tsdb": {
            "delayed_compaction": False,
            "exemplar_storage": "exemplar-storage" in names,
            "native_histograms": True,
        },
        "ui": {"ui_v2": False, "ui_v3": False},
    }


def _all(words: str, value: bool) -> dict[str, bool]:
    return dict.fromkeys(words.split(), value)
