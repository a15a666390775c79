"""How a cell is drawn, and the shortest escape sequence from one way to another.

Pens are interned: two cells look the same exactly when they hold the same Pen object, so whole
rows are compared at C speed. Colours stay in the form in which the terminal gets them (`38;5;178`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

RESET: Final = "\x1b[m"

# Attributes that show where there is no glyph: underlines, reverse, strike, frames, overline.
_SHOWN_ON_BLANKS: Final = frozenset({"4", "7", "9", "21", "51", "52", "53"})
# What turns an attribute off. 22 ends both bold and dim, 24 both underlines.
_OFF: Final = {
    "1": "22",
    "2": "22",
    "3": "23",
    "4": "24",
    "5": "25",
    "6": "25",
    "7": "27",
    "8": "28",
    "9": "29",
    "21": "24",
    "51": "54",
    "52": "54",
    "53": "55",
}
_PENS_MAX: Final = 8_192  # a theme needs about a hundred; truecolour gradients can make more


class Pen:
    """Attributes, colours and link of a cell; compared by identity, made by `pen_of` only."""

    __slots__ = ("attributes", "background", "blank", "foreground", "link", "plain_on_blanks")

    def __init__(
        self, attributes: frozenset[str], foreground: str, background: str, link: str
    ) -> None:
        self.attributes = attributes
        self.foreground = foreground
        self.background = background
        self.link = link
        self.plain_on_blanks = not attributes & _SHOWN_ON_BLANKS
        # The pen of a cell that shows no glyph: there, all pens of one background are the same.
        self.blank = self if not self.plain_on_blanks or self._is_bare() else None

    def _is_bare(self) -> bool:
        return not self.attributes and not self.foreground

    def __repr__(self) -> str:
        parts = (*sorted(self.attributes), self.foreground, self.background)
        return f"Pen({';'.join(part for part in parts if part)}{' link' if self.link else ''})"

    def codes(self) -> list[str]:
        """The SGR parameters that set all of it on a reset terminal."""
        return [
            *sorted(self.attributes, key=int),
            *([self.foreground] if self.foreground else ()),
            *([self.background] if self.background else ()),
        ]


_pens: dict[tuple[frozenset[str], str, str, str], Pen] = {}


def _intern(attributes: frozenset[str], foreground: str, background: str, link: str) -> Pen:
    key = (attributes, foreground, background, link)
    pen = _pens.get(key)
    if pen is None:
        if len(_pens) >= _PENS_MAX:
            # Pens that are still in use and interned anew look different: bytes, not mistakes.
            _pens.clear()
            pen_of.cache_clear()
            change.cache_clear()
        pen = _pens[key] = Pen(attributes, foreground, background, link)
        if pen.blank is None:
            pen.blank = _intern(frozenset(), "", background, link)
    return pen


@lru_cache(maxsize=_PENS_MAX)
def pen_of(sgr: str, link: str = "") -> Pen:
    """The pen for SGR parameters (`1;38;5;178;48;5;16`) on a reset terminal."""
    attributes: set[str] = set()
    foreground = background = ""
    codes = iter(sgr.split(";") if sgr else ())
    for code in codes:
        if code in ("38", "48"):
            kind = next(codes, "5")
            rest = [next(codes, "0") for _ in range(3 if kind == "2" else 1)]
            colour = ";".join((code, kind, *rest))
            if code == "38":
                foreground = colour
            else:
                background = colour
        elif code in _OFF:
            attributes.add(code)
        elif code == "39":
            foreground = ""
        elif code == "49":
            background = ""
        elif len(code) == 2 and code[0] in "39":
            foreground = code
        elif code[:1] == "4" or code[:2] == "10":
            background = code
    clean = "".join(character for character in link if character.isprintable())
    return _intern(frozenset(attributes), foreground, background, clean)


DEFAULT: Final = pen_of("")


@lru_cache(maxsize=4 * _PENS_MAX)
def change(old: Pen, new: Pen) -> str:
    """The shortest sequence that makes a terminal which draws as `old` draw as `new`."""
    if old is new:
        return ""
    return _sgr_change(old, new) + ("" if old.link == new.link else _open_link(new.link))


def _sgr_change(old: Pen, new: Pen) -> str:
    afresh = new.codes()
    if not afresh:
        return RESET if old.codes() else ""
    codes: list[str] = []
    left = set(old.attributes)
    for code in sorted({_OFF[gone] for gone in old.attributes - new.attributes}):
        codes.append(code)
        left = {one for one in left if _OFF[one] != code}
    codes += sorted(new.attributes - left, key=int)
    if old.foreground != new.foreground:
        codes.append(new.foreground or "39")
    if old.background != new.background:
        codes.append(new.background or "49")
    if not codes:
        return ""
    short, full = ";".join(codes), ";".join(("", *afresh))  # an empty parameter is a reset
    return f"\x1b[{short if len(short) <= len(full) else full}m"


def _open_link(url: str) -> str:
    return f"\x1b]8;;{url}\x1b\\"
