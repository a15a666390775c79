"""The folder of reference material beside the checkout; tests that want it skip without it."""

from __future__ import annotations

from pathlib import Path

import pytest

_FOLDER = Path(__file__).parent.parent.parent / "shared"


def shared(*parts: str) -> Path:
    """A path in it; skips the test, with a reason, where it is missing."""
    path = _FOLDER.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"there is no {path.name} in a folder 'shared' beside the checkout")
    return path
