"""The names of --enable-feature: which do something here, which are always on, which do nothing.

Source: reference of the command line, section 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

EFFECTIVE: Final = frozenset(
    {
        "concurrent-rule-eval",
        "created-timestamp-zero-ingestion",
        "exemplar-storage",
        "extra-scrape-metrics",
        "metadata-wal-records",
        "promql-binop-fill-modifiers",
        "promql-delayed-name-removal",
        "promql-experimental-functions",
        "promql-extended-range-selectors",
        "promql-per-step-stats",
        "search-api",
        "st-storage",
        "use-start-timestamps",
    }
)
_ALWAYS_ON: Final = {
    "native-histograms": "set scrape_native_histograms in the configuration",
    "ooo-native-histograms": "always on",
    "promql-duration-expr": "always on",
}
_WITHOUT_EFFECT: Final = frozenset(
    {
        "auto-reload-config",
        "delayed-compaction",
        "fast-startup",
        "histograms-st-encoding",
        "memory-snapshot-on-shutdown",
        "old-ui",
        "otlp-deltatocumulative",
        "otlp-native-delta-ingestion",
        "st-synthesis",
        "type-and-unit-labels",
        "use-uncached-io",
        "xor2-encoding",
    }
)


def feature_warnings(names: Iterable[str]) -> Iterator[str]:
    """What to say of names that change nothing; upstream's words for those that nobody knows."""
    for name in sorted(names):
        if name in _ALWAYS_ON:
            yield f"--enable-feature={name} changes nothing: {_ALWAYS_ON[name]}"
        elif name in _WITHOUT_EFFECT:
            yield f"--enable-feature={name} is accepted and has no effect here"
        elif name not in EFFECTIVE:
            yield f"Unknown option for --enable-feature: {name}"
