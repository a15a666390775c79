"""JSON text as the original's server writes it.

Plain strings (names, messages, help, YAML) have `<`, `>`, `&` and the two Unicode line separators
escaped, label objects have not; maps are sorted by key where they have no order of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from termprom.model.labels import Labels

_SPECIAL: Final = re.compile("[<>&\u2028\u2029]")
_ESCAPES: Final = {c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}

Json = Any  # what orjson.loads gives and orjson.dumps takes


def text(value: str) -> str | orjson.Fragment:
    """`value` as a JSON string that is safe inside HTML, ready to be put into a document."""
    if _SPECIAL.search(value) is None:
        return value
    quoted = dumps(value).decode()
    return orjson.Fragment(_SPECIAL.sub(lambda found: _ESCAPES[found[0]], quoted))


def texts(values: Sequence[str]) -> list[str | orjson.Fragment]:
    return [text(value) for value in values]


def labels_object(labels: Labels) -> dict[str, str]:
    return dict(labels)


def labels_from(value: Json) -> Labels:
    """Labels from a JSON object of strings; anything else in it is left out."""
    if not isinstance(value, Mapping):
        return Labels()
    return Labels.of({k: v for k, v in value.items() if isinstance(v, str)})


def dumps(document: Json) -> bytes:
    """JSON bytes. Text that is no valid Unicode loses what cannot be written."""
    try:
        return orjson.dumps(document)
    except TypeError:
        return orjson.dumps(_printable(document))


def _printable(document: Json) -> Json:
    """The same document with lone surrogates replaced."""
    if isinstance(document, str):
        return document.encode("utf-8", "replace").decode()
    if isinstance(document, Mapping):
        return {_printable(key): _printable(value) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [_printable(value) for value in document]
    return document
