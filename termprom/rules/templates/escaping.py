"""html, js, urlquery, and the case functions: text in, text out."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote_plus

from termprom.rules.templates.quoting import is_print

_HTML: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", '"': "&#34;", "\0": "\ufffd"}
)
_JS: Final = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "<": "\\u003C",
    ">": "\\u003E",
    "&": "\\u0026",
    "=": "\\u003D",
}
# Apostrophes, dots and colons between letters, dots and commas between digits are inside a word.
_WORD: Final = re.compile(r"\w(?:\w|(?<=[^\W\d_])['’.:·](?=[^\W\d_])|(?<=\d)['’.,;](?=\d))*")


def escape_html(text: str) -> str:
    return text.translate(_HTML)


def escape_js(text: str) -> str:
    return "".join(map(_js_char, text))


def _js_char(char: str) -> str:
    if char in _JS:
        return _JS[char]
    code = ord(char)
    if code < 0x20 or (code >= 0x80 and not is_print(char)):
        return f"\\u{code:04X}"
    return char


def escape_query(text: str) -> str:
    return quote_plus(text, safe="", errors="surrogateescape")


def title(text: str) -> str:
    """The first letter of every word in title case, the rest untouched."""
    return _WORD.sub(lambda word: _capitalized(word.group()), text)


def _capitalized(word: str) -> str:
    for index, char in enumerate(word):
        if char.upper() != char or char.lower() != char:
            return word[:index] + char.title() + word[index + 1 :]
    return word


def upper(text: str) -> str:
    """Letter by letter: the sharp s has no capital of its own and stays."""
    return "".join(up if len(up := char.upper()) == 1 else char for char in text)


def lower(text: str) -> str:
    # The dotted capital I is the only one that becomes two, the first of them the plain letter.
    return "".join(char.lower()[0] for char in text)
