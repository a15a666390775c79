"""YAML text as a tree of located nodes: what the strict walker walks.

The tree keeps what a value loader throws away: the place of every node, the literal text of every
scalar (`1.50`, `0x10`), and the difference between absent, null and empty. Scalars get the tag that
the original's parser gives them (YAML 1.1, where `y` is a boolean and `12:30` is text). Only the
first document is read. Depth, nodes and alias expansion are bounded, so hostile text costs one
error and no recursion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from termprom import limits
from termprom.errors import ConfigError

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_TAG_PREFIX: Final = "tag:yaml.org,2002:"
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE: Final = frozenset(
    {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"}
)
_INT: Final = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]+|[0-9][0-9_]*)")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


@dataclass(frozen=True, slots=True, eq=False)
class ScalarNode:
    """A leaf; `tag` is str, null, bool, int, float, binary or merge. Places count from 1."""

    tag: str
    text: str
    line: int = 0
    column: int = 0

    @property
    def is_null(self) -> bool:
        return self.tag == "null"

    @property
    def truth(self) -> bool:
        """The value of a node whose tag is bool."""
        return self.text in _TRUE


@dataclass(frozen=True, slots=True, eq=False)
class SequenceNode:
    items: tuple[Node, ...]
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class MappingNode:
    """Pairs in the order of the text; those of `<<` come last and only where nothing overrides."""

    pairs: tuple[tuple[ScalarNode, Node], ...]
    line: int = 0
    column: int = 0


Node = ScalarNode | SequenceNode | MappingNode


def resolve_plain(text: str) -> str:
    """The tag of an unquoted scalar."""
    if text in _NULL:
        return "null"
    if text in _TRUE or text in _FALSE:
        return "bool"
    if text == "<<":
        return "merge"
    if _INT.fullmatch(text):
        return "int"
    if _FLOAT.fullmatch(text) or _SPECIAL_FLOAT.fullmatch(text):
        return "float"
    return "str"


def compose(text: str, path: str = "") -> tuple[Node | None, bool]:
    """The first document of `text` (None when there is nothing in it), and whether more follow.

    Raises ConfigError with the place of a syntax error or of a bound that was passed.
    """
    if len(text) > limits.CONFIG_CHARS_MAX:
        raise ConfigError(f"the file is larger than {limits.CONFIG_CHARS_MAX} characters", path)
    try:
        return _Composer(path).run(yaml.parse(text, Loader=_Loader))
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        words = problem.problem or problem.context or "invalid YAML"
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise ConfigError(f"yaml: {words}", path, line, column) from problem
    except yaml.YAMLError as problem:
        # The reader's errors know a character position only.
        position = getattr(problem, "position", 0)
        line = text.count("\n", 0, position) + 1
        words = getattr(problem, "reason", None) or str(problem).splitlines()[0]
        raise ConfigError(f"yaml: {words}", path, line) from problem


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been seen; `size` counts its nodes with aliases expanded."""

    event: Event
    anchor: str | None
    items: list[Node] = field(default_factory=list)
    size: int = 1


class _Composer:
    def __init__(self, path: str) -> None:
        self._path = path
        self._anchors: dict[str, tuple[Node, int] | None] = {}

    def run(self, events: Iterator[Event]) -> tuple[Node | None, bool]:
        root: Node | None = None
        stack: list[_Open] = []
        total = 0
        for event in events:
            node: Node
            match event:
                case DocumentEndEvent():
                    return root, self._more(events)
                case SequenceStartEvent() | MappingStartEvent():
                    if len(stack) >= limits.CONFIG_DEPTH_MAX:
                        raise self._error(event, "exceeded max depth")
                    if event.anchor is not None:
                        self._anchors[event.anchor] = None
                    stack.append(_Open(event, event.anchor))
                    continue
                case ScalarEvent():
                    node, size = self._scalar(event), 1
                    self._remember(event.anchor, node, size)
                case AliasEvent():
                    node, size = self._alias(event)
                case SequenceEndEvent() | MappingEndEvent():
                    done = stack.pop()
                    node, size = self._close(done), done.size
                    self._remember(done.anchor, node, size)
                case _:
                    continue
            if stack:
                stack[-1].items.append(node)
                stack[-1].size += size
            else:
                root = node
            total = max(total + 1, stack[-1].size if stack else size)
            if total > limits.CONFIG_NODES_MAX:
                raise self._error(event, "document contains excessive aliasing or too many values")
        return root, False

    @staticmethod
    def _more(events: Iterator[Event]) -> bool:
        return any(isinstance(event, yaml.DocumentStartEvent) for event in _quietly(events))

    def _error(self, event: Event, message: str) -> ConfigError:
        line, column = _place(event)
        return ConfigError(f"yaml: {message}", self._path, line, column)

    def _remember(self, anchor: str | None, node: Node, size: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, size)

    def _alias(self, event: AliasEvent) -> tuple[Node, int]:
        if event.anchor not in self._anchors:
            raise self._error(event, f"unknown anchor '{event.anchor}' referenced")
        known = self._anchors[event.anchor]
        if known is None:
            raise self._error(event, f"anchor '{event.anchor}' value contains itself")
        return known

    def _scalar(self, event: ScalarEvent) -> ScalarNode:
        line, column = _place(event)
        if event.tag is not None and event.tag != "!":
            tag = event.tag.removeprefix(_TAG_PREFIX)
        elif event.implicit[0]:
            tag = resolve_plain(event.value)
        else:
            tag = "str"
        return ScalarNode(tag, event.value, line, column)

    def _close(self, done: _Open) -> Node:
        line, column = _place(done.event)
        if isinstance(done.event, SequenceStartEvent):
            return SequenceNode(tuple(done.items), line, column)
        own: list[tuple[ScalarNode, Node]] = []
        merged: list[MappingNode] = []
        pairs = iter(done.items)
        for key, value in zip(pairs, pairs, strict=True):
            if not isinstance(key, ScalarNode):
                raise ConfigError("yaml: invalid map key", self._path, key.line, key.column)
            if key.tag == "merge":
                merged.extend(self._merge_sources(value))
            else:
                own.append((key, value))
        names = {key.text for key, _ in own}
        for source in merged:
            for key, value in source.pairs:
                if key.text not in names:
                    names.add(key.text)
                    own.append((key, value))
        return MappingNode(tuple(own), line, column)

    def _merge_sources(self, value: Node) -> list[MappingNode]:
        sources = value.items if isinstance(value, SequenceNode) else (value,)
        found = [source for source in sources if isinstance(source, MappingNode)]
        if len(found) != len(sources):
            message = "yaml: map merge requires map or sequence of maps as the value"
            raise ConfigError(message, self._path, value.line, value.column)
        return found


def _quietly(events: Iterator[Event]) -> Iterator[Event]:
    """Events as far as they can be read: nobody is interested in errors of a second document."""
    try:
        yield from events
    except yaml.YAMLError:
        return


def _place(event: Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
