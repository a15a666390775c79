"""Signatures with RSA keys, checked by openssl."""

from __future__ import annotations

import base64
from pathlib import Path

import orjson
import pytest

from termprom.discovery.rsa_signature import RSAKey, load_key, sign, web_token
from termprom.errors import DiscoveryError
from tests.discovery.keys import openssl, private_key, verified


@pytest.mark.parametrize("digest", ["sha256", "sha512"])
@pytest.mark.parametrize("form", ["PKCS#1", "PKCS#8"])
def test_openssl_takes_a_signature_for_that_of_the_key(
    tmp_path: Path, form: str, digest: str
) -> None:
    path = private_key(tmp_path)
    pem = path.read_text()
    if form == "PKCS#1":
        pem = openssl("rsa", "-in", path, "-traditional").decode()
    assert pem.startswith("-----BEGIN RSA" if form == "PKCS#1" else "-----BEGIN PRIVATE")
    signature = sign(load_key(pem), b"message", digest)
    assert verified(path, b"message", signature, digest)


def test_a_web_token_carries_its_claims_and_a_signature(tmp_path: Path) -> None:
    path = private_key(tmp_path)
    token = web_token(load_key(path.read_text()), {"iss": "me"}, kid="k1")
    head, claims, signature = (
        base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")
    )
    assert orjson.loads(head) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert orjson.loads(claims) == {"iss": "me"}
    assert verified(path, token.rpartition(".")[0].encode(), signature)


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        ("", "not an RSA key"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "not an RSA key"),
        ("-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----", "not an RSA key"),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n", "passphrase"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMBACAQACAgDPAgEFAgEdAgEL\n", "too short"),
    ],
)
def test_what_is_no_key_is_refused_in_one_sentence(pem: str, message: str) -> None:
    with pytest.raises(DiscoveryError, match=message):
        load_key(pem)


def test_a_key_of_another_kind_is_refused() -> None:
    pem = openssl("genpkey", "-algorithm", "ed25519").decode()
    with pytest.raises(DiscoveryError, match="not an RSA key"):
        load_key(pem)


def test_a_key_whose_numbers_do_not_belong_together_signs_nothing(tmp_path: Path) -> None:
    key = load_key(private_key(tmp_path).read_text())
    wrong = RSAKey(key.modulus, key.public_exponent, key.private_exponent - 2)
    with pytest.raises(DiscoveryError, match="does not fit together"):
        sign(wrong, b"message")
    assert "modulus" not in repr(key)
