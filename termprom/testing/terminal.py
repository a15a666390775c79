"""A model of a terminal: what is on the screen after some bytes.

Knows what Textual, the output stage and the query prompts send: moves, erasing, SGR, links, modes.
Anything else that is a well-formed sequence is skipped and counted in `unknown`. Erased cells take
the background colour, as xterm and tmux have it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Final

_SEQUENCE: Final = re.compile(
    r"\x1b\[(?P<private>[<-?]*)(?P<params>[0-9;:]*)(?P<middle>[ -/]*)(?P<final>[@-~])"
    r"|\x1b[\]P_^X](?P<string>.*?)(?:\x1b\\|\x07)"
    r"|\x1b(?P<short>[ -/]+[0-~]|[0-OQ-WYZ\\`-~])",
    re.DOTALL,
)
_PARTIAL: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]P_^X][^\x07]*|[ -/]*)\Z", re.DOTALL)
_OFF: Final = {
    "22": ("1", "2"),
    "23": ("3",),
    "24": ("4", "21"),
    "25": ("5", "6"),
    "27": ("7",),
    "28": ("8",),
    "29": ("9",),
    "54": ("51", "52"),
    "55": ("53",),
}
_SHOWN_ON_BLANKS: Final = frozenset({"4", "7", "9", "21", "51", "52", "53"})


@dataclass(frozen=True, slots=True)
class Look:
    """How a cell is drawn; colours as SGR parameters, empty for the default."""

    attributes: frozenset[str] = frozenset()
    foreground: str = ""
    background: str = ""
    link: str = ""


PLAIN: Final = Look()


@dataclass(frozen=True, slots=True)
class Cell:
    """A glyph with its marks; the second cell of a wide one is empty text."""

    text: str = " "
    look: Look = PLAIN

    def seen(self) -> Cell:
        """What of it can be seen: a blank shows its foreground only through an attribute."""
        if self.text != " " or self.look.attributes & _SHOWN_ON_BLANKS:
            return self
        return Cell(" ", Look(background=self.look.background, link=self.look.link))


class TerminalModel:
    """A screen of `width` x `height` cells. `feed` takes text in any pieces."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.modes: set[str] = set()  # private modes that are set, as "?2026"
        self.unknown: list[str] = []  # sequences that meant nothing to the model
        self.strings: list[str] = []  # contents of OSC and DCS sequences
        self.row = self.column = 0
        self._look = PLAIN
        self._pending = ""
        self._cells = [[Cell()] * width for _ in range(height)]

    def __repr__(self) -> str:
        return f"TerminalModel({self.width}x{self.height}, cursor {self.row},{self.column})"

    @property
    def lines(self) -> list[str]:
        """The text of the screen, right-trimmed."""
        return ["".join(cell.text for cell in row).rstrip() for row in self._cells]

    def cell(self, row: int, column: int) -> Cell:
        return self._cells[row][column]

    def seen(self) -> list[list[Cell]]:
        """Every cell as it can be seen."""
        return [[cell.seen() for cell in row] for row in self._cells]

    def feed(self, text: str) -> None:
        text = self._pending + text
        self._pending = ""
        place = 0
        while place < len(text):
            character = text[place]
            if character == "\x1b":
                match = _SEQUENCE.match(text, place)
                if match is None:
                    if _PARTIAL.match(text, place) is not None:
                        self._pending = text[place:]
                        return
                    self.unknown.append(repr(text[place : place + 8]))
                    place += 1
                    continue
                self._obey(match)
                place = match.end()
                continue
            if character < " " or character == "\x7f":
                self._control(character)
            else:
                self._print(character)
            place += 1

    # --- Text ---------------------------------------------------------------------------------

    def _control(self, character: str) -> None:
        match character:
            case "\n":
                # A line feed on the last line scrolls, as terminals do.
                if self.row == self.height - 1:
                    self._cells.append([Cell()] * self.width)
                    del self._cells[0]
                self.row = min(self.row + 1, self.height - 1)
            case "\r":
                self.column = 0
            case "\b":
                self.column = max(min(self.column, self.width - 1) - 1, 0)
            case _:
                pass

    def _print(self, character: str) -> None:
        width = _width(character)
        if width == 0:
            self._join(character)
            return
        # Without line wrap (?7l) the last column is written over and over.
        column = min(self.column, self.width - width)
        self._halve(column, column + width)
        cells = self._cells[self.row]
        cells[column] = Cell(character, self._look)
        if width == 2:
            cells[column + 1] = Cell("", self._look)
        self.column = column + width

    def _halve(self, low: int, high: int) -> None:
        """Columns [low, high) are written: the other halves of wide glyphs there become blanks."""
        cells = self._cells[self.row]
        if low > 0 and cells[low].text == "":
            cells[low - 1] = replace(cells[low - 1], text=" ")
        if high < self.width and cells[high].text == "":
            cells[high] = replace(cells[high], text=" ")

    def _join(self, mark: str) -> None:
        cells = self._cells[self.row]
        column = min(self.column, self.width) - 1
        while column > 0 and cells[column].text == "":
            column -= 1
        if column >= 0:
            cells[column] = replace(cells[column], text=cells[column].text + mark)

    # --- Sequences ----------------------------------------------------------------------------

    def _obey(self, match: re.Match[str]) -> None:
        if match["string"] is not None:
            self._string(match["string"])
        elif match["short"] is not None:
            if match["short"] not in ("=", ">", "c", "7", "8"):
                self.unknown.append(match[0])
        elif match["private"] or match["middle"]:
            self._mode(match)
        else:
            self._csi(match["final"], match["params"], match[0])

    def _string(self, content: str) -> None:
        self.strings.append(content)
        if content.startswith("8;"):
            self._look = replace(self._look, link=content.split(";", 2)[2])

    def _mode(self, match: re.Match[str]) -> None:
        if match["private"] == "?" and match["final"] in "hl" and not match["middle"]:
            for mode in match["params"].split(";"):
                if match["final"] == "h":
                    self.modes.add(f"?{mode}")
                else:
                    self.modes.discard(f"?{mode}")
                if mode == "1049":
                    self._cells = [[Cell()] * self.width for _ in range(self.height)]

    def _csi(self, final: str, params: str, whole: str) -> None:
        numbers = [int(one) if one else 0 for one in params.split(";")] if ":" not in params else []
        first = numbers[0] if numbers else 0
        count = max(first, 1)
        match final:
            case "m":
                self._sgr(params)
            case "H" | "f":
                second = numbers[1] if len(numbers) > 1 else 1
                self._go(count - 1, max(second, 1) - 1)
            case "A":
                self._go(self.row - count, self.column)
            case "B":
                self._go(self.row + count, self.column)
            case "C":
                self._go(self.row, self.column + count)
            case "D":
                self._go(self.row, min(self.column, self.width - 1) - count)
            case "G":
                self._go(self.row, count - 1)
            case "d":
                self._go(count - 1, self.column)
            case "K":
                low, high = self._erased(first, self.column, self.width)
                self._erase(self.row, low, high)
            case "X":
                self._erase(self.row, self.column, self.column + count)
            case "J":
                low, high = self._erased(first, self.row, self.height)
                for row in range(low, high):
                    self._erase(row, 0, self.width)
            case _:
                self.unknown.append(whole)

    @staticmethod
    def _erased(kind: int, here: int, size: int) -> tuple[int, int]:
        return ((here, size), (0, here + 1), (0, size))[min(kind, 2)]

    def _go(self, row: int, column: int) -> None:
        self.row = min(max(row, 0), self.height - 1)
        self.column = min(max(column, 0), self.width - 1)

    def _erase(self, row: int, low: int, high: int) -> None:
        blank = Cell(" ", Look(background=self._look.background))
        kept, self.row = self.row, row
        high = min(high, self.width)
        if low < high:
            self._halve(low, high)
            self._cells[row][low:high] = [blank] * (high - low)
        self.row = kept

    def _sgr(self, params: str) -> None:
        codes = iter(params.split(";"))
        for code in codes:
            look = self._look
            if code in ("", "0"):
                self._look = Look(link=look.link)
            elif code in ("38", "48"):
                kind = next(codes, "")
                rest = [next(codes, "") for _ in range(3 if kind == "2" else 1)]
                colour = ";".join((code, kind, *rest))
                name = "foreground" if code == "38" else "background"
                self._look = replace(look, **{name: colour})  # type: ignore[arg-type]
            elif code in _OFF:
                self._look = replace(look, attributes=look.attributes - set(_OFF[code]))
            elif code in ("39", "49"):
                name = "foreground" if code == "39" else "background"
                self._look = replace(look, **{name: ""})  # type: ignore[arg-type]
            elif 30 <= int(code) <= 37 or 90 <= int(code) <= 97:
                self._look = replace(look, foreground=code)
            elif 40 <= int(code) <= 47 or 100 <= int(code) <= 107:
                self._look = replace(look, background=code)
            else:
                self._look = replace(look, attributes=look.attributes | {code})


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
