"""URLs that may be shown."""

from __future__ import annotations

import re
from typing import Final

_PASSWORD: Final = re.compile(r"([A-Za-z][\w+.-]*://[^\s/?#@:\"]*):[^\s/?#@\"]*@")


def without_passwords(text: str) -> str:
    """A URL, or text with URLs in it, without the passwords that they carry, as Go prints them."""
    return _PASSWORD.sub(r"\1:xxxxx@", text)
