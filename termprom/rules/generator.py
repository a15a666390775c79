"""The link in a notification that leads back to the expression."""

from __future__ import annotations

from urllib.parse import quote_plus


def generator_url(external_url: str, expr: str) -> str:
    """The page that shows `expr` as a table; `external_url` may end in a slash."""
    return f"{external_url.rstrip('/')}/graph?g0.expr={quote_plus(expr, safe='~')}&g0.tab=1"
