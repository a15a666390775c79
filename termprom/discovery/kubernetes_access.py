"""How to reach a Kubernetes API: a given server, a kubeconfig file, or from inside of a pod."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from termprom.config.kubeconfig import load_kubeconfig
from termprom.config.schema import Authorization, HTTPClientConfig, MechanismConfig, TLSConfig
from termprom.discovery.labelled import host_port
from termprom.errors import ConfigError

_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def access(config: MechanismConfig) -> tuple[str, HTTPClientConfig]:
    """URL and client. Blocking: reads files. Raises ConfigError."""
    if config.values["api_server"]:
        return config.values["api_server"].rstrip("/"), config.http or HTTPClientConfig()
    if config.values["kubeconfig_file"]:
        return load_kubeconfig(Path(config.values["kubeconfig_file"]))
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    port = os.environ.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port:
        raise ConfigError(
            "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and "
            "KUBERNETES_SERVICE_PORT must be defined"
        )
    # The token is renewed by the cluster, so the file is named, not read.
    return f"https://{host_port(host, port)}", HTTPClientConfig(
        authorization=Authorization(credentials_file=str(_ACCOUNT / "token")),
        tls_config=TLSConfig(ca_file=str(_ACCOUNT / "ca.crt")),
    )


def own_namespace() -> str:
    """The namespace of the pod that this process runs in. Raises ConfigError."""
    path = _ACCOUNT / "namespace"
    try:
        return path.read_text().strip()
    except OSError as problem:
        raise ConfigError(
            f"could not determine the pod's namespace: {problem.strerror}", str(path)
        ) from problem
