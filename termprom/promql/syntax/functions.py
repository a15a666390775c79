"""The one table of PromQL's functions: for the checker, completion and help.

Source: reference 6.0 for the signatures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from termprom.promql.syntax.ast import ValueType

_TYPES: Final = {
    "v": ValueType.VECTOR,
    "m": ValueType.MATRIX,
    "s": ValueType.SCALAR,
    "t": ValueType.STRING,
}
_LONG: Final = {
    ValueType.VECTOR: "v instant-vector",
    ValueType.MATRIX: "v range-vector",
    ValueType.SCALAR: "s scalar",
    ValueType.STRING: "string",
}


@dataclass(frozen=True, slots=True)
class Function:
    """A function: `args` are the types in order; the last one repeats where `args_max` allows."""

    name: str
    args: tuple[ValueType, ...]
    args_min: int
    args_max: int  # -1: any number
    returns: ValueType = ValueType.VECTOR
    experimental: bool = False
    help: str = ""

    @property
    def signature(self) -> str:
        """As one line for people: `rate(v range-vector) instant-vector`."""
        shown = [_LONG[kind] for kind in self.args]
        for place in range(self.args_min, len(shown)):
            shown[place] += "?"
        if self.args_max < 0:
            shown[-1] += "..."
        return f"{self.name}({', '.join(shown)}) {self.returns.long_name.replace(' ', '-')}"

    def type_at(self, place: int) -> ValueType:
        """The type of argument `place`, counted from 0."""
        return self.args[min(place, len(self.args) - 1)]


# name: (arguments, least, most, help); "v?" in the signature is a lower least count.
_ELEMENT: Final = {
    "abs": "absolute value",
    "absent": "1 if the vector has no elements",
    "acos": "arccosine",
    "acosh": "inverse hyperbolic cosine",
    "asin": "arcsine",
    "asinh": "inverse hyperbolic sine",
    "atan": "arctangent",
    "atanh": "inverse hyperbolic tangent",
    "ceil": "rounded up",
    "cos": "cosine",
    "cosh": "hyperbolic cosine",
    "deg": "radians to degrees",
    "exp": "e to the power of the value",
    "floor": "rounded down",
    "histogram_avg": "average of a native histogram",
    "histogram_count": "count of a native histogram",
    "histogram_stddev": "estimated standard deviation of a native histogram",
    "histogram_stdvar": "estimated variance of a native histogram",
    "histogram_sum": "sum of a native histogram",
    "ln": "natural logarithm",
    "log10": "decimal logarithm",
    "log2": "binary logarithm",
    "rad": "degrees to radians",
    "sgn": "sign: 1, 0 or -1",
    "sin": "sine",
    "sinh": "hyperbolic sine",
    "sort": "sorted by value, ascending",
    "sort_desc": "sorted by value, descending",
    "sqrt": "square root",
    "start_timestamp": "start timestamp of each sample, Unix seconds",
    "tan": "tangent",
    "tanh": "hyperbolic tangent",
    "timestamp": "time of each sample, Unix seconds",
}
_DATES: Final = {
    "day_of_month": "day of the month, 1 to 31, UTC",
    "day_of_week": "day of the week, 0 is Sunday, UTC",
    "day_of_year": "day of the year, 1 to 366, UTC",
    "days_in_month": "number of days in the month, UTC",
    "hour": "hour of the day, 0 to 23, UTC",
    "minute": "minute of the hour, 0 to 59, UTC",
    "month": "month of the year, 1 to 12, UTC",
    "year": "year, UTC",
}
_RANGE: Final = {
    "absent_over_time": "1 if the range has no samples",
    "avg_over_time": "average of the samples in the range",
    "changes": "how often the value changed in the range",
    "count_over_time": "number of samples in the range",
    "delta": "difference between last and first value of a gauge, extrapolated",
    "deriv": "per-second derivative of a gauge, by linear regression",
    "first_over_time": "oldest sample in the range",
    "idelta": "difference of the last two samples",
    "increase": "increase of a counter over the range, resets handled",
    "irate": "per-second rate of a counter from its last two samples",
    "last_over_time": "newest sample in the range",
    "mad_over_time": "median absolute deviation in the range",
    "max_over_time": "largest value in the range",
    "min_over_time": "smallest value in the range",
    "present_over_time": "1 for each series with samples in the range",
    "rate": "per-second average increase of a counter over the range, resets handled",
    "resets": "number of counter resets in the range",
    "stddev_over_time": "standard deviation in the range",
    "stdvar_over_time": "variance in the range",
    "sum_over_time": "sum of the samples in the range",
    "ts_of_first_over_time": "time of the oldest sample in the range",
    "ts_of_last_over_time": "time of the newest sample in the range",
    "ts_of_max_over_time": "time of the last largest sample in the range",
    "ts_of_min_over_time": "time of the last smallest sample in the range",
}
_OTHERS: Final[tuple[tuple[str, str, int, int, str, str], ...]] = (
    ("clamp", "vss", 3, 3, "v", "values limited to [min, max]"),
    ("clamp_max", "vs", 2, 2, "v", "values limited to at most max"),
    ("clamp_min", "vs", 2, 2, "v", "values limited to at least min"),
    ("double_exponential_smoothing", "mss", 3, 3, "v", "smoothed value of a gauge with a trend"),
    ("end", "", 0, 0, "s", "end of the query, Unix seconds"),
    ("histogram_fraction", "ssv", 3, 3, "v", "estimated fraction of observations between bounds"),
    ("histogram_quantile", "sv", 2, 2, "v", "quantile of histogram buckets"),
    ("histogram_quantiles", "vts", 3, 12, "v", "several quantiles of histogram buckets, labelled"),
    ("info", "vv", 1, 2, "v", "labels of matching info series added"),
    ("label_join", "vttt", 3, -1, "v", "label joined from the values of other labels"),
    ("label_replace", "vtttt", 5, 5, "v", "label made from another by a regular expression"),
    ("max_of", "ss", 2, 2, "s", "the larger of two scalars"),
    ("min_of", "ss", 2, 2, "s", "the smaller of two scalars"),
    ("pi", "", 0, 0, "s", "pi"),
    ("predict_linear", "ms", 2, 2, "v", "value of a gauge in so many seconds, by regression"),
    ("quantile_over_time", "sm", 2, 2, "v", "quantile of the samples in the range"),
    ("range", "", 0, 0, "s", "length of the query, seconds"),
    ("round", "vs", 1, 2, "v", "rounded to the nearest multiple"),
    ("scalar", "v", 1, 1, "s", "the only element's value, or NaN"),
    ("sort_by_label", "vt", 1, -1, "v", "sorted by label values, naturally"),
    ("sort_by_label_desc", "vt", 1, -1, "v", "sorted by label values, descending"),
    ("start", "", 0, 0, "s", "start of the query, Unix seconds"),
    ("step", "", 0, 0, "s", "step of the query, seconds"),
    ("time", "", 0, 0, "s", "evaluation time, Unix seconds"),
    ("vector", "s", 1, 1, "v", "scalar as a vector without labels"),
)
_EXPERIMENTAL: Final = frozenset(
    {
        "double_exponential_smoothing",
        "end",
        "histogram_quantiles",
        "info",
        "mad_over_time",
        "max_of",
        "min_of",
        "range",
        "sort_by_label",
        "sort_by_label_desc",
        "start",
        "start_timestamp",
        "step",
        "ts_of_first_over_time",
        "ts_of_last_over_time",
        "ts_of_max_over_time",
        "ts_of_min_over_time",
    }
)
EXPERIMENTAL_AGGREGATORS: Final = frozenset({"limitk", "limit_ratio"})

# Aggregators with a parameter, and its type.
AGGREGATOR_PARAMETERS: Final = {
    "topk": ValueType.SCALAR,
    "bottomk": ValueType.SCALAR,
    "quantile": ValueType.SCALAR,
    "limitk": ValueType.SCALAR,
    "limit_ratio": ValueType.SCALAR,
    "count_values": ValueType.STRING,
}


def _table() -> dict[str, Function]:
    rows = [
        *((name, "v", 1, 1, "v", text) for name, text in _ELEMENT.items()),
        *((name, "v", 0, 1, "v", text) for name, text in _DATES.items()),
        *((name, "m", 1, 1, "v", text) for name, text in _RANGE.items()),
        *_OTHERS,
    ]
    return {
        name: Function(
            name,
            tuple(_TYPES[letter] for letter in args),
            least,
            most,
            _TYPES[returns],
            name in _EXPERIMENTAL,
            text,
        )
        for name, args, least, most, returns, text in sorted(rows)
    }


FUNCTIONS: Final[dict[str, Function]] = _table()
