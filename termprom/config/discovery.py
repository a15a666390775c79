"""Where targets come from: static lists, files, HTTP, and every other mechanism."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from termprom.config import scalars
from termprom.config.fields import (
    Document,
    Reader,
    Section,
    Table,
    list_of,
    literal_text,
    map_of,
    read_section,
)
from termprom.config.http_client import http_client, with_http
from termprom.config.names import is_label_name, quoted
from termprom.config.schema import (
    FileSDConfig,
    HTTPSDConfig,
    MechanismConfig,
    SDConfig,
    TargetGroup,
)
from termprom.config.sd_fields import SDKind
from termprom.config.sd_kinds import KINDS
from termprom.config.yaml_tree import MappingNode, Node
from termprom.model.labels import Labels

SUFFIX: Final = "_sd_configs"
_STATIC_TYPE: Final = (
    'struct { Targets []string "yaml:\\"targets\\""; Labels model.LabelSet "yaml:\\"labels\\"" }'
)
_SD_FILE_NAME: Final = re.compile(r"[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)")


def label_set(node: Node, document: Document) -> Labels:
    """Labels that somebody wrote down; a null or empty value means no such label."""
    values: dict[str, str] = map_of(scalars.text_as("model.LabelValue"), "model.LabelSet")(
        node, document
    )
    if isinstance(node, MappingNode):
        for key, _ in node.pairs:
            name = literal_text(key, document)
            if not is_label_name(name):
                document.fail(key, f"{quoted(name)} is not a valid label name")
    return Labels.of(values)


_STATIC_TABLE: Final[Table] = {"targets": list_of(scalars.text, "[]string"), "labels": label_set}


@dataclass(frozen=True, slots=True)
class StaticGroup:
    """A static group with its place, which is where a bad address is reported."""

    section: Section
    group: TargetGroup


def _static_group(node: Node, document: Document) -> StaticGroup:
    section = read_section(node, document, _STATIC_TABLE, _STATIC_TYPE)
    return StaticGroup(section, TargetGroup(**section.values))


def _file_sd(node: Node, document: Document) -> FileSDConfig:
    table: Table = {
        "files": list_of(scalars.text, "[]string"),
        "refresh_interval": scalars.duration,
    }
    section = read_section(node, document, table, "file.plain")
    files: tuple[str, ...] = section.get("files", ())
    if not files:
        section.fail("file service discovery config must contain at least one path name", "files")
    for name in files:
        if _SD_FILE_NAME.fullmatch(name) is None:
            section.fail(f'path name "{name}" is not valid for file discovery', "files")
    joined = tuple(document.join(name) for name in files)
    return FileSDConfig(**{**section.values, "files": joined})


def _http_sd(node: Node, document: Document) -> HTTPSDConfig:
    table = with_http({"url": scalars.text, "refresh_interval": scalars.duration})
    section = read_section(node, document, table, "http.plain")
    url: str = section.get("url", "")
    if not url:
        section.fail("URL is missing", "url")
    if scalars.url_problem(url):
        section.fail(f'parse "{url}": {scalars.url_problem(url)}', "url")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        section.fail("URL scheme must be 'http' or 'https'", "url")
    if not parts.netloc:
        section.fail("host is missing in URL", "url")
    client = http_client(section)
    return HTTPSDConfig(url, section.get("refresh_interval", 60_000), client)


def _mechanism(name: str, kind: SDKind) -> Callable[[Node, Document], MechanismConfig]:
    table = with_http(dict(kind.table)) if kind.http else kind.table

    def read(node: Node, document: Document) -> MechanismConfig:
        section = read_section(node, document, table, f"{name}.plain")
        kind.check(section)
        client = http_client(section) if kind.http else None
        return MechanismConfig(name, kind.effective(section), client)

    return read


def _lists() -> Table:
    readers: dict[str, Reader] = {"file": _file_sd, "http": _http_sd}
    readers.update({name: _mechanism(name, kind) for name, kind in KINDS.items()})
    table: dict[str, Reader] = {
        name + SUFFIX: list_of(
            read,
            f"[]*{name}.SDConfig",
            null_item=f"empty or null section in {name}{SUFFIX}",
        )
        for name, read in readers.items()
    }
    table["static_configs"] = list_of(
        _static_group,
        "[]*targetgroup.Group",
        null_item="empty or null section in static_configs",
    )
    return table


DISCOVERY_TABLE: Final[Table] = _lists()


def static_groups(section: Section, *, relabelled: bool) -> tuple[TargetGroup, ...]:
    """The static groups. Without relabelling an address cannot become anything but itself, so
    one that no host can have is refused at once.
    """
    groups: Sequence[StaticGroup] = section.get("static_configs", ())
    if not relabelled:
        for static in groups:
            for address in static.group.targets:
                if "/" in address:
                    static.section.fail(f'"{address}" is not a valid hostname', "targets")
    return tuple(
        TargetGroup(static.group.targets, static.group.labels, str(number))
        for number, static in enumerate(groups)
    )


def sd_configs(section: Section) -> tuple[SDConfig, ...]:
    """The mechanisms of a job, in the order of their keys."""
    found = [section.get(name + SUFFIX, ()) for name in ("file", "http", *KINDS)]
    return tuple(config for configs in found for config in configs)
