"""The headers that a job's HTTP settings add to a request; files are read each time."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Final

from termprom.config.schema import HTTPClientConfig
from termprom.errors import ScrapeError

Headers = list[tuple[str, str]]

# Configured headers that must not follow a redirect to somebody else.
SENSITIVE: Final = frozenset(
    {
        "authorization",
        "cookie",
        "cookie2",
        "proxy-authorization",
        "www-authenticate",
        "proxy-authenticate",
    }
)


def reads_files(http: HTTPClientConfig) -> bool:
    """Whether `request_headers` has files to read, and so belongs into a thread."""
    basic, authorization = http.basic_auth, http.authorization
    return (
        bool(basic and (basic.username_file or basic.password_file))
        or bool(authorization and authorization.credentials_file)
        or any(header.files for header in http.http_headers.values())
    )


def request_headers(http: HTTPClientConfig, *, trusted: bool = True) -> Headers:
    """The headers for the target itself, or, not `trusted`, for whom it redirects to.

    Raises ScrapeError for a file that cannot be read.
    """
    headers: Headers = []
    for name, header in http.http_headers.items():
        if not trusted and name.lower() in SENSITIVE:
            continue
        headers += [(name, value) for value in header.values]
        headers += [(name, secret.reveal()) for secret in header.secrets]
        headers += [(name, _content(path, "headers file")) for path in header.files]
    if not trusted:
        return headers
    if http.basic_auth is not None:
        auth = http.basic_auth
        user = auth.username or _content(auth.username_file, "basic auth username")
        password = auth.password.reveal() or _content(auth.password_file, "basic auth password")
        token = b64encode(f"{user}:{password}".encode()).decode()
        headers.append(("Authorization", f"Basic {token}"))
    elif http.authorization is not None:
        given = http.authorization
        credentials = given.credentials.reveal() or _content(
            given.credentials_file, "authorization credentials"
        )
        headers.append(("Authorization", f"{given.type} {credentials}"))
    return headers


def _content(path: str, what: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text().strip()
    except OSError as problem:
        raise ScrapeError(
            f"unable to read {what}: unable to read file {path}: {problem.strerror}"
        ) from problem
