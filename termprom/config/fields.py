"""The strict walk from a located tree to typed values, driven by field tables.

A table maps each key that a section knows to a *reader*: a function of a node that gives the value
in its own type. A section keeps only what was written, so that "absent" (the default holds), "null"
(the type's zero value) and "empty" stay three things. What cannot be decoded is noted and the walk
goes on; what breaks a rule is raised at once. Both carry the place of the node at fault.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import os.path
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from termprom import limits
from termprom.config.yaml_tree import MappingNode, Node, ScalarNode, SequenceNode
from termprom.errors import ConfigError


@dataclass(slots=True, eq=False)
class Document:
    """One file while it is read: where it is, what was found wrong, what will have no effect.

    `folder` is what relative paths are joined with; None leaves them as they are. `features` are
    the names of --enable-feature, some of which change defaults.
    """

    path: str = ""
    folder: Path | None = None
    problems: list[ConfigError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    features: frozenset[str] = frozenset()
    ignore_unknown: bool = False  # keys that no table has

    def error(self, node: Node | None, message: str) -> ConfigError:
        line, column = (node.line, node.column) if node is not None else (0, 0)
        return ConfigError(message, self.path, line, column)

    def fail(self, node: Node | None, message: str) -> NoReturn:
        """A rule is broken: nothing after this place would mean anything."""
        raise self.error(node, message)

    def note(self, node: Node, message: str) -> None:
        """A value cannot be decoded; the walk goes on with its zero value."""
        if len(self.problems) < limits.CONFIG_PROBLEMS_MAX:
            self.problems.append(self.error(node, message))

    def raise_noted(self, last: ConfigError | None = None) -> None:
        """Raise everything that was noted, and `last`, as one error; in the order of the file."""
        found = [*self.problems]
        if last is not None:
            # What was raised as one already comes apart again; nothing is said twice.
            singles = [replace(last, others=()), *last.others]
            # What cannot be decoded reads as nothing, and that it is nothing is no news.
            known = {(one.line, one.column) for one in found if one.line}
            found += [one for one in singles if (one.line, one.column) not in known]
        if not found:
            return
        first, *others = sorted(found, key=lambda problem: (problem.line, problem.column))
        raise replace(first, others=tuple(others))

    def join(self, path: str) -> str:
        """`path` as seen from the folder of this file; empty and absolute paths stay."""
        if not path or self.folder is None or os.path.isabs(path):
            return path
        return os.path.normpath(self.folder / path)


Reader = Callable[[Node, Document], Any]
Table = Mapping[str, Reader]


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """The keys that were written in one mapping, decoded."""

    node: Node
    document: Document
    values: dict[str, Any] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def pick(self, *keys: str) -> dict[str, Any]:
        """Those of `keys` that were written: the arguments of a dataclass with defaults."""
        return {key: self.values[key] for key in keys if key in self.values}

    def fail(self, message: str, *keys: str) -> NoReturn:
        """A rule is broken; the place is the first of `keys` that was written, else the section."""
        written = (self.nodes[key] for key in keys if key in self.nodes)
        self.document.fail(next(written, self.node), message)


def is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.is_null


def describe(node: Node) -> str:
    """A node as the original's messages show it: kind and, of a scalar, the cut text."""
    match node:
        case SequenceNode():
            return "!!seq"
        case MappingNode():
            return "!!map"
        case ScalarNode():
            text = node.text if len(node.text.encode()) <= 10 else node.text[:7] + "..."
            return f"!!{node.tag} `{text}`"


def literal_text(leaf: ScalarNode, document: Document) -> str:
    """A scalar as text: its source, or what a !!binary one encodes."""
    if leaf.tag != "binary":
        return leaf.text
    try:
        raw = base64.b64decode("".join(leaf.text.split()), validate=True)
    except (binascii.Error, ValueError):
        document.fail(leaf, "yaml: !!binary value contains invalid base64 data")
    # Bytes that are not UTF-8 survive as surrogates, so that whoever checks names can tell.
    return raw.decode("utf-8", "surrogateescape")


def read_section(node: Node, document: Document, table: Table, type_name: str) -> Section:
    """The fields of a mapping. Null reads as a mapping without keys."""
    section = Section(node, document)
    if is_null(node):
        return section
    if not isinstance(node, MappingNode):
        document.note(node, f"cannot unmarshal {describe(node)} into {type_name}")
        return section
    for key, value in node.pairs:
        name = key.text
        reader = table.get(name)
        if reader is None and document.ignore_unknown:
            continue
        if reader is None:
            document.note(key, unknown_field(name, table, type_name))
        elif name in section.nodes:
            document.note(key, f"field {name} already set in type {type_name}")
        else:
            section.nodes[name] = value
            section.values[name] = reader(value, document)
    return section


def unknown_field(name: str, known: Mapping[str, object], type_name: str) -> str:
    """The message for a key that no table has, with the nearest one that it might have meant."""
    message = f"field {name} not found in type {type_name}"
    near = difflib.get_close_matches(name[:80], known, n=1, cutoff=0.75)
    return f'{message} (did you mean "{near[0]}"?)' if near else message


def list_of(read: Reader, go_type: str, *, null_item: str = "") -> Reader:
    """A reader of sequences, as tuples; null is the empty one. A null item fails as `null_item`."""

    def read_list(node: Node, document: Document) -> tuple[Any, ...]:
        if is_null(node):
            return ()
        if not isinstance(node, SequenceNode):
            document.note(node, f"cannot unmarshal {describe(node)} into {go_type}")
            return ()
        for item in node.items:
            if null_item and is_null(item):
                document.fail(item, null_item)
        return tuple(read(item, document) for item in node.items)

    return read_list


def map_of(read: Reader, go_type: str) -> Reader:
    """A reader of mappings with free keys, as dicts in the order of the text."""

    def read_map(node: Node, document: Document) -> dict[str, Any]:
        if is_null(node):
            return {}
        if not isinstance(node, MappingNode):
            document.note(node, f"cannot unmarshal {describe(node)} into {go_type}")
            return {}
        entries: dict[str, Any] = {}
        for key, value in node.pairs:
            name = literal_text(key, document)
            if name in entries:
                document.note(key, f'key "{name}" already set in map')
            else:
                entries[name] = read(value, document)
        return entries

    return read_map


def section_of(table: Table, type_name: str) -> Reader:
    """A reader of nested sections; null is None."""

    def read(node: Node, document: Document) -> Section | None:
        return None if is_null(node) else read_section(node, document, table, type_name)

    return read


def optional(read: Reader) -> Reader:
    """A reader for which null means the same as absent: None."""

    def read_optional(node: Node, document: Document) -> Any:
        return None if is_null(node) else read(node, document)

    return read_optional
