"""`$NAME` and `${NAME}` in the values of external labels, by the rules of Go's os.Expand.

Nothing else of a configuration is ever expanded.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

# In order: ${...} closed, ${ left open, a special one-character name, a plain name.
_REFERENCE: Final = re.compile(r"\$(?:\{([^}]*)\}|(\{)|([*#$@!?\-0-9])|([A-Za-z0-9_]+))", re.ASCII)


def expand_environment(
    text: str, environment: Mapping[str, str] | None = None
) -> tuple[str, tuple[str, ...]]:
    """`text` with references filled in, and the names that turned out empty.

    `$$` is one dollar. A dollar before anything that cannot begin a name stays; the two
    characters of a `${` that is never closed are dropped.
    """
    source = os.environ if environment is None else environment
    empty: list[str] = []

    def fill(reference: re.Match[str]) -> str:
        if reference[2]:
            return ""
        name = reference[1] or reference[3] or reference[4] or ""
        if name == "$":
            return "$"
        value = source.get(name, "")
        if name and not value:
            empty.append(name)
        return value

    return _REFERENCE.sub(fill, text), tuple(empty)
