"""The page at the root of a Pushgateway: its groups, for people with a browser."""

from __future__ import annotations

import html
from collections.abc import Sequence

from termprom import __version__
from termprom.backend.wire_numbers import format_moment
from termprom.views import PushGroupView


def groups_page(groups: Sequence[PushGroupView]) -> str:
    rows = "".join(map(_row, groups))
    return (
        "<!doctype html><meta charset=utf-8><title>Pushgateway</title><h1>Pushgateway</h1>"
        f"<p>termprom {__version__}. <a href=metrics>Metrics</a>, "
        "<a href=api/v1/metrics>the groups as JSON</a>.</p>"
        "<table><tr><th>Group<th>Series<th>Last push<th>State</tr>" + rows + "</table>\n"
    )


def _row(group: PushGroupView) -> str:
    labels = html.escape(", ".join(f'{name}="{value}"' for name, value in group.labels))
    state = "ok" if group.last_push_ok else "failed"
    moment = format_moment(group.last_push_ms)
    return f"<tr><td>{labels}<td>{group.series}<td>{moment}<td>{state}</tr>"
