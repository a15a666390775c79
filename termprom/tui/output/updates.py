"""What a compositor update puts where: the one place that knows Textual's private update types.

Follows `render_segments` of both types, cell for cell. Checked against Textual 8.2; where these
names are gone, `is_known` says no and the stage leaves everything to Textual.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.color import ColorSystem
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.strip import Strip

from termprom.tui.output.pen import DEFAULT, Pen, pen_of
from termprom.tui.output.shadow import ShadowScreen

KNOWN = (ChopsUpdate, LayoutUpdate)


def put_update(
    screen: ShadowScreen, update: ChopsUpdate | LayoutUpdate, colours: ColorSystem
) -> None:
    """Want what the update shows. `colours` is what styles are reduced to."""
    if isinstance(update, LayoutUpdate):
        x, limit = update.region.x, screen.width
        for y, strips in enumerate(update.strips, update.region.y):
            pieces = [piece for strip in strips for piece in _pieces(strip, colours)]
            screen.put(y, x, pieces, limit)
    else:
        for y, x, strip, limit in _chops(update):
            screen.put(y, x, _pieces(strip, colours), limit)


def _chops(update: ChopsUpdate) -> Iterator[tuple[int, int, Strip, int]]:
    """Line, column, strip and the column at which it is cut off."""
    for y, first, last in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x <= last and end > first:
                yield y, x, strip, min(end, last)


def _pieces(strip: Strip, colours: ColorSystem) -> Iterator[tuple[str, Pen]]:
    for text, style, control in strip:
        if control:
            continue
        if style is None:
            yield text, DEFAULT
            continue
        # Rendered once per style object and kept there, exactly as Textual does.
        sgr = style._ansi
        if sgr is None:
            sgr = Strip.render_ansi(style, colours)
        yield text, pen_of(sgr, style._link or "")
