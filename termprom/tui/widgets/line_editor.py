"""One line of text under edit: the pure part of every small input (filter, command, form)."""

from __future__ import annotations

from termprom.tui.cells import inert, width_of


class LineEditor:
    """Text and a caret, 0 <= caret <= len(text); keys are named as Textual names them."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.caret = len(text)

    def __repr__(self) -> str:
        return f"LineEditor({self.text[: self.caret]!r} | {self.text[self.caret :]!r})"

    def set(self, text: str) -> None:
        self.text, self.caret = text, len(text)

    def insert(self, text: str) -> None:
        """At the caret; what is not printable becomes a visible sign."""
        clean = inert(text)
        self.text = self.text[: self.caret] + clean + self.text[self.caret :]
        self.caret += len(clean)

    def press(self, key: str, character: str | None) -> bool:
        """Whether the key was an edit or a movement, and so is used up."""
        if character is not None and character.isprintable():
            self.insert(character)
            return True
        before, after = self.text[: self.caret], self.text[self.caret :]
        match key:
            case "backspace" | "ctrl+h":
                before = before[:-1]
            case "delete":
                after = after[1:]
            case "ctrl+w" | "alt+backspace":
                stripped = before.rstrip()
                before = stripped[: stripped.rfind(" ") + 1]
            case "ctrl+u":
                before = ""
            case "ctrl+k":
                after = ""
            case "left":
                self.caret = max(self.caret - 1, 0)
                return True
            case "right":
                self.caret = min(self.caret + 1, len(self.text))
                return True
            case "home" | "ctrl+a":
                self.caret = 0
                return True
            case "end" | "ctrl+e":
                self.caret = len(self.text)
                return True
            case _:
                return False
        self.text, self.caret = before + after, len(before)
        return True

    def window(self, width: int) -> tuple[str, int]:
        """The part of the text around the caret that fits, and the caret's cell in it."""
        start = 0
        while width_of(self.text[start : self.caret]) >= width:
            start += 1
        shown = self.text[start:]
        while width_of(shown) > width:
            shown = shown[:-1]
        return shown, width_of(self.text[start : self.caret])
