"""The search endpoints: scores, order, lines, and refusals; off without their feature."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from termprom.server.search_score import (
    jaro_winkler,
    scorer,
    subsequence_score,
    substring_score,
)
from tests.server.api import Api, serving

ON = frozenset({"search-api"})


# --- Scores -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "term", "score"),
    [
        ("node_cpu", "node", 1.0),
        ("node_cpu", "cpu", (9 - 5 / 8) / 9 * 0.999),
        ("node_cpu", "ncpu", (1 + 9 - 4 / 8) / 16 * 0.999),
        ("node_cpu", "cpx", 0.0),
        ("xabab", "ab", (4 - 1 / 5 - 2 / 10) / 4 * 0.999),
        ("", "a", 0.0),
    ],
)
def test_subsequences(name: str, term: str, score: float) -> None:
    assert subsequence_score(name, term) == pytest.approx(score)


def test_substrings_and_jaro_winkler() -> None:
    assert substring_score("node_cpu", "node") == 1.0
    assert substring_score("node_cpu", "cpu") == pytest.approx(1 - 0.9 * 5 / 5)
    assert substring_score("node_cpu", "cpx") == 0.0
    # The examples of Winkler's paper.
    assert jaro_winkler("martha", "marhta") == pytest.approx(0.9611, abs=1e-4)
    assert jaro_winkler("dwayne", "duane") == pytest.approx(0.84, abs=1e-4)
    assert jaro_winkler("dixon", "dicksonx") == pytest.approx(0.8133, abs=1e-4)
    strict, loose = scorer("jarowinkler", 0.97), scorer("jarowinkler", 0.9)
    assert (strict("martha", "marhta"), loose("martha", "marhta") > 0) == (0.0, True)
    assert scorer("jarowinkler", 0.0)("martha", "marhta") == 0.0


@given(st.text("abc_", max_size=8), st.text("abc_", min_size=1, max_size=4))
def test_scores_lie_between_0_and_1(name: str, term: str) -> None:
    letters = iter(name)
    is_subsequence = all(letter in letters for letter in term)
    found = subsequence_score(name, term)
    assert 0 <= found <= 1
    if not is_subsequence:
        assert found == 0
    assert 0 <= jaro_winkler(name, term) <= 1 + 1e-9


# --- Endpoints --------------------------------------------------------------------------------


async def _lines(api: Api, path: str, **params: Any) -> list[Any]:
    status, found = await api.get(f"/api/v1/search/{path}", **params)
    assert status == 200, found
    return [orjson.loads(line) for line in found.splitlines()]


async def test_off_without_the_feature() -> None:
    async with serving() as api:
        assert await api.error("/api/v1/search/metric_names") == (
            500,
            "unavailable",
            "search API disabled",
        )


async def test_names_in_lines() -> None:
    async with serving(feature_names=ON) as api:
        assert await _lines(api, "metric_names") == [
            {"results": [{"name": "odd"}, {"name": "up"}]},
            {"status": "success", "has_more": False},
        ]
        assert await _lines(api, "metric_names", batch_size=1, limit=1) == [
            {"results": [{"name": "odd"}]},
            {"status": "success", "has_more": True},
        ]
        (found, _) = await _lines(api, "label_names", match="up")
        assert [one["name"] for one in found["results"]] == ["__name__", "instance", "job"]
        terms = {"search[]": ["b", "nowhere"], "label": "instance", "include_score": "true"}
        (found, _) = await _lines(api, "label_values", **terms)
        assert found == {"results": [{"value": "b:1", "score": 1.0}]}
        (found, _) = await _lines(api, "metric_names", **{"search[]": "nowhere"})
        assert found == {"results": []}


async def test_order_case_and_metadata() -> None:
    async with serving(feature_names=ON) as api:
        more = {"sort_by": "alpha", "sort_dir": "dsc"}
        (found, _) = await _lines(api, "label_values", label="job", **more)
        assert [one["value"] for one in found["results"]] == ["web", "api"]
        by_score = {"search[]": "b", "sort_by": "score", "include_score": 1}
        (found, _) = await _lines(api, "label_values", label="job", **by_score)
        assert [one["value"] for one in found["results"]] == ["web"]
        for sensitive, count in (("true", 0), ("false", 1)):
            wanted = {"search[]": "UP", "case_sensitive": sensitive}
            (found, _) = await _lines(api, "metric_names", **wanted)
            assert len(found["results"]) == count
        (found, _) = await _lines(api, "metric_names", include_metadata="true")
        assert all({"name"} <= set(one) for one in found["results"])


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"start": 2, "end": 1}, "end timestamp must not be before start timestamp"),
        ({"start": "x"}, "invalid time value for 'start': cannot parse \"x\" to a valid timestamp"),
        ({"search[]": ["a"] * 33}, "too many search[] terms: got 33, maximum is 32"),
        ({"fuzz_threshold": 101}, 'invalid fuzz_threshold "101": must be 0-100'),
        (
            {"fuzz_alg": "x"},
            'unsupported fuzz_alg "x": must be one of [subsequence jarowinkler]',
        ),
        ({"case_sensitive": "x"}, 'invalid case_sensitive "x": must be boolean'),
        (
            {"sort_by": "x"},
            'invalid sort_by "x" for metric_names: must be "alpha" or "score"',
        ),
        ({"sort_by": "score"}, "sort_by=score requires search[] to be set"),
        ({"sort_dir": "asc"}, "sort_dir is only valid when sort_by is set"),
        ({"sort_by": "alpha", "sort_dir": "x"}, 'invalid sort_dir "x": must be "asc" or "dsc"'),
        ({"limit": 0}, 'invalid limit "0": must be a positive integer'),
        (
            {"limit": 10_001},
            "limit 10001 exceeds the configured maximum (10000, see --web.search.max-limit)",
        ),
        ({"batch_size": "x"}, 'invalid batch_size "x": must be a positive integer'),
    ],
)
async def test_refusals(params: dict[str, Any], error: str) -> None:
    async with serving(feature_names=ON) as api:
        found = await api.error("/api/v1/search/metric_names", **params)
        assert found == (400, "bad_data", error)


async def test_label_values_need_a_label() -> None:
    async with serving(feature_names=ON) as api:
        _, _, error = await api.error("/api/v1/search/label_values")
        assert error == 'missing required parameter "label"'
