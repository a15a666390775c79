"""The file of the groups: what was accepted survives, whatever the file looks like."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termprom import limits
from termprom.exposition.families import MetricFamily, Sample
from termprom.model.labels import Labels
from termprom.model.metadata import Metadata, MetricType
from termprom.push.group import PushedFamily, PushGroup
from termprom.push.grouping import GroupingKey
from termprom.push.journal import Groups, Journal
from tests.push.fakes import Pushes

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=5)
KEYS = st.builds(
    lambda job, more: GroupingKey.of({**more, "job": job}),
    st.sampled_from("abc"),
    st.dictionaries(st.sampled_from(["instance", "x"]), TEXTS, max_size=1),
)
SAMPLES = st.builds(
    Sample,
    st.dictionaries(st.sampled_from(["__name__", "le", "x"]), TEXTS).map(
        lambda pairs: Labels(sorted(pairs.items()))
    ),
    st.floats(allow_nan=False) | st.sampled_from([math.inf, -math.inf, -0.0]),
)
FAMILIES = st.builds(
    PushedFamily,
    st.builds(
        MetricFamily,
        st.sampled_from("mnh"),
        st.builds(Metadata, st.sampled_from(MetricType), TEXTS),
        st.lists(SAMPLES, max_size=2).map(tuple),
    ),
    st.integers(0, 2**48),
)
GROUPS = st.builds(
    PushGroup,
    KEYS,
    st.lists(FAMILIES, max_size=2).map(lambda found: {one.family.name: one for one in found}),
    st.integers(0, 2**48),
    st.integers(0, 2**48),
)


def write_all(path: Path, changes: list[PushGroup | GroupingKey]) -> list[Groups]:
    """Write each change; the groups before and after each of them."""
    journal = Journal(path)
    groups = journal.load()
    states = [dict(groups)]
    for change in changes:
        if isinstance(change, GroupingKey):
            groups.pop(change, None)
        else:
            groups[change.key] = change
        journal.write([change], groups)
        states.append(dict(groups))
    journal.close()
    return states


def load(path: Path) -> Groups:
    journal = Journal(path)
    try:
        return journal.load()
    finally:
        journal.close()


@settings(max_examples=50, deadline=None)
@given(changes=st.lists(GROUPS | KEYS, max_size=5), data=st.data())
def test_every_prefix_of_the_file_is_a_prefix_of_what_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    changes: list[PushGroup | GroupingKey],
    data: st.DataObject,
) -> None:
    path = tmp_path_factory.mktemp("push") / "journal"
    states = write_all(path, changes)
    body = path.read_bytes()
    assert load(path) == states[-1]
    cut = data.draw(st.integers(0, len(body)), label="cut at")
    path.write_bytes(body[:cut])
    assert load(path) == states[body[:cut].count(b"\n")]


def test_after_a_torn_line_new_pushes_are_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal"
    at = Pushes(path)
    at.put("job/a", "m 1\n")
    at.put("job/b", "m 1\n")
    at.store.close()
    path.write_bytes(path.read_bytes()[:-5])
    again = Pushes(path)
    assert again.group_names() == ['{job="a"}']
    assert "could not load all persisted metrics" in caplog.text
    again.put("job/c", "m 1\n")
    again.store.close()
    assert Pushes(path).group_names() == ['{job="a"}', '{job="c"}']


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    at = Pushes(path)
    at.put("job/a", "m 1\n")
    at.store.close()
    path.write_bytes(path.read_bytes().replace(b'"1.0"', b'"9.0"'))
    assert Pushes(path).group_names() == []


def test_values_survive_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    at = Pushes(path)
    at.put("job/a", "nan NaN\ninf +Inf\nless -Inf\nzero -0\nthird 0.3333333333333333\n")
    at.put("job/broken", "m 1 5\n")
    at.store.close()
    again = Pushes(path)
    assert again.page() == at.page()
    assert again.times("job/broken") == (0, 2)


def test_superseded_lines_go_when_they_outweigh_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PUSH_JOURNAL_SLACK_BYTES", 2000)
    path = tmp_path / "journal"
    at = Pushes(path)
    at.put("job/other", "kept 1\n")
    sizes = []
    for number in range(100):
        assert at.put("job/a", f"m {number}\n") == ""
        sizes.append(path.stat().st_size)
    assert max(sizes) < 4000
    at.store.close()
    assert list(tmp_path.iterdir()) == [path]
    assert Pushes(path).lines() == ['kept{instance="",job="other"} 1', 'm{instance="",job="a"} 99']


def test_a_full_disk_refuses_the_push_and_spoils_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal"
    at = Pushes(path)
    at.put("job/a", "m 1\n")

    def full(descriptor: int, data: bytes) -> int:
        os.pwrite(descriptor, b"half a line", os.fstat(descriptor).st_size)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("termprom.push.journal.os.write", full)
        assert "No space left on device" in at.put("job/a", "m 2\n")
    assert at.lines() == ['m{instance="",job="a"} 1']
    at.put("job/b", "m 3\n")
    at.store.close()
    assert Pushes(path).page() == at.page()


PUSH_AND_DIE = """
import os, signal, sys
from pathlib import Path
from tests.push.fakes import Pushes
at = Pushes(Path(sys.argv[1]))
for number in range(3):
    assert at.put(f"job/j{number}", f"m {number}\\n") == ""
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_accepted_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    died = subprocess.run([sys.executable, "-c", PUSH_AND_DIE, str(path)], check=False)
    assert died.returncode == -signal.SIGKILL
    assert Pushes(path).lines() == [f'm{{instance="",job="j{n}"}} {n}' for n in range(3)]
