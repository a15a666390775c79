"""Target groups written as text: files of file discovery and answers of HTTP discovery.

[{"targets": ["host:port", ...], "labels": {"name": "value"}}, ...]
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

import orjson

from termprom.config import scalars
from termprom.config.discovery import label_set
from termprom.config.fields import Document, Table, is_null, list_of, read_section
from termprom.config.names import is_label_name, quoted
from termprom.config.schema import TargetGroup
from termprom.config.yaml_tree import Node, compose
from termprom.errors import ConfigError
from termprom.model.labels import EMPTY, Labels

_NIL: Final = "nil target group item found"
_TABLE: Final[Table] = {"targets": list_of(scalars.text, "[]string"), "labels": label_set}


def load_target_groups(text: str, path: str) -> list[TargetGroup]:
    """The groups of a file, numbered from 0 in `source`; its extension tells JSON from YAML.

    Raises ConfigError with every mistake, each with its place.
    """
    is_json = PurePath(path).suffix.lower() == ".json"
    return load_json_groups(text.encode(), path) if is_json else _load_yaml_groups(text, path)


def load_json_groups(text: bytes, path: str) -> list[TargetGroup]:
    """The groups of a JSON document; `null` is no group. `path` is told in errors.

    Raises ConfigError: a syntax error with line and column, anything else with its key.
    """
    if not text.strip():
        raise ConfigError("unexpected end of JSON input", path)
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        raise ConfigError(problem.msg, path, problem.lineno, problem.colno) from problem
    if content is None:
        return []
    if not isinstance(content, list):
        raise ConfigError(f"json: cannot unmarshal {_kind(content)} into a list of groups", path)
    return [_json_group(item, number, path) for number, item in enumerate(content)]


def _json_group(item: Any, number: int, path: str) -> TargetGroup:
    key = f"[{number}]"
    if item is None:
        raise ConfigError(_NIL, path, key=key)
    if not isinstance(item, dict):
        raise ConfigError(f"json: cannot unmarshal {_kind(item)} into a group", path, key=key)
    unknown = next((name for name in item if name not in _TABLE), None)
    if unknown is not None:
        raise ConfigError(f"json: unknown field {quoted(unknown)}", path, key=key)
    targets = item.get("targets") or []
    if not isinstance(targets, list):
        message = f"json: cannot unmarshal {_kind(targets)} into []string"
        raise ConfigError(message, path, key=f"{key}.targets")
    for place, target in enumerate(targets):
        if not isinstance(target, str):
            message = f"json: cannot unmarshal {_kind(target)} into string"
            raise ConfigError(message, path, key=f"{key}.targets[{place}]")
    labels = _json_labels(item.get("labels"), f"{key}.labels", path)
    return TargetGroup(tuple(targets), labels, str(number))


def _json_labels(content: Any, key: str, path: str) -> Labels:
    if content is None:
        return EMPTY
    if not isinstance(content, Mapping):
        raise ConfigError(f"json: cannot unmarshal {_kind(content)} into labels", path, key=key)
    for name, value in content.items():
        if not is_label_name(name):
            raise ConfigError(f"{quoted(name)} is not a valid label name", path, key=key)
        if not isinstance(value, str):
            message = f"json: cannot unmarshal {_kind(value)} into string"
            raise ConfigError(message, path, key=f"{key}.{name}")
    return Labels.of(content)


def _kind(content: Any) -> str:
    """What JSON calls this value."""
    match content:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case None:
            return "null"
        case _:
            return "object"


def _load_yaml_groups(text: str, path: str) -> list[TargetGroup]:
    document = Document(path)
    root, _ = compose(text, path)
    if root is None or is_null(root):
        return []
    try:
        groups = list_of(_yaml_group, "[]*targetgroup.Group", null_item=_NIL)(root, document)
    except ConfigError as problem:
        document.raise_noted(problem)
        raise
    document.raise_noted()
    return [
        TargetGroup(group.targets, group.labels, str(number)) for number, group in enumerate(groups)
    ]


def _yaml_group(node: Node, document: Document) -> TargetGroup:
    section = read_section(node, document, _TABLE, "targetgroup.Group")
    return TargetGroup(**section.values)
