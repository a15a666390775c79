"""Labels that are attributes of an AWS object in XML, found by the words of their names.

AWS writes `KmsKeyId` here and `PerformanceInsightsKMSKeyId` there; what they have in common with
`kms_key_id` are the letters in their order, and these decide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from xml.etree.ElementTree import Element

from termprom.discovery.labelled import sanitized
from termprom.discovery.xml_answers import each, text

_FRACTION: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+(Z|[+-]\d\d:?\d\d)")


def attributes(element: Element, names: str, renamed: Mapping[str, str]) -> dict[str, str]:
    """The values by label name. `names` stand apart by white space; `renamed` has the paths of
    those whose label is called otherwise or that stand deeper.
    """
    by_letters = {child.tag.lower(): child for child in element}
    found: dict[str, str] = {}
    for name in names.split():
        child = by_letters.get(name.replace("_", ""))
        if child is not None:
            found[name] = _shown((child.text or "").strip())
    found |= {name: _shown(text(element, path)) for name, path in renamed.items()}
    return found


def tag_labels(element: Element, prefix: str) -> dict[str, str]:
    """The labels of an object's TagList."""
    return {
        prefix + sanitized(text(tag, "Key")): text(tag, "Value")
        for tag in each(element, "TagList", "Tag")
    }


def _shown(value: str) -> str:
    """A value as a label shows it: times in whole seconds."""
    match = _FRACTION.fullmatch(value)
    return match[1] + match[2] if match else value
