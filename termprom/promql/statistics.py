"""What a query cost, as the `stats` object of the API and of the query log.

Source: reference "HTTP API", 5.3. `plan` is ours: the nodes of the query, each with
`operation, expr, series, rows, samples, seconds, bytes, children`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from termprom.model.node_cost import Explained, NodeCost
from termprom.model.result import QueryStats
from termprom.model.values import TimesMs


def stats_object(
    stats: QueryStats, times_ms: TimesMs | None = None, *, plan: bool = False
) -> dict[str, Any]:
    """Times in seconds; of the stages only the evaluation is measured.

    With times_ms (S,), the steps of an explained query, samples are also told step by step.
    """
    assert np.isfinite(stats.duration_seconds)
    explained = stats.explained
    # Each sample once for every window that it is in, where somebody counted.
    looked_at = stats.samples if explained is None else int(explained.step_samples.sum())
    return {
        "timings": {
            "evalTotalTime": stats.duration_seconds,
            "resultSortTime": 0,
            "queryPreparationTime": 0,
            "innerEvalTime": stats.duration_seconds,
            "execQueueTime": 0,
            "execTotalTime": stats.duration_seconds,
        },
        "samples": {
            **_per_step(explained, times_ms),
            "totalQueryableSamples": looked_at,
            "samplesRead": stats.samples,
            "peakSamples": stats.peak_samples,
        },
        **({"plan": plan_object(explained.root)} if plan and explained is not None else {}),
    }


def _per_step(explained: Explained | None, times_ms: TimesMs | None) -> dict[str, Any]:
    if explained is None or times_ms is None:
        return {}
    pairs = zip(times_ms.tolist(), explained.step_samples.tolist(), strict=True)
    return {"totalQueryableSamplesPerStep": [[time / 1000, count] for time, count in pairs]}


def plan_object(node: NodeCost) -> dict[str, Any]:
    return {
        "operation": node.what,
        "expr": node.text,
        "series": node.series,
        "rows": node.rows,
        "samples": node.samples,
        "seconds": node.seconds,
        "bytes": node.bytes,
        "children": [plan_object(child) for child in node.children],
    }


def plan_from(tree: dict[str, Any]) -> NodeCost:
    """What `plan_object` was made of."""
    return NodeCost(
        text=str(tree["expr"]),
        what=str(tree["operation"]),
        series=int(tree["series"]),
        rows=int(tree["rows"]),
        samples=int(tree["samples"]),
        seconds=float(tree["seconds"]),
        bytes=int(tree["bytes"]),
        children=tuple(map(plan_from, tree["children"])),
    )
