"""Random expressions, answered by our engine and by a real Prometheus on the same samples.

    TERMPROM_DIFFERENTIAL_SEEDS       how many datasets (1)
    TERMPROM_DIFFERENTIAL_QUESTIONS   how many questions to each (300)
    TERMPROM_DIFFERENTIAL_SEED        the first dataset (1)

A failure names its seed and number and shows the smallest expression that still differs.
"""

from __future__ import annotations

import os
import random
from contextlib import closing
from pathlib import Path

import pytest

from termprom.errors import ParseError
from termprom.promql.syntax.parse import Features, parse
from tests.promql.differential.campaign import Campaign, prometheus, termprom
from tests.promql.differential.comparison import differences
from tests.promql.differential.dataset import dataset
from tests.promql.differential.generator import Generator, simpler


def _setting(name: str, otherwise: int) -> int:
    return int(os.environ.get(f"TERMPROM_DIFFERENTIAL_{name}", otherwise))


_FIRST = _setting("SEED", 1)
_SEEDS = range(_FIRST, _FIRST + _setting("SEEDS", 1))


@pytest.mark.peer
@pytest.mark.parametrize("seed", _SEEDS)
def test_random_questions_are_answered_as_by_the_original(seed: int, tmp_path: Path) -> None:
    with prometheus(tmp_path) as url, closing(Campaign(url, seed)) as campaign:
        found = list(campaign.mismatches(_setting("QUESTIONS", 300)))
    assert not found, "\n" + "\n".join(map(str, found))


@pytest.mark.peer
@pytest.mark.parametrize("seed", _SEEDS)
def test_random_questions_to_the_server(seed: int, tmp_path: Path) -> None:
    """The whole way: received, stored, read back, evaluated, written as JSON."""
    with (
        prometheus(tmp_path / "prometheus") as url,
        termprom(tmp_path / "termprom") as served,
        closing(Campaign(url, seed, served)) as campaign,
    ):
        found = list(campaign.mismatches(_setting("QUESTIONS", 200), first=100_000))
    assert not found, "\n" + "\n".join(map(str, found))


def test_nearly_all_random_expressions_are_valid() -> None:
    features = Features(experimental_functions=True)
    refused = 0
    for number in range(300):
        try:
            parse(str(Generator(random.Random(number)).query()), features)
        except ParseError:
            refused += 1
    assert refused < 60


def test_simpler_expressions_are_of_the_same_type() -> None:
    query = Generator(random.Random(7)).query()
    assert all(one.kind is query.kind for one in simpler(query))


def test_a_dataset_is_what_its_seed_says() -> None:
    # As text: a NaN is not equal to itself.
    assert repr(dataset(3)) == repr(dataset(3)) != repr(dataset(4))
    for line in dataset(3):
        times = [time_ms for time_ms, _ in line.samples]
        assert times == sorted(set(times))


def _vector(*values: str) -> dict[str, object]:
    rows = [{"metric": {"n": str(n)}, "value": [1, one]} for n, one in enumerate(values)]
    return {"status": "success", "data": {"resultType": "vector", "result": rows}}


@pytest.mark.parametrize(
    ("ours", "theirs", "equal"),
    [
        ("1", "1.0000000001", True),
        ("1", "1.00000001", False),
        ("NaN", "NaN", True),
        ("NaN", "0", False),
        ("+Inf", "-Inf", False),
        ("0", "1e-300", False),
        ("1e21", "1e+21", True),
    ],
)
def test_numbers_are_compared_by_their_size(ours: str, theirs: str, equal: bool) -> None:
    found = differences(_vector(ours), _vector(theirs), ordered=True, tolerance=1e-9)
    assert (found == []) is equal


def test_order_and_missing_rows_are_differences() -> None:
    one, two = _vector("1", "2"), _vector("1")
    assert differences(one, two, ordered=False, tolerance=1e-9)
    turned = _vector("1", "2")
    turned["data"]["result"].reverse()  # type: ignore[index]
    assert differences(one, turned, ordered=True, tolerance=1e-9)
    assert not differences(one, turned, ordered=False, tolerance=1e-9)
