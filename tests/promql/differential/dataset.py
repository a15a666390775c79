"""Random series of every awkward kind, the same for both engines.

Targets have scrape times of their own, with jitter and missed scrapes; a target may vanish and come
back, which leaves stale markers. Values reset, repeat, and now and then are NaN, infinite or -0.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from termprom.model.histogram import BucketSpan, CounterResetHint, FloatHistogram
from termprom.model.labels import Labels
from termprom.model.values import STALE

START_MS: Final = 1_700_000_000_000
INTERVAL_MS: Final = 15_000
SCRAPES: Final = 160  # 40 minutes
END_MS: Final = START_MS + SCRAPES * INTERVAL_MS

_STALE: Final = float(STALE[0])
_ODD: Final = (float("nan"), float("inf"), float("-inf"), -0.0, 0.0, 1e-300, 1e17, 0.1)
_BOUNDS: Final = ("0.1", "0.5", "1", "1.0", "2.5", "10", "+Inf")

Sample = float | FloatHistogram


@dataclass(frozen=True)
class Line:
    """One series: ascending times with a float, a stale marker or a histogram each."""

    labels: Labels
    samples: list[tuple[int, Sample]]


def dataset(seed: int) -> list[Line]:
    """All series, sorted by labels; some may have no sample at all."""
    chance = random.Random(seed)
    lines: list[Line] = []
    bounds = chance.choice(((0.1, 1.0, 5.0), (1.0, 2.0), (-1.0, 0.0, 3.0)))
    for target in ("a", "b", "c", "d"):
        times = list(_scrape_times(chance))
        for labels, values in _series_of(target, bounds, chance):
            samples = list(_lived(times, values, chance))
            if samples:
                lines.append(Line(labels, samples))
    return sorted(lines, key=lambda line: line.labels)


def _scrape_times(chance: random.Random) -> Iterator[int]:
    shift = chance.randrange(INTERVAL_MS)
    jitter = chance.choice((0, 0, 7))
    for number in range(SCRAPES):
        if chance.random() > 0.02:
            at = START_MS + shift + number * INTERVAL_MS
            yield at + (chance.randint(-jitter, jitter) if jitter else 0)


def _lived(
    times: list[int], values: Iterator[Sample], chance: random.Random
) -> Iterator[tuple[int, Sample]]:
    """The samples of a series that may come late, end early, or be away for a while."""
    born = chance.choice((0, 0, 0, 0, chance.randrange(SCRAPES)))
    died = chance.choice((SCRAPES, SCRAPES, SCRAPES, chance.randrange(SCRAPES)))
    away = range(0)
    if chance.random() < 0.3:
        leaves = chance.randrange(SCRAPES)
        away = range(leaves, leaves + chance.choice((1, 5, 30)))
    marks = chance.random() < 0.7
    alive, histogram = False, False
    for number, (time_ms, value) in enumerate(zip(times, values, strict=False)):
        if born <= number < died and number not in away:
            alive, histogram = True, isinstance(value, FloatHistogram)
            yield time_ms, value
        elif alive:
            alive = False
            if marks:
                yield time_ms, FloatHistogram(sum=_STALE) if histogram else _STALE


def _series_of(
    target: str, bounds: tuple[float, ...], chance: random.Random
) -> Iterator[tuple[Labels, Iterator[Sample]]]:
    where = {"instance": target, "job": "j" if target < "c" else "k"}
    for mode in ("x", "y", "z"):
        yield Labels.of(where, __name__="c_total", mode=mode), _counter(chance)
        yield Labels.of(where, __name__="g", mode=mode), _gauge(chance)
    yield Labels.of(where, __name__="o", side=chance.choice("pq")), _gauge(chance)
    yield Labels.of(where, __name__="up"), _up(chance)
    version = chance.choice(("v1", "v2", "v10"))
    yield Labels.of(where, __name__="target_info", version=version), _constant(1.0)
    yield Labels.of(where, __name__="build_info", rev=chance.choice("rs")), _constant(1.0)
    yield from _classic(where, chance)
    yield Labels.of(where, __name__="h"), _native(chance, gauge=False)
    yield Labels.of(where, __name__="hg"), _native(chance, gauge=True)
    yield Labels.of(where, __name__="n"), _custom(bounds, chance)
    yield Labels.of(where, __name__="x"), _mixed(chance)


def _counter(chance: random.Random) -> Iterator[float]:
    scale = chance.choice((1, 1, 0.37, 1e9))
    whole = scale == 1
    value = chance.choice((0.0, 5.0, 1e6))
    while True:
        value += chance.choice((0, 1, 2, chance.randrange(50))) * scale
        if chance.random() < 0.03:
            value = chance.choice((0.0, 1.0, value / 2))
        yield float(round(value)) if whole else value
        if chance.random() < 0.002:
            yield float("nan")


def _gauge(chance: random.Random) -> Iterator[float]:
    kind = chance.choice(("small", "wide", "flat", "walk"))
    odd = chance.choice((0, 0, 0.02, 0.2))
    value = chance.uniform(-5, 5)
    while True:
        if chance.random() < odd:
            yield chance.choice(_ODD)
            continue
        match kind:
            case "small":
                value = float(chance.randint(-2, 3))
            case "wide":
                value = chance.uniform(-1, 1) * 10.0 ** chance.randint(-8, 12)
            case "walk":
                value += chance.gauss(0, 1)
        yield value


def _up(chance: random.Random) -> Iterator[float]:
    while True:
        yield float(chance.random() < 0.9)


def _constant(value: float) -> Iterator[float]:
    while True:
        yield value


def _classic(
    where: dict[str, str], chance: random.Random
) -> Iterator[tuple[Labels, Iterator[Sample]]]:
    """Buckets that share their observations; now and then one is not monotonic or missing."""
    rates = [chance.choice((0, 1, 3, 10)) for _ in _BOUNDS]
    seed = chance.random()
    for place, bound in enumerate(_BOUNDS):
        if chance.random() < 0.06 and bound != "+Inf":
            continue
        labels = Labels.of(where, __name__="b_bucket", le=bound)
        shift = chance.choice((0, 0, 0, 0, -2))
        yield labels, _bucket(random.Random(seed), rates, place, shift)
    yield Labels.of(where, __name__="b_count"), _bucket(random.Random(seed), rates, 99, 0)
    if chance.random() < 0.2:
        yield Labels.of(where, __name__="b_bucket", le="wide"), _counter(chance)


def _bucket(chance: random.Random, rates: list[int], place: int, shift: int) -> Iterator[float]:
    held = [0] * len(rates)
    while True:
        held = [one + chance.randint(0, rate) for one, rate in zip(held, rates, strict=True)]
        if chance.random() < 0.02:
            held = [0] * len(rates)
        yield float(max(sum(held[: place + 1]) + shift, 0))


def _native(chance: random.Random, *, gauge: bool) -> Iterator[FloatHistogram]:
    schema = chance.choice((0, 0, 1, 3, -1))
    threshold = chance.choice((0.0, 0.001, 0.001, 0.0002))
    first = chance.randint(-3, 2)
    # Never near zero: 3.5 does not know yet that a rate may not extrapolate below it.
    positive = [1e4] * chance.randint(1, 6)
    negative = [1e4] * chance.choice((0, 0, 1, 3))
    zeros, total = 0.0, 0.0
    while True:
        for side in (positive, negative):
            for place in range(len(side)):
                side[place] = max(0.0, side[place] + chance.choice((0, 0, 1, 3)))
                if gauge and chance.random() < 0.3:
                    side[place] = 1e4 + chance.randint(0, 5)
        zeros += chance.choice((0, 0, 2)) if threshold else 0
        total += chance.uniform(0, 10)
        if chance.random() < 0.04:
            lost = 0.0 if gauge else 9e3
            positive, negative = [lost] * len(positive), [lost] * len(negative)
            zeros, total = 0.0, 0.0
        if chance.random() < 0.01:
            schema = chance.choice((0, 1, 3, -1))
        yield FloatHistogram(
            schema,
            threshold,
            zeros,
            zeros + sum(positive) + sum(negative),
            total if chance.random() > 0.003 else float("nan"),
            (BucketSpan(first, len(positive)),),
            tuple(positive),
            (BucketSpan(0, len(negative)),) if negative else (),
            tuple(negative),
            (),
            CounterResetHint.GAUGE if gauge else CounterResetHint.UNKNOWN,
        )


def _custom(bounds: tuple[float, ...], chance: random.Random) -> Iterator[FloatHistogram]:
    """All of one dataset have the same bounds: 3.5 cannot bring different ones together."""
    held = [1e4] * (len(bounds) + 1)
    total = 0.0
    while True:
        held = [one + chance.choice((0, 1, 4)) for one in held]
        total += chance.uniform(0, 10)
        if chance.random() < 0.03:
            held, total = [9e3] * len(held), 0.0
        yield FloatHistogram(
            -53,
            count=sum(held),
            sum=total,
            positive_spans=(BucketSpan(0, len(held)),),
            positive_buckets=tuple(held),
            custom_values=bounds,
        )


def _mixed(chance: random.Random) -> Iterator[Sample]:
    floats, histograms = _counter(chance), _native(chance, gauge=chance.random() < 0.3)
    is_float = True
    while True:
        if chance.random() < 0.05:
            is_float = not is_float
        one, other = next(floats), next(histograms)
        yield one if is_float else other
