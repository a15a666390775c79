"""Reads the configuration in force: the given file, or the embedded default."""

from __future__ import annotations

from termprom.config.load import load_config
from termprom.config.schema import Config
from termprom.daemon.embedded import load_embedded
from termprom.daemon.settings import Settings
from termprom.promql.syntax.parse import Features, parse
from termprom.rules.templates.expand import check_template


def query_features(settings: Settings) -> Features:
    """What of PromQL the feature flags switch on."""
    return Features(
        experimental_functions="promql-experimental-functions" in settings.features,
        extended_range_selectors="promql-extended-range-selectors" in settings.features,
        binop_fill="promql-binop-fill-modifiers" in settings.features,
    )


def read_configuration(settings: Settings) -> Config:
    """The whole configuration with its rule files, checked. Raises ConfigError. Blocking."""
    features = query_features(settings)

    def check_expr(text: str) -> None:
        parse(text, features)

    if settings.config_file is None:
        return load_embedded(check_expr)
    return load_config(
        settings.config_file,
        check_expr=check_expr,
        check_template=check_template,
        features=settings.features,
    )
