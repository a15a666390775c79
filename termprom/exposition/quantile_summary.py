"""A summary with quantiles, which prometheus_client has not: over what was seen in ten minutes.

Upstream estimates them from a stream; here the newest observations are kept, at most
OBSERVATIONS_MAX of each series, and looked at when somebody asks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from termprom.clock import Clock

AGE_SECONDS_MAX: Final = 600.0
OBSERVATIONS_MAX: Final = 4096


class _Series:
    __slots__ = ("count", "newest", "sum")

    def __init__(self) -> None:
        self.count = 0
        self.sum = 0.0
        self.newest: deque[tuple[float, float]] = deque(maxlen=OBSERVATIONS_MAX)


class QuantileSummary(Collector):
    """Registers itself. Observed and collected on different threads: a look takes copies."""

    def __init__(
        self,
        name: str,
        text: str,
        quantiles: Sequence[float],
        *,
        clock: Clock,
        registry: CollectorRegistry,
        label: str = "",
    ) -> None:
        """`label` names what tells series apart; without one there is one series, from now on."""
        self._name = name
        self._text = text
        self._quantiles = tuple(quantiles)
        self._clock = clock
        self._label = label
        self._series: dict[str, _Series] = {}
        if not label:
            self.begin("")
        registry.register(self)

    def __repr__(self) -> str:
        return f"QuantileSummary({self._name}, {len(self._series)} series)"

    def begin(self, value: str) -> None:
        """Make the series exist; its quantiles are NaN until something is observed."""
        self._series.setdefault(value, _Series())

    def end(self, value: str) -> None:
        self._series.pop(value, None)

    def observe(self, seconds: float, value: str = "") -> None:
        series = self._series.get(value)
        if series is not None:
            series.count += 1
            series.sum += seconds
            series.newest.append((self._clock.monotonic(), seconds))

    def describe(self) -> Iterator[Metric]:
        yield Metric(self._name, self._text, "summary")

    def collect(self) -> Iterator[Metric]:
        metric = Metric(self._name, self._text, "summary")
        oldest = self._clock.monotonic() - AGE_SECONDS_MAX
        for value, series in sorted(self._series.copy().items()):
            labels = {self._label: value} if self._label else {}
            seen = sorted(seconds for at, seconds in series.newest.copy() if at >= oldest)
            for quantile in self._quantiles:
                metric.add_sample(
                    self._name, {**labels, "quantile": f"{quantile:g}"}, _at(seen, quantile)
                )
            metric.add_sample(f"{self._name}_sum", labels, series.sum)
            metric.add_sample(f"{self._name}_count", labels, float(series.count))
        yield metric


def _at(seen: Sequence[float], quantile: float) -> float:
    """The observation at that rank; NaN where there is none."""
    if not seen:
        return float("nan")
    return seen[min(int(quantile * len(seen)), len(seen) - 1)]
