"""Work beside the event handlers: one way to begin it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, cast

from textual.dom import DOMNode
from textual.worker import Worker


def begin(
    owner: DOMNode,
    work: Callable[[], Coroutine[Any, Any, None]],
    *,
    group: str,
    exclusive: bool = False,
    exit_on_error: bool = True,
) -> Worker[None]:
    """Run `work` on the screen's loop; `exclusive` ends what runs in the same group.

    It takes a function and no coroutine: one that is overtaken before it has begun would never be
    awaited.
    """
    made = owner.run_worker(
        cast("Any", work), group=group, exclusive=exclusive, exit_on_error=exit_on_error
    )
    return cast("Worker[None]", made)
