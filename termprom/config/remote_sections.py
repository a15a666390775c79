"""`remote_write` and `remote_read`: checked and printed, without an effect here."""

from __future__ import annotations

from typing import Final

from termprom.config import scalars
from termprom.config.cloud_auth import azure_ad, google_iam, sigv4
from termprom.config.fields import Document, Section, Table, list_of, map_of, read_section
from termprom.config.http_client import HTTP_TABLE, http_client
from termprom.config.names import is_label_name, quoted
from termprom.config.printed import printed_duration
from termprom.config.relabeling import checked_rules, relabel_rules
from termprom.config.yaml_tree import MappingNode, Node
from termprom.model.durations import parse_duration

_MESSAGES: Final = ("prometheus.WriteRequest", "io.prometheus.write.v2.Request")

RESERVED_HEADERS: Final = frozenset(
    {
        "host",
        "content-encoding",
        "content-length",
        "content-type",
        "user-agent",
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "www-authenticate",
        "accept-encoding",
        "x-prometheus-remote-write-version",
        "x-prometheus-remote-read-version",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-content-sha256",
    }
)

_AUTHORIZATION_HEADER: Final = (
    "authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, "
    "azuread or google_iam parameter"
)

_QUEUE_TABLE: Final[Table] = {
    "capacity": scalars.integer,
    "max_shards": scalars.integer,
    "min_shards": scalars.integer,
    "max_samples_per_send": scalars.integer,
    "batch_send_deadline": printed_duration,
    "min_backoff": printed_duration,
    "max_backoff": printed_duration,
    "retry_on_http_429": scalars.boolean,
    "sample_age_limit": printed_duration,
}
_METADATA_TABLE: Final[Table] = {
    "send": scalars.boolean,
    "send_interval": printed_duration,
    "max_samples_per_send": scalars.integer,
}


def check_headers(section: Section, authorization: str = _AUTHORIZATION_HEADER) -> None:
    """Headers that the protocol or another option sets must not be set by hand."""
    for name in section.get("headers", {}):
        if name.lower() == "authorization":
            section.fail(authorization, "headers")
        if name.lower() in RESERVED_HEADERS:
            section.fail(f"{name} is a reserved header. It must not be changed", "headers")


def _queue(node: Node, document: Document) -> Section:
    section = read_section(node, document, _QUEUE_TABLE, "config.QueueConfig")
    for key in ("capacity", "max_shards", "min_shards", "max_samples_per_send"):
        if section.get(key, 1) <= 0:
            section.fail(f"remote write queue {key} must be positive", key)
    if section.get("min_shards", 1) > section.get("max_shards", 50):
        section.fail(
            "remote write queue min_shards must not be greater than max_shards", "min_shards"
        )
    shortest = parse_duration(section.get("min_backoff", "30ms"))
    if parse_duration(section.get("max_backoff", "5s")) < shortest:
        section.fail(
            "remote write queue max_backoff must not be less than min_backoff", "max_backoff"
        )
    return section


def _metadata(node: Node, document: Document) -> Section:
    return read_section(node, document, _METADATA_TABLE, "config.MetadataConfig")


_WRITE_TABLE: Final[Table] = {
    "url": scalars.url,
    "remote_timeout": printed_duration,
    "headers": map_of(scalars.text, "map[string]string"),
    "write_relabel_configs": relabel_rules("empty or null relabeling rule in remote write config"),
    "name": scalars.text,
    "send_exemplars": scalars.boolean,
    "send_native_histograms": scalars.boolean,
    "round_robin_dns": scalars.boolean,
    "failed_request_logging": scalars.boolean,
    "protobuf_message": scalars.text,
    "queue_config": _queue,
    "metadata_config": _metadata,
    "sigv4": sigv4,
    "azuread": azure_ad,
    "google_iam": google_iam,
    **HTTP_TABLE,
}
_AUTH_KEYS: Final = ("basic_auth", "authorization", "oauth2", "sigv4", "azuread", "google_iam")


def _remote_write(node: Node, document: Document) -> Section:
    section = read_section(node, document, _WRITE_TABLE, "config.plain")
    if not section.get("url"):
        section.fail("url for remote_write is empty", "url")
    check_headers(section)
    message = section.get("protobuf_message", _MESSAGES[0])
    if message not in _MESSAGES:
        section.fail(
            "invalid protobuf_message value: unknown type for remote write protobuf message "
            f"{message}, supported: {', '.join(_MESSAGES)}",
            "protobuf_message",
        )
    http_client(section, enable_http2=False)
    used = [key for key in _AUTH_KEYS if section.get(key) is not None]
    if len(used) > 1:
        section.fail(
            "at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam must "
            f"be configured. Currently configured: [{' '.join(used)}]",
            *used,
        )
    return section


def _matchers(node: Node, document: Document) -> dict[str, str]:
    found: dict[str, str] = map_of(scalars.text, "model.LabelSet")(node, document)
    if isinstance(node, MappingNode):
        for key, _ in node.pairs:
            if not is_label_name(key.text):
                document.fail(key, f"{quoted(key.text)} is not a valid label name")
    return found


_READ_TABLE: Final[Table] = {
    "url": scalars.url,
    "remote_timeout": printed_duration,
    "chunked_read_limit": scalars.unsigned64,
    "headers": map_of(scalars.text, "map[string]string"),
    "read_recent": scalars.boolean,
    "name": scalars.text,
    "required_matchers": _matchers,
    "filter_external_labels": scalars.boolean,
    **HTTP_TABLE,
}


def _remote_read(node: Node, document: Document) -> Section:
    section = read_section(node, document, _READ_TABLE, "config.plain")
    if not section.get("url"):
        section.fail("url for remote_read is empty", "url")
    check_headers(section)
    http_client(section)
    return section


remote_writes: Final = list_of(
    _remote_write,
    "[]*config.RemoteWriteConfig",
    null_item="empty or null remote write config section",
)
remote_reads: Final = list_of(
    _remote_read,
    "[]*config.RemoteReadConfig",
    null_item="empty or null remote read config section",
)


def check_remotes(sections: tuple[Section, ...], kind: str, *, legacy: bool) -> None:
    """What concerns a list as a whole: unique names, relabelling. `kind` is "write" or "read"."""
    names: set[str] = set()
    for section in sections:
        name = section.get("name", "")
        if name and name in names:
            section.fail(f'found multiple remote {kind} configs with job name "{name}"', "name")
        names.add(name)
        checked_rules(section.get("write_relabel_configs", ()), legacy=legacy)
