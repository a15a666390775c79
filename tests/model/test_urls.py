"""Passwords in URLs do not show."""

from __future__ import annotations

import pytest

from termprom.model.urls import without_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://u:p@host:1/x", "http://u:xxxxx@host:1/x"),
        ("http://u:@host", "http://u:xxxxx@host"),
        ("http://:p@host", "http://:xxxxx@host"),
        ("http://host:1/a:b@c", "http://host:1/a:b@c"),
        ("http://u@host", "http://u@host"),
        (
            'Get "s+x.y://u:p:q@h": no (http://a:b@c)',
            'Get "s+x.y://u:xxxxx@h": no (http://a:xxxxx@c)',
        ),
        ("a: b@c", "a: b@c"),
        ("", ""),
    ],
)
def test_passwords(text: str, shown: str) -> None:
    assert without_passwords(text) == shown
