"""promtool talks to termprom as it does to Prometheus."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.differential.side_by_side import PAGE, Pair, side_by_side
from tests.peers import peer

pytestmark = [pytest.mark.peer, pytest.mark.slow]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with side_by_side(tmp_path_factory.mktemp("pair")) as found:
        yield found


def promtool(*arguments: str, text: str | None = None) -> tuple[int, str]:
    found = subprocess.run(
        [peer("promtool"), *arguments], input=text, capture_output=True, text=True, timeout=60
    )
    return found.returncode, found.stdout + found.stderr


NOW = str(int(time.time()) + 5)


@pytest.mark.parametrize(
    "arguments",
    [
        ("query", "instant", "--time", NOW, "URL", "sort(load)"),
        ("query", "instant", "--time", NOW, "URL", "1 + 1"),
        ("query", "instant", "--time", NOW, "URL", "nope("),
        ("query", "range", "--start", NOW, "--end", NOW, "--step", "1s", "URL", "sum(load)"),
        ("query", "series", "--match", "load", "URL"),
        ("query", "labels", "URL", "job"),
        ("query", "labels", "--match", "load", "URL", "__name__"),
        ("check", "healthy", "--url", "URL"),
        ("check", "ready", "--url", "URL"),
    ],
)
def test_the_same_answers(pair: Pair, arguments: tuple[str, ...]) -> None:
    found = [
        promtool(*(url if one == "URL" else one for one in arguments))
        for url in (pair.prometheus, pair.termprom)
    ]
    answers = [
        (status, text.replace(url, "URL"))
        for (status, text), url in zip(found, (pair.prometheus, pair.termprom), strict=True)
    ]
    assert answers[1] == answers[0]


def test_what_is_pushed_is_there(pair: Pair) -> None:
    page = PAGE.replace("load", "pushed_load")
    for url in (pair.prometheus, pair.termprom):
        status, text = promtool(
            "push", "metrics", f"{url}/api/v1/write", "--label", "job=pushed", text=page
        )
        assert status == 0, text
    answers = [
        promtool("query", "instant", url, "sum(pushed_load) + count(lat_bucket{job='pushed'})")[1]
        for url in (pair.prometheus, pair.termprom)
    ]
    assert [one.split(" => ")[1].split(" ")[0] for one in answers] == ["7", "7"]
