"""History on disk and in memory, and the colours of half-typed text."""

from __future__ import annotations

from termprom.tui.editor import history as history_module
from termprom.tui.editor.history import Entry, History


def test_the_newest_comes_first_and_repeats_count_once(tmp_path):
    path = tmp_path / "state" / "history.db"
    history = History(path)
    for at, text in enumerate(["up", "sum(up)", "up  "]):
        history.add(Entry(text, "here", at, series=at))
    assert [one.text for one in history.newest()] == ["up  ", "sum(up)"]
    history.close()
    again = History(path)
    assert [one.series for one in again.newest()] == [2, 1]
    again.close()


def test_words_are_found_in_any_order_and_servers_apart(tmp_path):
    history = History(tmp_path / "h.db")
    history.add(Entry("rate(http_requests_total[5m])", "one", 1))
    history.add(Entry("up", "two", 2, failed=True))
    assert [one.text for one in history.search("TOTAL rate")] == ["rate(http_requests_total[5m])"]
    assert [one.failed for one in history.newest(server="two")] == [True]
    assert history.search("100%") == []
    history.close()


def test_the_oldest_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(history_module, "ENTRIES_MAX", 3)
    history = History(tmp_path / "h.db")
    for at in range(5):
        history.add(Entry(f"m{at}", "s", at))
    assert [one.text for one in history.newest()] == ["m4", "m3", "m2"]
    history.close()


def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    path = tmp_path / "h.db"
    path.write_bytes(b"something else entirely" * 100)
    history = History(path)
    history.add(Entry("up", "s", 1))
    assert [one.text for one in history.newest()] == ["up"]
    history.close()
    assert path.read_bytes().startswith(b"something else")
