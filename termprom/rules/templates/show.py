"""Values as text: an action's value, and what print and %v make of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from termprom import limits
from termprom.model.histogram import BucketSpan, FloatHistogram
from termprom.rules.templates.failure import FunctionFailure
from termprom.rules.templates.numbers import shortest
from termprom.rules.templates.times import NamedInt
from termprom.rules.templates.values import (
    AlertData,
    AnyMap,
    Sample,
    SampleList,
    StringMap,
    Value,
    is_absent,
)


def show(value: Value, *, nested: bool = True) -> str:
    """%v of a value; `nested` is how print shows it, the other way is that of an action.

    Raises FunctionFailure when the text outgrows its bound: a map may hold itself twice over.
    """
    if type(value) is str:
        return value
    if not nested and is_absent(value):
        return "<no value>"
    parts: list[str] = []
    size = 0
    for part in _parts(value, pointer=nested):
        parts.append(part)
        size += len(part)
        if size > limits.TEMPLATE_TEXT_MAX:
            raise FunctionFailure("text is too long")
    return "".join(parts)


def _parts(value: Value, *, pointer: bool) -> Iterator[str]:
    match value:
        case bool():
            yield "true" if value else "false"
        case NamedInt():
            yield value.text
        case int():
            yield str(int(value))
        case float():
            yield shortest(value)
        case complex():
            yield f"({shortest(value.real)}{_signed(value.imag)}i)"
        case StringMap() | AnyMap():
            yield "map["
            for index, name in enumerate(sorted(value)):
                yield f"{' ' if index else ''}{name}:"
                yield from _parts(value[name], pointer=True)
            yield "]"
        case SampleList():
            # Pointers, as in the original; nothing that anybody would want to read.
            yield f"[{' '.join(f'{0xC000000000 + id(one) % 2**32:#x}' for one in value)}]"
        case Sample():
            yield "&{" if pointer else "{"
            yield from _parts(value.labels, pointer=True)
            yield " "
            yield from _parts(value.value, pointer=True)
            yield "}"
        case AlertData():
            yield "{"
            yield from _parts(value.labels, pointer=True)
            yield " "
            yield from _parts(value.external_labels, pointer=True)
            yield f" {value.external_url} "
            yield from _parts(value.value, pointer=True)
            yield "}"
        case FloatHistogram():
            yield show_histogram(value)
        case _ if is_absent(value):
            yield "<nil>"
        case _:
            yield str(value)


def _signed(value: float) -> str:
    text = shortest(value)
    return text if text[0] in "+-" else "+" + text


def join(values: Sequence[Value]) -> str:
    """print: a space between two neighbours neither of which is text."""
    parts: list[str] = []
    for index, value in enumerate(values):
        if index and not isinstance(value, str) and not isinstance(values[index - 1], str):
            parts.append(" ")
        parts.append(show(value))
    return "".join(parts)


def join_line(values: Sequence[Value]) -> str:
    """println: spaces everywhere, and an end of line."""
    return " ".join(map(show, values)) + "\n"


# --- Histograms -------------------------------------------------------------------------------


def show_histogram(histogram: FloatHistogram) -> str:
    """Count, sum and the buckets that are not empty, ascending."""
    bound = _bounds(histogram)
    parts = [f"count:{shortest(histogram.count)}", f"sum:{shortest(histogram.sum)}"]
    negative = list(_indexed(histogram.negative_spans, histogram.negative_buckets))
    for index, count in reversed(negative):
        lower, upper = shortest(-bound(index)), shortest(-bound(index - 1))
        parts.append(f"[{lower},{upper}):{shortest(count)}")
    if histogram.zero_count:
        edge = histogram.zero_threshold
        # 0 - edge: the threshold 0 has no minus sign.
        parts.append(f"[{shortest(0 - edge)},{shortest(edge)}]:{shortest(histogram.zero_count)}")
    for index, count in _indexed(histogram.positive_spans, histogram.positive_buckets):
        lower, upper = shortest(bound(index - 1)), shortest(bound(index))
        opening = "[" if bound(index - 1) == float("-inf") else "("
        parts.append(f"{opening}{lower},{upper}]:{shortest(count)}")
    return "{" + ", ".join(parts) + "}"


def _indexed(spans: Sequence[BucketSpan], buckets: Sequence[float]) -> Iterator[tuple[int, float]]:
    counts = iter(buckets)
    index = 0
    for span in spans:
        index += span.offset
        for _ in range(span.length):
            count = next(counts)
            if count:
                yield index, count
            index += 1


def _bounds(histogram: FloatHistogram) -> Callable[[int], float]:
    """The upper bound of bucket `index`."""
    custom = histogram.custom_values
    if histogram.schema == -53:
        edges = [float("-inf"), *custom, float("inf")]
        return lambda index: edges[min(max(index + 1, 0), len(edges) - 1)]

    def exponential(index: int) -> float:
        power = index * 2.0**-histogram.schema
        return float("inf") if power >= 1024 else 2.0**power

    return exponential
