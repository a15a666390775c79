"""`termprom check healthy|ready [--url=URL]`: whether a server is there, and answers queries."""

from __future__ import annotations

import argparse
import sys
import urllib.error
import urllib.request
from typing import Final

_SECONDS: Final = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", default="http://localhost:9090", metavar="URL")


def run(chosen: argparse.Namespace) -> int:
    url = chosen.url if "://" in chosen.url else f"http://{chosen.url}"
    if not url.startswith(("http://", "https://")):
        print(f"termprom check {chosen.kind}: {chosen.url!r} is no http URL", file=sys.stderr)
        return 1
    try:
        with urllib.request.urlopen(
            f"{url.rstrip('/')}/-/{chosen.kind}", timeout=_SECONDS
        ) as answer:
            text = answer.read(4096).decode("utf-8", "replace")
    except urllib.error.HTTPError as problem:
        with problem:
            print(f"check failed: URL={url}, status={problem.code}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "reason", problem)
        print(f"error requesting: {url}: {reason}", file=sys.stderr)
        return 1
    print(f"  SUCCESS:  {text}", file=sys.stderr)
    return 0
