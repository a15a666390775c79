"""A kubeconfig file: the server and the credentials of its current context.

Lenient where the configuration is strict: the file belongs to other tools and has keys that mean
nothing here.
"""

from __future__ import annotations

import binascii
import os.path
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from termprom.config.schema import (
    Authorization,
    BasicAuth,
    HTTPClientConfig,
    Secret,
    TLSConfig,
)
from termprom.errors import ConfigError


def load_kubeconfig(path: Path) -> tuple[str, HTTPClientConfig]:
    """URL and client. Raises ConfigError for what cannot be read or used."""
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise ConfigError(f"unable to read kubeconfig: {problem}", str(path)) from problem
    try:
        context = _named(content, "contexts", content.get("current-context"), "context")
        cluster = _named(content, "clusters", context["cluster"], "cluster")
        user = _named(content, "users", context["user"], "user") if context.get("user") else {}
        return str(cluster["server"]).rstrip("/"), _client(cluster, user, path)
    except (KeyError, TypeError, AttributeError, binascii.Error, UnicodeDecodeError) as problem:
        raise ConfigError(f"not a kubeconfig: {problem!r}", str(path)) from problem


def _named(content: Mapping[str, Any], key: str, name: object, kind: str) -> Mapping[str, Any]:
    """An entry of a list of names. Raises KeyError where there is none."""
    for entry in content[key]:
        if entry["name"] == name:
            found: Mapping[str, Any] = entry[kind]
            return found
    raise KeyError(f"{kind} {name}")


def _client(cluster: Mapping[str, Any], user: Mapping[str, Any], path: Path) -> HTTPClientConfig:
    for key in ("exec", "auth-provider"):
        if key in user:
            raise ConfigError(f"kubeconfig users with {key} are not implemented", str(path))
    tls = TLSConfig(
        ca=_data(cluster, "certificate-authority"),
        ca_file=_file(cluster, "certificate-authority", path),
        cert=_data(user, "client-certificate"),
        cert_file=_file(user, "client-certificate", path),
        key=Secret(_data(user, "client-key")),
        key_file=_file(user, "client-key", path),
        server_name=cluster.get("tls-server-name", ""),
        insecure_skip_verify=bool(cluster.get("insecure-skip-tls-verify")),
    )
    token = Secret(user.get("token", ""))
    token_file = "" if token else _file(user, "tokenFile", path)
    basic = BasicAuth(user.get("username", ""), password=Secret(user.get("password", "")))
    return HTTPClientConfig(
        tls_config=tls,
        authorization=Authorization("Bearer", token, token_file) if token or token_file else None,
        basic_auth=basic if user.get("username") else None,
    )


def _data(values: Mapping[str, Any], key: str) -> str:
    return b64decode(values.get(f"{key}-data") or "").decode()


def _file(values: Mapping[str, Any], key: str, path: Path) -> str:
    """A path beside the kubeconfig; what is given as data as well has no file."""
    name = "" if values.get(f"{key}-data") else values.get(key, "")
    return os.path.join(path.parent, name) if name else ""
