"""Formatting and parse errors, asked of a real Prometheus at the same time."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from termprom.promql.syntax.check import type_of
from termprom.promql.syntax.parse import Features, parse
from termprom.testing.promqltest.script import Eval, parse_script
from tests.differential.side_by_side import free_port
from tests.peers import running
from tests.promql.syntax import expressions
from tests.shared_folder import shared

pytestmark = pytest.mark.peer

# Of these 3.5 knows nothing, or something else.
_NEWER = re.compile(
    r"smoothed|anchored|fill|first_over|histogram_quantiles|start_timestamp"
    r"|\b(?:range|step|max_of|min_of|start|end)\b|</|>/"
)
_WORDS = re.compile(r"\s+|[A-Za-z_:][\w:]*|\d[\w.]*|\"[^\"]*\"|.", re.DOTALL)
_PIECES = (
    "( ) { } , + - * / % ^ == != =~ !~ = < > by without on ignoring group_left bool offset and or "
    "unless sum topk count_values rate foo 5m 1 0x \"s\" 'x' `r` # ! $ \\ 1.5h 5mm 1e inf nan "
    'atan2 quantile limitk time() {a="b"} [5m] [5m:] 1_ ~ " \' é info vector'
)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("judge")
    (folder / "p.yml").write_text("global: {scrape_interval: 1h}\n")
    listen = f"127.0.0.1:{free_port()}"
    with running(
        f"http://{listen}",
        "/-/ready",
        folder / "log",
        "prometheus",
        f"--config.file={folder / 'p.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={listen}",
        "--enable-feature=promql-experimental-functions,promql-duration-expr",
    ) as url:
        yield url


def _scripts() -> list[str]:
    """Every expression of the original's scripts that 3.5 can read."""
    files = sorted(shared("conformance", "promqltest").glob("*.test"))
    commands = (command for file in files for command in parse_script(file.read_text()))
    exprs = dict.fromkeys(one.expr for one in commands if isinstance(one, Eval))
    return [one for one in exprs if not _NEWER.search(one)]


def test_the_stored_answers_are_those_of_the_judge(judge: str) -> None:
    said = {one.expr: expressions.theirs(judge, one.expr) for one in expressions.cases()}
    assert [
        (one.expr, said[one.expr])
        for one in expressions.cases()
        if said[one.expr] != (one.says if one.older is None else one.older)
    ] == []


def test_expressions_of_the_scripts_are_printed_alike(judge: str) -> None:
    exprs = _scripts()
    assert len(exprs) > 700
    # Long ones are split over lines, so each is also asked in company.
    pairs = [
        f"sum by (a) ({one}) + on(x) group_left(y) label_replace({other}, 'a', '', 'b', '')"
        for one, other in zip(exprs[::2], exprs[1::2], strict=False)
        if all("#" not in each and _is_vector(each) for each in (one, other))
    ]
    assert _differing(judge, [*exprs, *pairs]) == []


def test_broken_expressions_are_refused_alike(judge: str) -> None:
    chance = random.Random(35)
    exprs = [one for one in _scripts() if len(one) < 120 and "[" not in one]
    broken = {_broken(chance, chance.choice(exprs)) for _ in range(1500)}
    assert _differing(judge, [one for one in sorted(broken) if not _NEWER.search(one)]) == []


def _differing(judge: str, exprs: list[str]) -> list[tuple[str, str, str]]:
    answers = [(one, expressions.ours(one), expressions.theirs(judge, one)) for one in exprs]
    # In a few places 3.5 stumbles over its own types.
    return [one for one in answers if one[1] != one[2] and one[2] != "unexpected error"]


def _is_vector(expr: str) -> bool:
    return type_of(parse(expr, Features.everything())) == "vector"


def _broken(chance: random.Random, expr: str) -> str:
    words, pieces = _WORDS.findall(expr), _PIECES.split()
    for _ in range(chance.choice((1, 1, 2))):
        place = chance.randrange(len(words))
        match chance.randrange(4):
            case 0:
                words.insert(place, chance.choice(pieces))
            case 1:
                words[place] = chance.choice(pieces)
            case 2:
                words[place] = ""
            case _:
                other = chance.randrange(len(words))
                words[place], words[other] = words[other], words[place]
    return "".join(words)
