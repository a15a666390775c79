"""Answers that are XML: read without entities and namespaces, and looked into by path."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from termprom.errors import DiscoveryError


def parse_xml(body: bytes) -> ElementTree.Element:
    """The root without namespaces. Raises DiscoveryError."""
    refuse_entities(body)
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as problem:
        raise DiscoveryError(f"the answer is not XML: {problem}") from problem
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def refuse_entities(body: bytes) -> None:
    """Raises DiscoveryError where a document declares some: they may grow without bound."""
    if b"<!DOCTYPE" in body:
        raise DiscoveryError("the answer declares entities")


def text(element: ElementTree.Element, path: str) -> str:
    """The text at `path`; empty where there is none."""
    return (element.findtext(path) or "").strip()


def each(
    element: ElementTree.Element, path: str, item: str = "item"
) -> Iterator[ElementTree.Element]:
    """The items of the list at `path`."""
    yield from element.iterfind(f"{path}/{item}")
