"""What pushes do to groups, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Gauge

from termprom.errors import PushError
from termprom.model.labels import Labels
from termprom.model.metadata import Metadata, MetricType
from termprom.push.store import PushOptions
from tests.push.fakes import BEGAN_MS, Pushes

INCONSISTENT = "pushed metrics are invalid or inconsistent with existing metrics: "


def test_the_worked_examples_of_the_reference() -> None:
    """Intent: one store through the whole table, each row with what it answers and leaves."""
    at = Pushes()
    job, one = "job/some_job", "job/some_job/instance/i1"

    assert at.put(job, "some_metric 3.14\n") == ""
    assert at.lines() == ['some_metric{instance="",job="some_job"} 3.14']
    assert at.times(job) == (1, 0)

    body = '# TYPE some_metric counter\nsome_metric{label="val1"} 42\nanother 1\n'
    refusal = at.post(one, body)
    assert refusal.startswith(INCONSISTENT + 'collected metric "some_metric" { ')
    assert "} is not a " in refusal
    assert at.times(one) == (0, 2)

    assert at.post(one, 'some_metric{label="val1"} 42\nanother 1\n') == ""
    assert at.lines('some_metric{instance="i1"', "another") == [
        'another{instance="i1",job="some_job"} 1',
        'some_metric{instance="i1",job="some_job",label="val1"} 42',
    ]
    assert at.times(one) == (3, 2)
    assert at.store.view()[0].last_push_ok

    assert at.post(one, "another 2\n") == ""
    assert at.lines("another") == ['another{instance="i1",job="some_job"} 2']
    assert len(at.lines('some_metric{instance="i1"')) == 1

    assert at.put(one, "another 3\n") == ""
    assert at.lines('some_metric{instance="i1"') == []

    refusal = at.post(one, "another 4 1700000000000\n")
    assert refusal == INCONSISTENT + "pushed metrics must not have timestamps"
    assert at.lines("another") == ['another{instance="i1",job="some_job"} 3']
    assert at.times(one) == (5, 6)
    assert not at.store.view()[0].last_push_ok

    assert at.post(job, 'some_metric{instance="i1",job="x"} 1\n') == ""
    assert at.lines("some_metric") == ['some_metric{instance="i1",job="some_job"} 1']

    refusal = at.post(one, "some_metric 2\n")
    assert "was collected before with the same name and label values" in refusal

    assert at.put("job/a", "x 1") == (
        "text format parsing error in line 1: unexpected end of input stream"
    )
    assert at.group_names() == ['{instance="i1", job="some_job"}', '{job="some_job"}']

    at.delete(job)
    assert at.group_names() == ['{instance="i1", job="some_job"}']

    assert at.put("job@base64/YS9i/path@base64/L2M=", "m 1\n") == ""
    assert at.lines("m{") == ['m{instance="",job="a/b",path="/c"} 1']

    assert at.put("job/a/instance@base64/=", "m 1\n") == ""
    assert '{instance="", job="a"}' in at.group_names()


def test_an_empty_instance_collides_with_none_and_leaves_no_wreck() -> None:
    """Intent: upstream makes the second group all the same, and its next scrape fails."""
    at = Pushes()
    at.put("job/a", "m 1\n")
    before = at.page()
    refusal = at.put("job/a/instance@base64/=", "other 1\n")
    assert refusal.startswith(INCONSISTENT + "2 error(s) occurred:\n* collected metric")
    assert "push_time_seconds" in refusal
    assert at.page() == before


def test_the_page_is_exactly_what_is_scraped() -> None:
    at = Pushes()
    at.put("job/some_job", "some_metric 3.14\n")
    assert at.page() == (
        "# HELP push_failure_time_seconds "
        "Last Unix time when changing this group in the Pushgateway failed.\n"
        "# TYPE push_failure_time_seconds gauge\n"
        'push_failure_time_seconds{instance="",job="some_job"} 0\n'
        "# HELP push_time_seconds "
        "Last Unix time when changing this group in the Pushgateway succeeded.\n"
        "# TYPE push_time_seconds gauge\n"
        'push_time_seconds{instance="",job="some_job"} 1.700000001e+09\n'
        "# TYPE some_metric untyped\n"
        'some_metric{instance="",job="some_job"} 3.14\n'
    )


def test_an_empty_body_empties_on_put_and_only_renews_on_post() -> None:
    at = Pushes()
    at.put("job/a", "m 1\n")
    at.post("job/a", "")
    assert (at.lines(), at.times("job/a")) == (['m{instance="",job="a"} 1'], (2, 0))
    at.put("job/a", "")
    assert (at.lines(), at.times("job/a")) == ([], (3, 0))


def test_push_times_are_not_for_the_pusher_to_say() -> None:
    at = Pushes()
    at.put("job/a", "push_time_seconds 5\npush_failure_time_seconds 6\nm 1\n")
    assert at.lines("push_") == [
        'push_failure_time_seconds{instance="",job="a"} 0',
        'push_time_seconds{instance="",job="a"} 1.700000001e+09',
    ]


def test_series_of_several_groups_make_one_family_in_order() -> None:
    at = Pushes()
    at.put("job/b", "# HELP m of b\n# TYPE m gauge\nm 2\n")
    at.put("job/a", '# HELP m of a\n# TYPE m gauge\nm{z="1"} 1\nm 3\n')
    assert at.page().count("# TYPE m gauge") == 1
    assert "# HELP m of a\n" in at.page()
    assert at.lines() == [
        'm{instance="",job="a"} 3',
        'm{instance="",job="b"} 2',
        'm{instance="",job="a",z="1"} 1',
    ]


HISTOGRAM = (
    "# TYPE h histogram\n"
    'h_count{a="x"} 3\nh_sum{a="x"} 1.5\nh_bucket{a="x",le="+Inf"} 3\nh_bucket{a="x",le="0.5"} 2\n'
    'h_bucket{a="b",le="+Inf"} 1\nh_sum{a="b"} 9\nh_count{a="b"} 1\n'
)


def test_lines_of_a_histogram_stay_together() -> None:
    at = Pushes()
    assert at.put("job/j", HISTOGRAM) == ""
    assert at.lines() == [
        'h_bucket{a="b",instance="",job="j",le="+Inf"} 1',
        'h_sum{a="b",instance="",job="j"} 9',
        'h_count{a="b",instance="",job="j"} 1',
        'h_bucket{a="x",instance="",job="j",le="0.5"} 2',
        'h_bucket{a="x",instance="",job="j",le="+Inf"} 3',
        'h_sum{a="x",instance="",job="j"} 1.5',
        'h_count{a="x",instance="",job="j"} 3',
    ]


@pytest.mark.parametrize(
    ("stored", "body", "words"),
    [
        pytest.param("", "m 1\nm 2\n", "was collected before", id="twice in one body"),
        pytest.param("# TYPE m gauge\nm 1\n", "m 1\n", "is not a ", id="type of another group"),
        pytest.param(
            "x_count 1\n",
            "# TYPE x summary\nx_sum 1\nx_count 1\n",
            'collected histogram or summary named "x" collides with previously collected metric '
            'named "x_count"',
            id="summary over a metric",
        ),
        pytest.param(
            "# TYPE x histogram\nx_sum 1\nx_count 1\n",
            "x_bucket 1\n",
            'collected metric named "x_bucket" collides with previously collected histogram '
            'named "x"',
            id="metric under a histogram",
        ),
    ],
)
def test_conflicts(stored: str, body: str, words: str) -> None:
    at = Pushes()
    at.put("job/other", stored)
    before = at.lines()
    refusal = at.put("job/j", body)
    assert refusal.startswith(INCONSISTENT)
    assert words in refusal
    assert at.lines() == before
    assert at.times("job/j") == (0, 2)


def test_differing_help_and_labels_are_no_conflict() -> None:
    at = Pushes()
    assert at.put("job/a", '# HELP m one\nm{x="1"} 1\n') == ""
    assert at.put("job/b", "# HELP m two\nm 1\n") == ""


def test_a_metric_of_the_process_itself_keeps_its_type_and_help() -> None:
    registry = CollectorRegistry()
    Gauge("ours", "Our own words.", registry=registry).set(1)
    at = Pushes(registry=registry)
    assert at.put("job/a", "# TYPE ours counter\nours 1\n") == (
        INCONSISTENT + "gathered metric family ours has type COUNTER but should have GAUGE"
    )
    assert at.put("job/a", "# HELP ours Theirs.\n# TYPE ours gauge\nours 1\n") == ""


@pytest.mark.parametrize("body", ['{"é"} 1\n', '{"a b",x="1"} 1\n', 'm{"a b"="1"} 1\n'])
def test_names_beyond_ascii_are_refused(body: str) -> None:
    assert "invalid" in Pushes().put("job/a", body)


def test_with_utf8_names_they_are_not() -> None:
    at = Pushes(options=PushOptions(utf8_names=True))
    assert at.put("job/a/U__a_2e_b/c", '{"m.x","é"="1"} 1\n') == ""
    (group,) = at.store.groups()
    assert dict(group.key.pairs) == {"job": "a", "a.b": "c"}
    assert '{"m.x","a.b"="c",instance="",job="a","é"="1"} 1' in at.page()


def test_unchecked_pushes_show_their_contradictions_on_the_page_only() -> None:
    at = Pushes(options=PushOptions(checked=False))
    assert at.put("job/a", "# TYPE m counter\nm 1\n") == ""
    assert at.put("job/b", "# TYPE m gauge\nm 1\n") == ""
    with pytest.raises(PushError) as caught:
        at.page()
    assert "is not a COUNTER" in str(caught.value)
    assert caught.value.status == 500
    at.delete("job/b")
    assert at.lines("m{") == ['m{instance="",job="a"} 1']
    # What cannot be shown at all is not taken even so.
    assert "timestamps" in at.put("job/a", "m 2 1000\n")
    assert at.lines("m{") == ['m{instance="",job="a"} 1']


def test_wipe_forgets_everything_and_delete_only_the_exact_key() -> None:
    at = Pushes()
    for path in ("job/a", "job/a/instance/b", "job/c"):
        at.put(path, "m 1\n")
    at.delete("job/nobody")
    at.delete("job/a")
    assert at.group_names() == ['{instance="b", job="a"}', '{job="c"}']
    at.store.wipe()
    assert (at.group_names(), at.page()) == ([], "")


def test_the_view_tells_of_each_group() -> None:
    at = Pushes()
    at.put("job/a", "# HELP m Words.\n# TYPE m gauge\nm 1\nm{x='1'} 2\n".replace("'", '"'))
    (view,) = at.store.view()
    assert view.labels == Labels.of(job="a")
    assert (view.series, view.last_push_ms, view.last_push_ok) == (2, BEGAN_MS + 1000, True)
    assert view.families == {"m": Metadata(MetricType.GAUGE, "Words.")}


def test_whoever_listens_hears_of_changes_and_not_of_refusals() -> None:
    at = Pushes()
    at.put("job/a", "m 1\n")
    at.put("job/a", "m 1 5\n")
    at.delete("job/a")
    at.delete("job/a")
    assert at.heard == ['pushed: {job="a"}', 'deleted: {job="a"}']


def test_a_folder_that_cannot_be_written_leaves_a_store_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    at = Pushes(tmp_path / "file" / "pushes")
    assert "could not load persisted metrics" in caplog.text
    assert at.put("job/a", "m 1\n") == ""
