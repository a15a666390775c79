"""What random expressions are made of: names, matchers, numbers and durations."""

from __future__ import annotations

from typing import Final

from termprom.promql.syntax.ast import ValueType
from termprom.promql.syntax.functions import FUNCTIONS

# What the judge, version 3.5, does not know yet.
ABSENT_IN_PEER: Final = frozenset(
    {
        *("first_over_time", "ts_of_first_over_time", "histogram_quantiles", "start", "end"),
        *("start_timestamp", "step", "range", "min_of", "max_of"),
    }
)
FLOATS: Final = ("c_total", "c_total", "g", "g", "g", "o", "up", "b_count")
HISTOGRAMS: Final = ("h", "h", "hg", "n", "x")
LABELS: Final = ("instance", "job", "mode", "side", "le", "nope")
MATCHERS: Final = (
    *('instance="a"', 'instance!="b"', 'instance=~"a|b"', 'job="j"', 'job!~"k"', 'mode="x"'),
    *('mode=~"x|y"', 'mode!="z"', 'nope=""', 'side=~".+"', 'instance=~"[bc]"', 'job=~"j.*"'),
)
ELEMENT: Final = (
    *("abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "deg"),
    *("exp", "floor", "ln", "log10", "log2", "rad", "sgn", "sin", "sinh", "sqrt", "tan", "tanh"),
    *("timestamp", "timestamp", "minute", "hour", "day_of_week", "day_of_month", "day_of_year"),
    *("days_in_month", "month", "year", "absent", "sort", "sort_desc"),
)
OF_RANGE: Final = tuple(
    name
    for name, one in FUNCTIONS.items()
    if one.args == (ValueType.MATRIX,) and name not in ABSENT_IN_PEER
)
OF_HISTOGRAM: Final = (
    *("histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev"),
    *("histogram_stdvar", "histogram_count"),
)
ARITHMETIC: Final = ("+", "-", "*", "/", "%", "^", "atan2")
COMPARISONS: Final = ("==", "!=", ">", "<", ">=", "<=")
NUMBERS: Final = (
    *("0", "1", "2", "-1", "0.5", "3", "1e9", "0.001", "Inf", "-Inf", "NaN", "-0", "017", "0x1F"),
    *("1m", "5m", "1_000"),
)
WIDTHS: Final = ("20s", "1m", "2m", "5m", "5m", "10m", "30m", "1h", "90s", "15s")
OFFSETS: Final = ("1m", "-1m", "7s", "10m", "-30s")
