from __future__ import annotations

import pytest

from termprom.errors import EvaluationError
from termprom.model.labels import EMPTY, Labels
from termprom.rules.recording import recorded_samples
from termprom.rules.vector import Element


def element(value: float = 1.0, **labels: str) -> Element:
    return Element(Labels.of(labels), value)


def test_the_name_is_replaced_and_rule_labels_win() -> None:
    found = [element(3.5, __name__="raw", job="a", env="dev", zone="z")]
    labels = Labels([("env", "prod"), ("zone", "")])
    assert recorded_samples("job:raw", labels, found, limit=0) == {
        Labels.of(__name__="job:raw", env="prod", job="a"): 3.5
    }


def test_two_elements_must_not_become_one_series() -> None:
    found = [element(__name__="a", job="x"), element(__name__="b", job="x")]
    with pytest.raises(EvaluationError, match="same labelset after applying rule labels"):
        recorded_samples("r", EMPTY, found, limit=0)


@pytest.mark.parametrize(("limit", "refused"), [(0, False), (-1, False), (2, False), (1, True)])
def test_the_limit(limit: int, refused: bool) -> None:
    found = [element(job="x"), element(job="y")]
    if refused:
        with pytest.raises(EvaluationError, match="exceeded limit of 1 with 2 series"):
            recorded_samples("r", EMPTY, found, limit=limit)
    else:
        assert len(recorded_samples("r", EMPTY, found, limit=limit)) == 2


def test_native_histograms_are_refused_by_name() -> None:
    with pytest.raises(EvaluationError, match="native histogram"):
        recorded_samples("r", EMPTY, [Element(EMPTY, 0.0, histogram=True)], limit=0)
