"""Paths to grouping keys: every rule of the URL grammar, and the words of every refusal."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termprom.errors import PushError
from termprom.push.grouping import GroupingKey, parse_path, path_of


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        ("/metrics/job/a", {"job": "a"}),
        ("/metrics/job/a/", {"job": "a"}),
        ("/metrics/job/a/instance/b", {"job": "a", "instance": "b"}),
        ("/metrics/job/a/x/1/x/2", {"job": "a", "x": "2"}),
        ("/metrics/job/a/job/b", {"job": "a"}),
        ("/metrics/job/a%20b/x/%C3%A9", {"job": "a b", "x": "é"}),
        ("/metrics/job/a%2Fx%2Fy", {"job": "a", "x": "y"}),
        ("/metrics/job@base64/YS9i/path@base64/L2M=", {"job": "a/b", "path": "/c"}),
        ("/metrics/job@base64/YS9i/path@base64/L2M", {"job": "a/b", "path": "/c"}),
        ("/metrics/job/a/instance@base64/=", {"job": "a", "instance": ""}),
        ("/metrics/job@base64/Pz8_Pj4-", {"job": "???>>>"}),
    ],
)
def test_paths(path: str, labels: dict[str, str]) -> None:
    assert parse_path(path) == GroupingKey.of(labels)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/metrics/job/a/b", 'odd number of components in label string "/b"'),
        ("/metrics/job/a/b/c/d", 'odd number of components in label string "/b/c/d"'),
        ("/metrics/job/a/__x/1", 'improper label name "__x"'),
        ("/metrics/job/a/1x@base64/MQ", 'improper label name "1x"'),
        ("/metrics/job/a/x-y/1", 'improper label name "x-y"'),
        ("/metrics/job@base64/=", "job name is required"),
        (
            "/metrics/job@base64/!",
            'invalid base64 encoding in job name "": illegal base64 data at input byte 0',
        ),
        (
            "/metrics/job@base64/YWJjZA!",
            'invalid base64 encoding in job name "abc": illegal base64 data at input byte 6',
        ),
        (
            "/metrics/job/a/x@base64/YW=J",
            'invalid base64 encoding for label x="YW=J": illegal base64 data at input byte 2',
        ),
    ],
)
def test_refusals(path: str, message: str) -> None:
    with pytest.raises(PushError) as caught:
        parse_path(path)
    assert (str(caught.value), caught.value.status) == (message, 400)


def test_series_of_a_key_always_have_an_instance() -> None:
    assert GroupingKey.of({"job": "a"}).series_labels() == {"job": "a", "instance": ""}
    assert GroupingKey.of({"job": "a", "instance": "b"}).series_labels()["instance"] == "b"


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True).filter(lambda name: name != "job")
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)


@settings(max_examples=50)
@given(job=TEXTS.filter(bool), labels=st.dictionaries(NAMES, TEXTS, max_size=3))
def test_every_key_has_a_path_in_base64(job: str, labels: dict[str, str]) -> None:
    path = f"/metrics/job@base64/{encoded(job)}"
    for name, value in labels.items():
        path += f"/{name}@base64/{encoded(value)}"
    assert parse_path(path) == GroupingKey.of({**labels, "job": job})


@settings(max_examples=50)
@given(job=TEXTS.filter(lambda text: text and "/" not in text))
def test_what_has_no_slash_needs_only_percent_encoding(job: str) -> None:
    assert parse_path("/metrics/job/" + quote(job)) == GroupingKey.of({"job": job})


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode() or "="


_names = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,8}", fullmatch=True).filter(lambda n: n != "job")


@given(st.dictionaries(_names, st.text(max_size=8), max_size=3), st.text(min_size=1, max_size=8))
def test_a_key_is_found_by_its_own_path(labels: dict[str, str], job: str) -> None:
    key = GroupingKey.of({**labels, "job": job})
    assert parse_path(path_of(key)) == key


@given(st.dictionaries(st.text(min_size=1, max_size=6), st.text(max_size=8), max_size=3))
def test_with_utf8_names_too(labels: dict[str, str]) -> None:
    named = {
        name: value
        for name, value in labels.items()
        if not name.startswith(("__", "U__"))  # never a label; taken for an escaped name
    }
    key = GroupingKey.of({**named, "job": "j"})
    assert parse_path(path_of(key), utf8_names=True) == key
