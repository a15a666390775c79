"""Quantiles, fractions, means and spreads of one native histogram. Source: reference 6.11."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from enum import Enum
from typing import Final

from termprom.promql.histograms.running import kahan
from termprom.promql.histograms.value import Bucket, Histogram, ascending, descending

_PER_LN_2: Final = 1 / math.log(2)


class NanObservations(Enum):
    """What observations of NaN did to an answer."""

    RESULT_IS_NAN = "result is NaN"
    SKEWED = "result is skewed higher"
    EXCLUDED = "which are excluded from all fractions"


def quantile(histogram: Histogram, q: float) -> tuple[float, NanObservations | None]:
    """The value below which the share `q` of the observations lies."""
    if q < 0:
        return -math.inf, None
    if q > 1:
        return math.inf, None
    if histogram.count == 0 or math.isnan(q):
        return math.nan, None
    with_nan = math.isnan(histogram.sum)
    from_below = with_nan or q < 0.5
    buckets = ascending(histogram) if from_below else descending(histogram)
    rank = (q if from_below else 1 - q) * histogram.count
    reached, bucket = 0.0, Bucket(0.0, 0.0, 0.0)
    for bucket in buckets:
        reached += bucket.count
        if bucket.count != 0 and reached >= rank:
            break
    if histogram.custom:
        if math.isinf(bucket.lower) and bucket.lower < 0:
            if bucket.upper <= 0:
                return bucket.upper, None
            bucket = replace(bucket, lower=0.0)
        elif math.isinf(bucket.upper):
            return bucket.lower, None
    else:
        bucket = _without_empty_half(histogram, bucket)
    reached = min(reached, histogram.count)
    if reached < rank:
        if with_nan:
            return math.nan, NanObservations.RESULT_IS_NAN
        return bucket.upper, None
    note = None
    if from_below:
        rank -= reached - bucket.count
    else:
        rank = reached - rank
    if with_nan:
        # Upstream goes on over the same bucket here, and then interpolates in the last one.
        for bucket in buckets:
            reached += bucket.count
        if reached < histogram.count:
            note = NanObservations.SKEWED
    return _interpolated(histogram, bucket, rank), note


def _without_empty_half(histogram: Histogram, bucket: Bucket) -> Bucket:
    """A bucket around zero less the half in which nothing else is."""
    if bucket.lower < 0 < bucket.upper:
        if not histogram.negative and histogram.positive:
            return replace(bucket, lower=0.0)
        if not histogram.positive and histogram.negative:
            return replace(bucket, upper=0.0)
    return bucket


def _interpolated(histogram: Histogram, bucket: Bucket, rank: float) -> float:
    if bucket.count == 0:
        return math.nan if rank == 0 or math.isnan(rank) else math.copysign(math.inf, rank)
    share = rank / bucket.count
    lower, upper = bucket.lower, bucket.upper
    if histogram.custom or lower <= 0 <= upper:
        return lower + (upper - lower) * share
    log_lower, log_upper = _log2(abs(lower)), _log2(abs(upper))
    if lower > 0:
        return float(2.0 ** (log_lower + (log_upper - log_lower) * share))
    return -float(2.0 ** (log_upper + (log_lower - log_upper) * (1 - share)))


def fraction(histogram: Histogram, low: float, high: float) -> tuple[float, NanObservations | None]:
    """The share of observations between low and high."""
    if histogram.count == 0 or math.isnan(low) or math.isnan(high):
        return math.nan, None
    if low >= high:
        return 0.0, None
    note = None
    most = histogram.count
    if math.isnan(histogram.sum):
        most = sum(bucket.count for bucket in ascending(histogram))
        if most < histogram.count:
            note = NanObservations.EXCLUDED
    ranks = [_rank(histogram, edge) for edge in (low, high)]
    low_rank, high_rank = (most if rank is None or rank > most else rank for rank in ranks)
    return (high_rank - low_rank) / histogram.count, note


def _rank(histogram: Histogram, edge: float) -> float | None:
    """How many observations lie below `edge`; None where it is above all buckets."""
    rank = 0.0
    for bucket in ascending(histogram):
        around_zero = bucket.lower <= 0 <= bucket.upper
        if around_zero:
            if not histogram.negative and histogram.positive:
                bucket = replace(bucket, lower=0.0)
            elif not histogram.positive and histogram.negative:
                bucket = replace(bucket, upper=0.0)
        if bucket.lower >= edge:
            return rank
        if edge < bucket.upper:
            if histogram.custom or around_zero:
                if math.isinf(bucket.lower):
                    return bucket.count
                return rank + bucket.count * linear_share(bucket.lower, bucket.upper, edge)
            return rank + bucket.count * exponential_share(bucket.lower, bucket.upper, edge)
        rank += bucket.count
    return None


def linear_share(lower: float, upper: float, edge: float) -> float:
    """Which part of lower..upper is below edge."""
    return (edge - lower) / (upper - lower)


def exponential_share(lower: float, upper: float, edge: float) -> float:
    """The same on a logarithmic scale; all three on one side of zero."""
    log_lower, log_upper, log_edge = (_log2(abs(one)) for one in (lower, upper, edge))
    if edge > 0:
        return (log_edge - log_lower) / (log_upper - log_lower)
    return 1 - (log_edge - log_upper) / (log_lower - log_upper)


def _log2(value: float) -> float:
    """To the last bit as Go: exact for powers of two, else by the natural logarithm."""
    fraction, exponent = math.frexp(value)
    if fraction == 0.5:
        return exponent - 1.0
    return math.log(fraction) * _PER_LN_2 + exponent


def average(histogram: Histogram) -> float:
    return _divided(histogram.sum, histogram.count)


def variance(histogram: Histogram) -> float:
    """The population variance, every observation taken to lie in the middle of its bucket."""
    mean = average(histogram)
    total = rest = 0.0
    for bucket in _filled(histogram):
        if histogram.custom:
            middle = (bucket.upper + bucket.lower) / 2
        elif bucket.lower <= 0 <= bucket.upper:
            middle = 0.0
        else:
            middle = math.copysign(math.sqrt(bucket.upper * bucket.lower), bucket.upper)
        distance = middle - mean
        total, rest = kahan(bucket.count * distance * distance, total, rest)
    return _divided(total + rest, histogram.count)


def deviation(histogram: Histogram) -> float:
    found = variance(histogram)
    return math.sqrt(found) if found >= 0 else math.nan


def _filled(histogram: Histogram) -> Iterator[Bucket]:
    return (bucket for bucket in ascending(histogram) if bucket.count != 0)


def _divided(above: float, below: float) -> float:
    if below != 0:
        return above / below
    if above == 0 or math.isnan(above):
        return math.nan
    return math.copysign(math.inf, above) * math.copysign(1.0, below)
