"""Random expressions that know the grammar, over the metrics of `dataset`.

An expression is a tree of text and of parts with a type, so that a failing one can be made smaller
by putting simpler things of the same type in the place of its parts.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tests.promql.differential import words
from tests.promql.differential.dataset import END_MS, START_MS


class Kind(Enum):
    """The type of an expression."""

    VECTOR = "vector"
    SCALAR = "scalar"
    RANGE = "range"


@dataclass(frozen=True)
class Node:
    """An expression: text with parts in it."""

    kind: Kind
    parts: tuple[str | Node, ...]

    def __str__(self) -> str:
        return "".join(str(part) for part in self.parts)

    @property
    def size(self) -> int:
        return 1 + sum(part.size for part in self.parts if isinstance(part, Node))


SIMPLEST: Final = {
    Kind.VECTOR: ("c_total", "g", "o", "up", "h", "hg", "n", "x", "b_bucket", "vector(1)"),
    Kind.SCALAR: ("1", "0.5"),
    Kind.RANGE: ("g[5m]", "c_total[5m]", "h[5m]", "hg[5m]", "n[5m]", "x[5m]", "g[5m:1m]"),
}


def simpler(node: Node) -> Iterator[Node]:
    """Smaller expressions of the same type, the smallest first."""
    for text in SIMPLEST[node.kind]:
        if (text,) != node.parts:
            yield Node(node.kind, (text,))
    yield from (one for one in _below(node) if one.kind is node.kind)
    for place, part in enumerate(node.parts):
        if isinstance(part, Node):
            for less in simpler(part):
                yield Node(node.kind, (*node.parts[:place], less, *node.parts[place + 1 :]))
        elif part in _DROPPABLE:
            yield Node(node.kind, (*node.parts[:place], *node.parts[place + 1 :]))


def _below(node: Node) -> Iterator[Node]:
    for part in node.parts:
        if isinstance(part, Node):
            yield part
            yield from _below(part)


_DROPPABLE: Final = frozenset({" bool", *(f" offset {one}" for one in words.OFFSETS)})


class Generator:
    """Expressions from one source of chance."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def query(self) -> Node:
        """A vector, now and then a scalar or a range vector."""
        depth = self._chance.choice((1, 1, 2, 2, 2, 3, 3, 4))
        dice = self._chance.random()
        if dice < 0.04:
            return self.scalar(depth)
        if dice < 0.07:
            return self.range(depth)
        return self.vector(depth)

    # --- Vectors ------------------------------------------------------------------------------

    def vector(self, depth: int) -> Node:
        if depth <= 0:
            return self._selector()
        make = self._chance.choices(
            (
                self._selector,
                lambda: self._aggregation(depth),
                lambda: self._over_range(depth),
                lambda: self._element(depth),
                lambda: self._matched(depth),
                lambda: self._with_scalar(depth),
                lambda: self._set(depth),
                lambda: self._labels(depth),
                lambda: self._of_histogram(depth),
                lambda: self._unusual(depth),
            ),
            (4, 14, 18, 10, 12, 9, 5, 4, 12, 6),
        )[0]
        return make()

    def _selector(self) -> Node:
        name = (
            self._pick(words.FLOATS)
            if self._chance.random() < 0.75
            else self._pick(words.HISTOGRAMS)
        )
        if self._chance.random() < 0.04:
            name = self._pick(('{__name__=~"g|o"}', '{__name__=~"h|x"}', "nope", "b_bucket"))
        return Node(Kind.VECTOR, (self._with_matchers(name), *self._shifts()))

    def _with_matchers(self, name: str) -> str:
        if name.startswith("{") or self._chance.random() < 0.55:
            return name
        found = self._chance.sample(words.MATCHERS, self._chance.choice((1, 1, 2)))
        return name + "{" + ",".join(found) + "}"

    def _shifts(self) -> tuple[str, ...]:
        found = []
        if self._chance.random() < 0.1:
            found.append(f" offset {self._pick(words.OFFSETS)}")
        if self._chance.random() < 0.08:
            at = self._chance.randint(START_MS // 1000 - 100, END_MS // 1000 + 100)
            found.append(f" @ {self._pick((str(at), 'start()', 'end()', f'{at}.123'))}")
        self._chance.shuffle(found)
        return tuple(found)

    def _aggregation(self, depth: int) -> Node:
        op = self._pick(
            (
                *("sum", "sum", "avg", "count", "min", "max", "group", "stddev", "stdvar"),
                *("topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio"),
            )
        )
        inner = self.vector(depth - 1)
        arguments: tuple[str | Node, ...] = (inner,)
        match op:
            case "topk" | "bottomk" | "limitk":
                k: str | Node = str(self._chance.randint(0, 5))
                if self._chance.random() < 0.1:
                    k = self.scalar(1)
                arguments = (k, ", ", inner)
            case "quantile":
                q: str | Node = self._pick(("0.5", "0.9", "0", "1", "0.25", "1.5", "-1", "NaN"))
                if self._chance.random() < 0.1:
                    q = self.scalar(1)
                arguments = (q, ", ", inner)
            case "limit_ratio":
                arguments = (self._pick(("0.5", "-0.5", "0.3", "1", "-1", "2", "0")), ", ", inner)
            case "count_values":
                # Its labels spell every digit, and the last one of a computed value may differ.
                inner = self._selector()
                arguments = (f'"{self._pick(("v", "mode", "le"))}", ', inner)
        grouping = self._grouping()
        if grouping and self._chance.random() < 0.5:
            return Node(Kind.VECTOR, (f"{op}(", *arguments, f") {grouping}"))
        return Node(Kind.VECTOR, (f"{op} {grouping}(" if grouping else f"{op}(", *arguments, ")"))

    def _grouping(self) -> str:
        if self._chance.random() < 0.3:
            return ""
        word = self._pick(("by", "by", "without"))
        names = self._chance.sample(words.LABELS, self._chance.choice((0, 1, 1, 2)))
        if self._chance.random() < 0.03:
            names.append("__name__")
        return f"{word} ({', '.join(names)})"

    def _over_range(self, depth: int) -> Node:
        name = self._pick(
            (
                *words.OF_RANGE,
                "rate",
                "increase",
                "rate",
                "delta",
                "quantile_over_time",
                "predict_linear",
                "double_exponential_smoothing",
                "absent_over_time",
            )
        )
        window = self.range(depth - 1)
        match name:
            case "quantile_over_time":
                q = self._pick(("0.5", "0.9", "0", "1", "1.5", "-0.1", "NaN"))
                return Node(Kind.VECTOR, (f"{name}({q}, ", window, ")"))
            case "predict_linear":
                seconds = self._pick(("60", "0", "-100", "3600"))
                return Node(Kind.VECTOR, (f"{name}(", window, f", {seconds})"))
            case "double_exponential_smoothing":
                factors = self._pick(("0.5, 0.5", "0.1, 0.9", "0.3, 0.1", "0, 0.5", "0.5, 1"))
                return Node(Kind.VECTOR, (f"{name}(", window, f", {factors})"))
        return Node(Kind.VECTOR, (f"{name}(", window, ")"))

    def _element(self, depth: int) -> Node:
        inner = self.vector(depth - 1)
        name = self._pick(
            (*words.ELEMENT, "round", "clamp", "clamp_min", "clamp_max", "-", "+", "(")
        )
        match name:
            case "round":
                to = self._pick(("", "", ", 0.1", ", 5", ", 0", ", -2", ", 1m"))
                return Node(Kind.VECTOR, ("round(", inner, f"{to})"))
            case "clamp":
                return Node(
                    Kind.VECTOR,
                    ("clamp(", inner, ", ", self.scalar(depth - 2), ", ", self.scalar(0), ")"),
                )
            case "clamp_min" | "clamp_max":
                return Node(Kind.VECTOR, (f"{name}(", inner, ", ", self.scalar(depth - 2), ")"))
            case "-" | "+":
                return Node(Kind.VECTOR, (name, inner))
            case "(":
                return Node(Kind.VECTOR, ("(", inner, ")"))
        if name in ("sin", "cos", "tan"):
            # Of huge numbers they show the last digit of the argument and nothing else.
            return Node(Kind.VECTOR, (f"{name}(clamp(", inner, ", -9, 9))"))
        return Node(Kind.VECTOR, (f"{name}(", inner, ")"))

    def _matched(self, depth: int) -> Node:
        """Two vectors that mostly have something to do with each other."""
        left, right = self.vector(depth - 1), self.vector(depth - 1)
        dice = self._chance.random()
        matching = ""
        if dice < 0.35:
            # The same metric on both sides, at another time or by another function.
            right = Node(Kind.VECTOR, (*left.parts, ""))
            if self._chance.random() < 0.5:
                right = self._pick_node(
                    Node(Kind.VECTOR, ("abs(", left, ")")),
                    Node(Kind.VECTOR, ("(", left, ")")),
                    Node(Kind.VECTOR, ("(", left, self._pick((" > 0", " * 2", " < 3")), ")")),
                )
        elif dice < 0.85:
            names = self._chance.sample(("instance", "job", "mode"), self._chance.choice((1, 1, 2)))
            matching = f" {self._pick(('on', 'on', 'ignoring'))} ({', '.join(names)})"
            if self._chance.random() < 0.5:
                group = self._pick(("group_left", "group_right"))
                extra = self._pick(("", "", "side", "version", "rev, le", "rev"))
                matching += f" {group} ({extra})"
            if self._chance.random() < 0.6:
                one = self._pick(("sum", "max", "avg", "count"))
                reduced = Node(Kind.VECTOR, (f"{one} by ({', '.join(names)}) (", right, ")"))
                left, right = (reduced, left) if "group_right" in matching else (left, reduced)
        op, word = self._operator()
        return Node(Kind.VECTOR, (left, f" {op}", word, matching, " ", right))

    def _pick_node(self, *nodes: Node) -> Node:
        return self._chance.choice(nodes)

    def _operator(self) -> tuple[str, str]:
        """An operator, and its bool modifier or nothing."""
        if self._chance.random() < 0.6:
            return self._pick(words.ARITHMETIC), ""
        return self._pick(words.COMPARISONS), self._pick(("", "", " bool"))

    def _with_scalar(self, depth: int) -> Node:
        vector, scalar = self.vector(depth - 1), self.scalar(depth - 2)
        op, word = self._operator()
        if self._chance.random() < 0.6:
            return Node(Kind.VECTOR, (vector, f" {op}", word, " ", scalar))
        return Node(Kind.VECTOR, (scalar, f" {op}", word, " ", vector))

    def _set(self, depth: int) -> Node:
        op = self._pick(("and", "or", "unless"))
        matching = self._pick(("", "", " on (instance)", " ignoring (mode)", " on ()"))
        left, right = self.vector(depth - 1), self.vector(depth - 1)
        return Node(Kind.VECTOR, (left, f" {op}{matching} ", right))

    def _labels(self, depth: int) -> Node:
        inner = self.vector(depth - 1)
        dice = self._chance.random()
        if dice < 0.45:
            target = self._pick(("mode", "new", "instance", "__name__", "job"))
            shown = self._pick(("$1", "x-$1", "${1}y", "", "$2", "$$1", "fixed"))
            source = self._pick(("mode", "instance", "job", "nope", "__name__"))
            pattern = self._pick(("(.*)", "(x|y)", "a(.*)", "(?P<n>.)", "[a-c]", "x|(y)", "(.+)"))
            return Node(
                Kind.VECTOR,
                ("label_replace(", inner, f', "{target}", "{shown}", "{source}", "{pattern}")'),
            )
        if dice < 0.7:
            target = self._pick(("new", "mode", "job"))
            sources = "".join(f', "{one}"' for one in self._chance.sample(words.LABELS, 2))
            return Node(Kind.VECTOR, ("label_join(", inner, f', "{target}", "-"{sources})'))
        word = self._pick(("sort_by_label", "sort_by_label_desc"))
        sources = "".join(f', "{one}"' for one in self._chance.sample(words.LABELS, 2))
        return Node(Kind.VECTOR, (f"{word}(", inner, f"{sources})"))

    def _of_histogram(self, depth: int) -> Node:
        dice = self._chance.random()
        inner = self._histogram(depth - 1)
        if dice < 0.5:
            return Node(Kind.VECTOR, (f"{self._pick(words.OF_HISTOGRAM)}(", inner, ")"))
        if self._chance.random() < 0.5:
            inner = self._buckets(depth - 1)
        if dice < 0.8:
            q: str | Node = self._pick(("0.5", "0.9", "0.99", "0", "1", "0.1", "1.5", "-1", "NaN"))
            if self._chance.random() < 0.1:
                q = self.scalar(1)
            return Node(Kind.VECTOR, ("histogram_quantile(", q, ", ", inner, ")"))
        low, high = (
            self._pick(("0", "0.2", "-Inf", "1", "-1")),
            self._pick(("0.5", "2", "Inf", "9")),
        )
        return Node(Kind.VECTOR, (f"histogram_fraction({low}, {high}, ", inner, ")"))

    def _histogram(self, depth: int) -> Node:
        """A vector of native histograms."""
        name = self._pick(words.HISTOGRAMS)
        plain = Node(Kind.VECTOR, (self._with_matchers(name), *self._shifts()))
        if depth <= 0:
            return plain
        width = self._pick(words.WIDTHS)
        word = self._pick(
            (
                "rate",
                "increase",
                "delta",
                "sum_over_time",
                "avg_over_time",
                "irate",
                "idelta",
                "last_over_time",
            )
        )
        over = Node(Kind.VECTOR, (f"{word}(", Node(Kind.RANGE, (f"{name}[{width}]",)), ")"))
        op = self._pick(("sum", "avg"))
        return self._pick_node(
            plain,
            over,
            Node(Kind.VECTOR, (f"{op} by (job)(", over, ")")),
            Node(Kind.VECTOR, (f"{op}(", plain, ")")),
            Node(Kind.VECTOR, (plain, self._pick((" * 2", " / 4", " * -1", " + 1")))),
            Node(
                Kind.VECTOR, (plain, self._pick((" + ", " - ", " == ", " != ")), name, " offset 1m")
            ),
        )

    def _buckets(self, depth: int) -> Node:
        """A vector of classic buckets."""
        plain = Node(Kind.VECTOR, ("b_bucket", *self._shifts()))
        if depth <= 0:
            return plain
        window = Node(Kind.RANGE, (f"b_bucket[{self._pick(words.WIDTHS)}]",))
        over = Node(Kind.VECTOR, (f"{self._pick(('rate', 'increase'))}(", window, ")"))
        return self._pick_node(
            plain, over, Node(Kind.VECTOR, (f"sum by (le{self._pick(('', ', job'))})(", over, ")"))
        )

    def _unusual(self, depth: int) -> Node:
        dice = self._chance.random()
        if dice < 0.35:
            return Node(Kind.VECTOR, ("vector(", self.scalar(depth - 1), ")"))
        if dice < 0.6:
            chosen = self._pick(
                (
                    "",
                    "",
                    ", {version=~'.+'}",
                    ", {rev='r'}",
                    ', {__name__="build_info"}',
                    ', {__name__=~".+_info"}',
                )
            )
            return Node(Kind.VECTOR, ("info(", self.vector(depth - 1), f"{chosen})"))
        if dice < 0.8:
            name = self._pick(
                (
                    'nope{instance="a", job=~"j"}',
                    "nope",
                    'c_total{mode="x"}',
                    'g{nope="1"}',
                    'nope{a="1", a="2"}',
                )
            )
            return self._pick_node(
                Node(Kind.VECTOR, (f"absent({name})",)),
                Node(Kind.VECTOR, (f"absent_over_time({name}[{self._pick(words.WIDTHS)}])",)),
            )
        name = self._pick(("minute", "hour", "day_of_week", "month", "year", "days_in_month"))
        return Node(Kind.VECTOR, (f"{name}()",))

    # --- Scalars and ranges -------------------------------------------------------------------

    def scalar(self, depth: int) -> Node:
        if depth <= 0 or self._chance.random() < 0.5:
            return Node(Kind.SCALAR, (self._pick(words.NUMBERS),))
        dice = self._chance.random()
        if dice < 0.3:
            return Node(Kind.SCALAR, ("scalar(", self.vector(depth - 1), ")"))
        if dice < 0.5:
            return Node(Kind.SCALAR, (self._pick(("time()", "pi()")),))
        left, right = self.scalar(depth - 1), self.scalar(depth - 1)
        op, word = self._operator()
        word = " bool" if op in words.COMPARISONS else ""
        return Node(Kind.SCALAR, ("(", left, f" {op}", word, " ", right, ")"))

    def range(self, depth: int) -> Node:
        width = self._pick(words.WIDTHS)
        if depth <= 0 or self._chance.random() < 0.75:
            name = (
                self._pick(words.FLOATS)
                if self._chance.random() < 0.7
                else self._pick(words.HISTOGRAMS)
            )
            if self._chance.random() < 0.03:
                name = '{__name__=~"g|o"}'
            return Node(Kind.RANGE, (f"{self._with_matchers(name)}[{width}]", *self._shifts()))
        step = self._pick(("", "15s", "20s", "1m", "90s", "5m"))
        inner = self.vector(depth - 1)
        return Node(Kind.RANGE, ("(", inner, f")[{width}:{step}]", *self._shifts()))

    def _pick(self, among: tuple[str, ...]) -> str:
        return self._chance.choice(among)
