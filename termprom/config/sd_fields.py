"""What describes one discovery mechanism in the configuration: its fields, defaults and rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from termprom.config import scalars
from termprom.config.fields import (
    Document,
    Reader,
    Section,
    Table,
    list_of,
    map_of,
    read_section,
)
from termprom.config.schema import Milliseconds, Secret
from termprom.config.yaml_tree import Node


@dataclass(frozen=True, slots=True)
class Field:
    """How a key is read, and its value where the key is not written."""

    read: Reader
    default: Any


Fields = Mapping[str, Field]


def nothing(_: Section) -> None:
    """There is no rule beyond the types of the fields."""


@dataclass(frozen=True, slots=True)
class SDKind:
    """One mechanism. `http` says that the inline HTTP client options belong to it."""

    fields: Fields
    check: Callable[[Section], None] = nothing
    http: bool = True

    @property
    def table(self) -> Table:
        return {name: field.read for name, field in self.fields.items()}

    def effective(self, section: Section) -> dict[str, Any]:
        """Every field in the order of the table: what was written, else the default."""
        return {name: section.get(name, field.default) for name, field in self.fields.items()}


def _milliseconds(node: Node, document: Document) -> Milliseconds:
    return Milliseconds(scalars.duration(node, document))


def text(default: str = "") -> Field:
    return Field(scalars.text, default)


def path() -> Field:
    return Field(scalars.file_path, "")


def secret() -> Field:
    return Field(scalars.secret, Secret(""))


def boolean(default: bool = False) -> Field:
    return Field(scalars.boolean, default)


def integer(default: int) -> Field:
    return Field(scalars.integer, default)


def texts() -> Field:
    return Field(list_of(scalars.text, "[]string"), ())


def mapping() -> Field:
    return Field(map_of(scalars.text, "map[string]string"), {})


def duration(default_ms: int) -> Field:
    return Field(_milliseconds, Milliseconds(default_ms))


def refresh(default_ms: int = 60_000) -> Field:
    """An interval that something is repeated in: zero would never let go of the processor."""

    def read(node: Node, document: Document) -> Milliseconds:
        value = _milliseconds(node, document)
        if value <= 0:
            document.fail(node, "refresh_interval must be greater than 0")
        return value

    return Field(read, Milliseconds(default_ms))


def one_of(choices: tuple[str, ...], message: str, default: str = "") -> Field:
    """A word out of a list; `message` is formatted with what was written instead."""

    def read(node: Node, document: Document) -> str:
        value = scalars.text(node, document)
        if value not in choices:
            document.fail(node, message.format(value))
        return value

    return Field(read, default)


def group(fields: Fields, type_name: str) -> Field:
    """A nested section, as a dict that holds every field."""

    def read(node: Node, document: Document) -> dict[str, Any]:
        section = read_section(node, document, _table(fields), type_name)
        return {name: section.get(name, field.default) for name, field in fields.items()}

    return Field(read, {name: field.default for name, field in fields.items()})


def groups(fields: Fields, type_name: str) -> Field:
    return Field(list_of(group(fields, type_name).read, f"[]{type_name}"), ())


def _table(fields: Fields) -> Table:
    return {name: field.read for name, field in fields.items()}


def filters(type_name: str) -> Field:
    """Name and values pairs, as Docker and the AWS take them."""
    return groups({"name": text(), "values": texts()}, type_name)


def required(*names: str, message: str) -> Callable[[Section], None]:
    """A rule: each of `names` is written and not empty; `message` is formatted with the name."""

    def check(section: Section) -> None:
        for name in names:
            if not section.get(name):
                section.fail(message.format(name), name)

    return check


COMMON: Final[Fields] = {"refresh_interval": refresh(), "port": integer(80)}


def check_secret_key(section: Section) -> None:
    """Exactly one of the two ways to give a secret key."""
    if not section.get("secret_key") and not section.get("secret_key_file"):
        section.fail("one of secret_key & secret_key_file must be configured")
    if section.get("secret_key") and section.get("secret_key_file"):
        section.fail("at most one of secret_key & secret_key_file must be configured", "secret_key")
