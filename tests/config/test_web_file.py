"""The file of --web.config.file: what it says, and what is wrong with it, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from termprom.config.web_file import WebFile, load_web_file
from termprom.errors import ConfigError

HASH = "$2b$04$Xx5DpwwDOjjfs8OAxw46w.VajYFmFWSOUgzgmGW3zJZ3X0HbLqKXi"
TLS = "tls_server_config:\n  cert_file: a.pem\n  key_file: a.key\n"


def _load(folder: Path, text: str) -> WebFile:
    path = folder / "web.yml"
    path.write_text(text, encoding="utf-8")
    return load_web_file(path)


def test_an_empty_file_asks_for_nothing(tmp_path: Path) -> None:
    assert _load(tmp_path, "") == WebFile()


def test_everything_at_once(tmp_path: Path) -> None:
    found = _load(
        tmp_path,
        TLS
        + "  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"
        + "  client_allowed_sans: [a.example]\n  min_version: TLS13\n"
        + "http_server_config:\n  http2: false\n  headers:\n    X-Frame-Options: deny\n"
        + f"basic_auth_users:\n  anna: {HASH}\nrate_limit:\n  interval: 100ms\n  burst: 5\n",
    )
    assert found.tls is not None
    # Paths are relative to the folder of the file.
    assert found.tls.cert_file == str(tmp_path / "a.pem")
    assert found.tls.client_certs == "required"
    assert (found.tls.min_version, found.tls.max_version) == ("TLS13", "TLS13")
    assert found.headers == {"X-Frame-Options": "deny"}
    assert found.users == {"anna": HASH}
    assert (found.rate_interval_ms, found.rate_burst) == (100, 5)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("oops: 1\n", "web.yml:1:1: field oops not found in type web.Config"),
        ("basic_auth_users:\n  anna: secret\n", 'the password of "anna" is no bcrypt hash'),
        (f"basic_auth_users:\n  anna: {HASH.replace('$04$', '$99$')}\n", "is no bcrypt hash"),
        ("tls_server_config:\n  cert_file: a\n", "missing one of key or key_file"),
        ("tls_server_config:\n  key_file: a\n", "missing one of cert or cert_file"),
        (TLS + "  cert: x\n", "at most one of cert and cert_file"),
        (TLS + "  client_ca_file: x\n", "without a Client Auth Policy"),
        (TLS + "  client_auth_type: Sometimes\n", "invalid ClientAuth: Sometimes"),
        (TLS + "  client_auth_type: VerifyClientCertIfGiven\n", "needs a client_ca_file"),
        (TLS + "  client_auth_type: RequireAnyClientCert\n", "not offered here"),
        (TLS + "  curve_preferences: [X25519]\n", "not offered here"),
        (TLS + "  min_version: SSL3\n", "unknown TLS version: SSL3"),
        ("http_server_config:\n  headers:\n    X-Mine: 1\n", '"X-Mine" can not be configured'),
        (
            "http_server_config:\n  headers:\n    X-Frame-Options: allow\n",
            'Expected one of: ["deny" "sameorigin"], but got: "allow"',
        ),
    ],
)
def test_a_mistake_is_one_located_error(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    assert problem in str(caught.value)
    assert "web.yml:" in str(caught.value)


def test_keys_and_hashes_do_not_show(tmp_path: Path) -> None:
    found = _load(tmp_path, "tls_server_config:\n  cert: c\n  key: private\n")
    assert "private" not in repr(found)
