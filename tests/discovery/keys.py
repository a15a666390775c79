"""RSA keys for tests, made by openssl on the spot; a test that wants one skips without it."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest


def openssl(*arguments: str | Path, given: bytes = b"") -> bytes:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl to make keys and to check signatures with")
    done = subprocess.run([program, *map(str, arguments)], input=given, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def private_key(folder: Path) -> Path:
    """A PKCS#8 key in a file of its own."""
    path = folder / "key.pem"
    path.write_bytes(_made())
    return path


@cache
def _made() -> bytes:
    return openssl("genrsa", "2048")


def verified(key: Path, message: bytes, signature: bytes, digest: str = "sha256") -> bool:
    """Whether openssl takes the signature for that of the key."""
    public, signed = key.with_suffix(".pub"), key.with_suffix(".sig")
    public.write_bytes(openssl("rsa", "-in", key, "-pubout"))
    signed.write_bytes(signature)
    told = openssl("dgst", f"-{digest}", "-verify", public, "-signature", signed, given=message)
    return told == b"Verified OK\n"
