"""Readers whose result is what is printed: for sections that are checked but not used here."""

from __future__ import annotations

from termprom.config import scalars
from termprom.config.fields import Document
from termprom.config.yaml_tree import Node
from termprom.model.durations import format_duration


def printed_duration(node: Node, document: Document) -> str:
    """A duration in its canonical text."""
    return format_duration(scalars.duration(node, document))
