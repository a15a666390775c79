"""Top-level sections without an effect here: `runtime`, `otlp`, `tracing`; and one of our own."""

from __future__ import annotations

from collections import Counter
from typing import Final

from termprom.config import scalars
from termprom.config.fields import Document, Section, Table, list_of, map_of, read_section
from termprom.config.http_client import tls_config
from termprom.config.names import quoted
from termprom.config.printed import printed_duration
from termprom.config.remote_sections import check_headers
from termprom.config.schema import PushgatewayConfig
from termprom.config.yaml_tree import Node

_RUNTIME_TABLE: Final[Table] = {"gogc": scalars.integer}


def read_runtime(node: Node, document: Document) -> Section:
    return read_section(node, document, _RUNTIME_TABLE, "config.RuntimeConfig")


# --- otlp -------------------------------------------------------------------------------------

DEFAULT_STRATEGY: Final = "UnderscoreEscapingWithSuffixes"
_ESCAPING_STRATEGIES: Final = (DEFAULT_STRATEGY, "UnderscoreEscapingWithoutSuffixes")
_UTF8_STRATEGIES: Final = ("NoUTF8EscapingWithSuffixes", "NoTranslation")

_OTLP_TABLE: Final[Table] = {
    "promote_all_resource_attributes": scalars.boolean,
    "promote_resource_attributes": list_of(scalars.text, "[]string"),
    "ignore_resource_attributes": list_of(scalars.text, "[]string"),
    "translation_strategy": scalars.text,
    "keep_identifying_resource_attributes": scalars.boolean,
    "convert_histograms_to_nhcb": scalars.boolean,
    "promote_scope_metadata": scalars.boolean,
    "label_name_underscore_sanitization": scalars.boolean,
    "label_name_preserve_multiple_underscores": scalars.boolean,
}


def read_otlp(node: Node, document: Document) -> Section:
    section = read_section(node, document, _OTLP_TABLE, "config.plain")
    promote_all = section.get("promote_all_resource_attributes")
    promoted, ignored = "promote_resource_attributes", "ignore_resource_attributes"
    if promote_all and section.get(promoted):
        section.fail(
            "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be "
            "configured simultaneously",
            promoted,
        )
    if section.get(ignored) and not promote_all:
        section.fail(
            "'ignore_resource_attributes' cannot be configured unless "
            "'promote_all_resource_attributes' is true",
            ignored,
        )
    for key, adjective in ((promoted, "promoted"), (ignored, "ignored")):
        _check_attributes(section, key, adjective)
    return section


def _check_attributes(section: Section, key: str, adjective: str) -> None:
    counts = Counter(name.strip() for name in section.get(key, ()))
    problems = [f"empty {adjective} OTel resource attribute"] * bool(counts[""])
    problems += [
        f"duplicated {adjective} OTel resource attribute {quoted(name)}"
        for name, count in counts.items()
        if name and count > 1
    ]
    if problems:
        section.fail(f"invalid '{key}': " + "\n".join(problems), key)


def check_otlp(section: Section, *, legacy: bool) -> None:
    """The strategy against the names that the rest of the configuration allows."""
    strategy = section.get("translation_strategy") or DEFAULT_STRATEGY
    key = "translation_strategy"
    if strategy not in _ESCAPING_STRATEGIES + _UTF8_STRATEGIES:
        section.fail(f"unsupported OTLP translation strategy {quoted(strategy)}", key)
    if legacy and strategy in _UTF8_STRATEGIES:
        section.fail(
            f"OTLP translation strategy {quoted(strategy)} is not allowed when UTF8 is disabled",
            key,
        )


# --- tracing ----------------------------------------------------------------------------------

_TRACING_TABLE: Final[Table] = {
    "client_type": scalars.text,
    "endpoint": scalars.text,
    "sampling_fraction": scalars.floating,
    "insecure": scalars.boolean,
    "tls_config": tls_config,
    "headers": map_of(scalars.text, "map[string]string"),
    "compression": scalars.text,
    "timeout": printed_duration,
}


def read_tracing(node: Node, document: Document) -> Section:
    section = read_section(node, document, _TRACING_TABLE, "config.plain")
    client = section.get("client_type", "grpc")
    if client not in ("", "grpc", "http"):
        section.fail(
            f"expected tracing client type to be to be http or grpc, but got {client}",
            "client_type",
        )
    check_headers(section, "custom authorization header configuration is not yet supported")
    if not section.get("endpoint"):
        section.fail("tracing endpoint must be set", "endpoint")
    compression = section.get("compression", "")
    if compression not in ("", "gzip"):
        section.fail(
            f"invalid compression type {compression} provided, valid options: gzip",
            "compression",
        )
    return section


# --- our own ----------------------------------------------------------------------------------

_PUSHGATEWAY_TABLE: Final[Table] = {
    "enabled": scalars.boolean,
    "job_name": scalars.text,
    "scrape_interval": scalars.duration,
}


def read_pushgateway(node: Node, document: Document) -> PushgatewayConfig:
    section = read_section(node, document, _PUSHGATEWAY_TABLE, "x_pushgateway")
    if not section.get("job_name", "pushgateway"):
        section.fail("job_name is empty", "job_name")
    if section.get("scrape_interval", 1) <= 0:
        section.fail("scrape_interval must be positive", "scrape_interval")
    return PushgatewayConfig(**section.values)
