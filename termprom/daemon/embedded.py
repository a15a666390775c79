"""The configuration that is in force when none is given."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from termprom.config.load import load_config_text
from termprom.config.schema import Config

_FOLDER: Final = Path(__file__).parent / "default"


def load_embedded(check_expr: Callable[[str], None] | None = None) -> Config:
    """The built-in configuration, with this host's name in it. Its `path` is empty."""
    text = (_FOLDER / "termprom.yml").read_text(encoding="utf-8")
    text = text.replace("@HOSTNAME@", socket.gethostname().replace('"', ""))
    return load_config_text(text, path="", folder=_FOLDER, check_expr=check_expr)
