"""Where the screen finds its files: the shipped themes and the operator's own folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent.parent


def config_folder() -> Path:
    """`$XDG_CONFIG_HOME/termprom`, by default `~/.config/termprom`; need not exist."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base else Path.home() / ".config") / "termprom"


def shipped_themes() -> Path:
    """Inside an installed package, or beside it in a checkout."""
    inside = _PACKAGE / "themes"
    return inside if inside.is_dir() else _PACKAGE.parent / "themes"
