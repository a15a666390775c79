"""Where version 3.5 of the original answers otherwise than its newest, whose answers are ours.

Texts that only say the same in other words are made alike before they are compared; differences
that later versions made on purpose are passed over. Each rule gives its reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

Json = Any

# Remarks name the metric only where its name is still there; 3.5 always names it.
_NAMED: Final = re.compile(
    r'(bucket label "le" is missing or has a malformed value of ".*?"|'
    r"vector contains a mix of classic and native histograms|"
    r"input to histogram_\w+ has NaN observations, "
    r"(?:result is NaN|result is skewed higher|which are excluded from all fractions)|"
    r"fixed for monotonicity \(see [^)]*\))( for metric name \".*?\")?"
    r"(, from buckets .* over \d+ samples from \S+ to \S+Z)?"  # since 3.10
)
# How much was repaired is told since 3.10.
_DETAILS: Final = re.compile(r", from buckets .* over \d+ samples? from \S+ to \S+(?= |$)")
# Which pair is found first depends on the order of a hash map where a side was computed.
_DUPLICATES: Final = re.compile(
    r"match group \{.*\} on the (left|right) hand-side of the operation: \[.*\];"
)
_RENAMED: Final = {
    "Scalar value NaN overflows int64": "Parameter value is NaN",
    "Ratio value NaN is NaN": "Ratio value is NaN",
}
_OMITTED: Final = re.compile(r"\d+ more \w+ annotations omitted")
# Said since 3.12, since 3.7, and since 3.8.
_NEW_REMARKS: Final = (
    "PromQL warning: sort is ineffective for range queries",
    "PromQL warning: conflicting counter resets during histogram",
    "PromQL info: mismatched custom buckets were reconciled",
)
_COLLISION: Final = "conflicting counter resets during histogram "
_SUBQUERY: Final = re.compile(r"\[\w+:\w*\]")
_PLACE: Final = re.compile(r" \(\d+:\d+\)$")


def settled(text: str, answer: Json) -> Json:
    """The answer with texts that changed from version to version made alike."""
    answer = dict(answer)
    if "error" in answer:
        error = _DUPLICATES.sub(r"match group on the \1 hand-side;", answer["error"])
        answer["error"] = _RENAMED.get(error, error)
    for key in ("warnings", "infos"):
        if key in answer:
            texts = [_NAMED.sub(r"\1", _DETAILS.sub("", one)) for one in answer[key]]
            texts = [_PLACE.sub("", one) if _is_moved(text, one) else one for one in texts]
            # Which ten are shown of more is chance; how many more is not.
            texts = [one for one in texts if _OMITTED.fullmatch(one)] or texts
            answer[key] = sorted({one for one in texts if not one.startswith(_NEW_REMARKS)})
    return answer


def _is_rough(text: str, ours: Json, theirs: Json) -> bool:
    return re.search(r"%.*(predict_linear|sinh|cosh|exp)\(|(sinh|cosh|exp)\(.*%", text) is not None


def _is_moved(text: str, remark: str) -> bool:
    """Remarks on a function of a subquery stood at the start of the query until 3.14, those on NaN
    observations at the first argument; of a pinned query upstream forgets some parentheses. With
    and without a metric's name a remark is two, at two places."""
    return (
        _SUBQUERY.search(text) is not None
        or "NaN observations" in remark
        or 'bucket label "le"' in remark
        or "fixed for monotonicity" in remark
        or ("@" in text and "quantile value" in remark)
    )


def tolerance(text: str) -> float:
    """How far numbers may differ, of their size. The spread of values that are far from zero
    loses digits on any way, and each way others."""
    return 1e-6 if re.search(r"std(dev|var)", text) else 1e-9


def has_an_order(text: str, answer: Json) -> bool:
    """Whether an instant vector comes in an order that the original promises: more than twelve
    elements are sorted with equals in any order. Version 3.5 compares empty texts and numbers in
    sort_by_label() by a library that the newest one, and we, do not use."""
    if text.startswith("sort_by_label") and re.search(r"count_values|__name__", text):
        return False
    rows = answer.get("data", {}).get("result", ())
    return re.match(r"(sort|topk|bottomk)", text) is not None and len(rows) <= 12


# --- Differences that are none ----------------------------------------------------------------

_Rule = tuple[str, Callable[[str, Json, Json], bool]]


def _calls(*names: str) -> Callable[[str, Json, Json], bool]:
    pattern = re.compile(rf"\b({'|'.join(names)})\s*\(")
    return lambda text, ours, theirs: pattern.search(text) is not None


def _hints_collided(text: str, ours: Json, theirs: Json) -> bool:
    return any(_COLLISION in one for one in ours.get("warnings", ()))


def _many_rows(text: str, ours: Json, theirs: Json) -> bool:
    unfiltered = "multiple matches for labels"
    compares = re.search(r"[<>]|==|!=", text) is not None
    refused: bool = unfiltered in ours.get("error", "") and theirs["status"] == "success"
    return compares and refused


def _points(answer: Json) -> list[tuple[float, str]]:
    """All points of all rows; values to nine digits, so that sines may differ in their last."""
    rows = answer.get("data", {}).get("result", ())
    found = [point for row in rows for point in (*row.get("values", ()), row.get("value"))]
    return sorted((one[0], f"{float(one[1]):.9g}") for one in found if one is not None)


def _unused_parameter(text: str, ours: Json, theirs: Json) -> bool:
    """Later versions look at all steps of `k` before they choose, and at none where it stays
    below one; 3.5 looks at those at which there is something to choose from."""
    told = (
        "Parameter value is NaN",
        "Scalar value NaN overflows int64",
        "Scalar value +Inf overflows int64",
    )
    return {ours.get("error", ""), theirs.get("error", "")} in ({"", one} for one in told)


def _gauge_as_counter(text: str, ours: Json, theirs: Json) -> bool:
    return re.search(r"\b(rate|increase)\((.*\b(hg|x)\b|\()", text) is not None


def _nan_of_mean(text: str, ours: Json, theirs: Json) -> bool:
    remarks = (*ours.get("infos", ()), *theirs.get("infos", ()))
    return "avg" in text and any("NaN observations" in one for one in remarks)


def _ties(text: str, ours: Json, theirs: Json) -> bool:
    """Of equals those win that come first; computed rows of a range come out of a hash map."""
    if re.search(r"topk|bottomk|limitk", text) is None:
        return False
    if "count_values" in text or re.search(r"limitk.*(sort|limit_ratio|limitk|topk)", text):
        return True
    shuffled = re.search(r"histogram_(quantile|fraction)|\[\w+:", text) is not None
    if theirs.get("data", {}).get("resultType") != "matrix" and not shuffled:
        return False
    # On top it shows that only equals were taken for each other.
    return text[:4] not in ("topk", "bott") or _points(ours) == _points(theirs)


def _stats_only(text: str, ours: Json, theirs: Json) -> bool:
    custom = re.search(r"\bn\b|==|!=|irate\(.*\b(hg|x)\b", text) is not None
    return custom and re.search(r"histogram_(count|sum|avg)\(", text) is not None


_RULES: Final[tuple[_Rule, ...]] = (
    ("the first bucket of a fraction begins at 0 since 3.6", _calls("histogram_fraction")),
    ("a NaN among the samples is the answer since 3.9", _calls("mad_over_time")),
    ("an element with conflicting hints is dropped since 3.7", _hints_collided),
    ("what a filter drops counts as a match since 3.9", _many_rows),
    ("info() carried labels from element to element, and did not look at `@`", _calls("info")),
    ("rates of histograms do not extrapolate below zero since 3.6", _gauge_as_counter),
    ("the mean of histograms is compensated since 3.7", _nan_of_mean),
    ("the rows of count_values(), and of ranges, come in any order", _ties),
    ("a NaN for k is looked for in all steps at once", _unused_parameter),
    ("a remainder of large results shows their last digits alone", _is_rough),
    ("histogram_count() and the like read samples without their buckets", _stats_only),
)


def reason(text: str, ours: Json, theirs: Json) -> str:
    """Why a difference is none; empty where it is one. The answers as they came."""
    return next((why for why, applies in _RULES if applies(text, ours, theirs)), "")
