"""Views as JSON without loss: what one termprom tells another beyond the Prometheus API.

A view is an object with its fields; labels are [[name, value], ...]; a float that JSON does not
know is the text "nan", "inf" or "-inf". The paths under EXTRA_PREFIX speak this form.
"""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any, Final, TypeVar

import msgspec

from termprom.backend.interface import Event
from termprom.backend.wire_text import Json, dumps
from termprom.model.labels import Labels

EXTRA_PREFIX: Final = "/api/v1/x/"
# Carries the secret of a data folder. Not among the headers that browsers may send from elsewhere.
OWNER_HEADER: Final = "X-Termprom-Owner"

T = TypeVar("T")


def view_object(view: object) -> Json:
    """A view, or a sequence of views, as JSON values."""
    return _finite(msgspec.to_builtins(view))


def view_from(kind: type[T], data: Json) -> T:
    """The view of that type. Raises ValueError for what does not have its shape."""
    try:
        found = msgspec.convert(data, kind, strict=False, dec_hook=_decode_labels)
    except msgspec.ValidationError as problem:
        raise ValueError(str(problem)) from problem
    _freeze(found)
    return found


def _freeze(value: object) -> None:
    """Make tuples of the lists that decoding puts into the sequences of a view."""
    if isinstance(value, list | tuple):
        for one in value:
            _freeze(one)
    elif is_dataclass(value):
        for field in fields(value):
            inner = getattr(value, field.name)
            _freeze(inner)
            if isinstance(inner, list):
                # Nobody else has seen the view yet: it is still in the making.
                object.__setattr__(value, field.name, tuple(inner))


def event_line(event: Event) -> bytes:
    """One server-sent event."""
    return b"data: " + dumps(view_object(event)) + b"\n\n"


def event_from(data: Json) -> Event:
    return view_from(Event, data)


def _decode_labels(kind: type, value: Any) -> Any:
    if kind is not Labels:
        raise TypeError(f"no way to decode a {kind.__name__}")
    try:
        return Labels((str(name), str(text)) for name, text in value)
    except (TypeError, ValueError) as problem:
        raise ValueError("labels are pairs of name and value") from problem


def _finite(value: Json) -> Json:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
