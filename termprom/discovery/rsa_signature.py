"""Signing with an RSA key, by which some clouds tell who asks: RSASSA-PKCS1-v1_5.

Keys are PEM, PKCS#1 or PKCS#8, without a passphrase. Signing is not constant in time, which is
good for what it is used for: a token once an hour, on the machine that owns the key.

Source: RFC 8017 sections 8.2 and A.1.2; RFC 5208; RFC 7519 for the tokens.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from termprom.errors import DiscoveryError

_INTEGER: Final = 0x02
_SEQUENCE: Final = 0x30
# DigestInfo before the digest itself: RFC 8017, section 9.2, note 1.
_DIGESTS: Final = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}
_JWT_ALGORITHMS: Final = {"sha256": "RS256", "sha512": "RS512"}


@dataclass(frozen=True, slots=True)
class RSAKey:
    """A private key; its repr shows the size only."""

    modulus: int = field(repr=False)
    public_exponent: int = field(repr=False)
    private_exponent: int = field(repr=False)

    @property
    def size_bytes(self) -> int:
        return (self.modulus.bit_length() + 7) // 8


def load_key(pem: str) -> RSAKey:
    """The key of a PEM document. Raises DiscoveryError."""
    if "ENCRYPTED" in pem:
        raise DiscoveryError("a private key with a passphrase is not supported")
    lines = [line.strip() for line in pem.strip().splitlines()]
    body = "".join(line for line in lines if line and not line.startswith("-----"))
    try:
        parts = _sequence(base64.b64decode(body, validate=True))
        if parts[1][0] == _SEQUENCE:  # PKCS#8: the algorithm, then the key in octets
            parts = _sequence(parts[2][1])
        numbers = [int.from_bytes(content, "big") for tag, content in parts if tag == _INTEGER]
        key = RSAKey(numbers[1], numbers[2], numbers[3])
    except (IndexError, ValueError, binascii.Error) as problem:
        raise DiscoveryError("a private key is not an RSA key in PEM") from problem
    if key.modulus.bit_length() < 1024:
        raise DiscoveryError("a private key is too short")
    return key


def sign(key: RSAKey, message: bytes, digest: str = "sha256") -> bytes:
    """The signature of `message`."""
    hashed = _DIGESTS[digest] + hashlib.new(digest, message).digest()
    padded = b"\x00\x01" + b"\xff" * (key.size_bytes - len(hashed) - 3) + b"\x00" + hashed
    number = int.from_bytes(padded, "big")
    signature = pow(number, key.private_exponent, key.modulus)
    # A key whose numbers do not belong together would give itself away by what it signs.
    if pow(signature, key.public_exponent, key.modulus) != number:
        raise DiscoveryError("a private key does not fit together")
    return signature.to_bytes(key.size_bytes, "big")


def web_token(key: RSAKey, claims: Mapping[str, Any], digest: str = "sha256", **header: str) -> str:
    """A JSON Web Token with `claims`, signed."""
    head = {"alg": _JWT_ALGORITHMS[digest], "typ": "JWT", **header}
    unsigned = f"{_url_safe(orjson.dumps(head))}.{_url_safe(orjson.dumps(claims))}"
    return f"{unsigned}.{_url_safe(sign(key, unsigned.encode(), digest))}"


def _url_safe(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _sequence(der: bytes) -> list[tuple[int, bytes]]:
    """Tags and contents of the members of one SEQUENCE. Raises ValueError, IndexError."""
    tag, content, _ = _element(der)
    if tag != _SEQUENCE:
        raise ValueError("no sequence")
    members: list[tuple[int, bytes]] = []
    while content:
        tag, member, content = _element(content)
        members.append((tag, member))
    return members


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """Tag and content of the first element, and what follows it. Raises ValueError, IndexError."""
    tag, size, start = der[0], der[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(der[2:start], "big")
    if start + size > len(der):
        raise ValueError("cut off")
    return tag, der[start : start + size], der[start + size :]
