"""Transport failures in the words of the original, which runbooks and eyes are used to."""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from typing import Final

import aiohttp

_PLACE: Final = re.compile(r"\('([^']+)', (\d+)")
_NUMBER: Final = re.compile(r"\[Errno (\d+)\]")


def transport_words(problem: BaseException, host: str, port: int) -> str:
    """What went wrong with a request to `host`:`port`."""
    match problem:
        case TimeoutError():
            return "context deadline exceeded"
        case ssl.SSLCertVerificationError():
            return f"tls: failed to verify certificate: x509: {_certificate(problem)}"
        case aiohttp.ClientConnectorError() if isinstance(problem.os_error, ssl.SSLError):
            return _tls(problem.os_error)
        case aiohttp.ClientConnectorError() if hasattr(problem, "path"):
            return f"dial unix {problem.path}: connect: {_system(problem.os_error)}"
        case aiohttp.ClientConnectorError():
            return dial_words(problem.os_error, host, port)
        case aiohttp.ServerDisconnectedError():
            return "EOF"
        case aiohttp.ClientPayloadError():
            return "unexpected EOF"
        case aiohttp.ClientOSError():
            return read_words(problem, host, port)
        case aiohttp.ClientResponseError():
            reason = problem.message or "malformed HTTP response"
            return f"net/http: HTTP/1.x transport connection broken: {reason}"
        case ssl.SSLEOFError():
            return "EOF"
        case ssl.SSLError():
            return _tls(problem)
        case aiohttp.InvalidURL():
            return f'invalid URL "{problem.url}"'
        case _:
            return str(problem) or type(problem).__name__


def dial_words(problem: OSError, host: str, port: int) -> str:
    """Why there is no connection to `host`:`port`."""
    if isinstance(problem, socket.gaierror):
        return f"dial tcp: lookup {host}: no such host"
    return f"dial tcp {_address(problem, host, port)}: connect: {_system(problem)}"


def read_words(problem: OSError, host: str, port: int) -> str:
    """Why an open connection to `host`:`port` ended before its time."""
    return f"read tcp {host}:{port}: read: {_system(problem)}"


def _system(problem: OSError) -> str:
    number = problem.errno
    if number is None:
        # Of several addresses none answered; the first one's reason stands for all.
        first = _NUMBER.search(str(problem))
        if first is None:
            return str(problem)
        number = int(first[1])
    if number == errno.ECONNREFUSED:
        return "connection refused"
    return os.strerror(number).lower()


def _address(problem: OSError, host: str, port: int) -> str:
    """The address that was tried, where the failure tells."""
    found = _PLACE.search(str(problem))
    place, number = (found[1], found[2]) if found else (host, str(port))
    return (
        f"[{place}]:{number}"
        if ":" in place and not place.startswith("[")
        else place + f":{number}"
    )


def _certificate(problem: ssl.SSLCertVerificationError) -> str:
    cause = getattr(problem, "certificate_error", problem)
    text = getattr(cause, "verify_message", "") or str(cause)
    if "self-signed" in text or "unable to get local issuer" in text:
        return "certificate signed by unknown authority"
    if "has expired" in text:
        return "certificate has expired or is not yet valid"
    return text


def _tls(problem: OSError) -> str:
    reason = str(getattr(problem, "reason", "") or problem)
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return "http: server gave HTTP response to HTTPS client"
    return "remote error: tls: " + reason.lower().replace("_", " ")
