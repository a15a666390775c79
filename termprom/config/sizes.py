"""Sizes as Prometheus writes them: `15MB`, `1GiB512MiB`; every unit is a power of 1024."""

from __future__ import annotations

import re
from typing import Final

_POWERS: Final = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_UNIT_TABLES: Final = tuple(
    {prefix + suffix if prefix else "B": 1024**power for prefix, power in _POWERS.items()}
    for suffix in ("iB", "B")
)
_PART: Final = re.compile(r"([0-9]*)(\.[0-9]*)?([^0-9.]*)")
_MAX: Final = 2**63


def parse_size(text: str) -> int:
    """Bytes of a size. The whole text uses KiB... or KB..., never both.

    Raises ValueError in upstream's words.
    """
    sign = -1 if text.startswith("-") else 1
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0
    if not rest:
        raise ValueError(f"units: invalid {text}")
    problem: ValueError | None = None
    for units in _UNIT_TABLES:
        try:
            return sign * _sum_parts(text, rest, units)
        except ValueError as error:
            problem = error
    raise problem if problem is not None else ValueError(f"units: invalid {text}")


def _sum_parts(whole: str, rest: str, units: dict[str, int]) -> int:
    total = 0.0
    while rest:
        found = _PART.match(rest)
        digits, fraction, unit = found.groups() if found else ("", None, "")
        if not digits and not (fraction or "")[1:]:
            raise ValueError(f"units: invalid {whole}")
        if unit not in units:
            raise ValueError(f"units: unknown unit {unit} in {whole}")
        total += float((digits or "0") + (fraction or "")) * units[unit]
        if total >= _MAX:
            raise ValueError("units: overflow parsing unit")
        rest = rest[found.end() :] if found else ""
    return int(total)


def format_size(count: int) -> str:
    """The canonical text: the largest units first, parts that are zero left out."""
    if count == 0:
        return "0B"
    sign, rest = ("-", -count) if count < 0 else ("", count)
    parts = []
    for unit, size in reversed(_UNIT_TABLES[0].items()):
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number}{unit}")
    return sign + "".join(parts)
