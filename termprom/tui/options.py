"""What the one who starts the screen decides."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AppOptions:
    """Options of one screen.

    `can_keep_engine`: the engine lives in this process and may outlive the screen, so quitting
    asks what is to become of it.
    `remember`: a screen that was lost comes back as it was, from the state folder.
    """

    theme: str = "auto"
    ascii: bool = False
    can_keep_engine: bool = False
    log_path: str = ""
    remember: bool = False
