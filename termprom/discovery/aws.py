"""What the AWS mechanisms share: credentials, the region, signed requests, XML answers.

Credentials are looked for as AWS's own tools do: keys of the section, the environment, the shared
files of a profile, the role of the machine. They are kept until the service refuses them or, for
those that end, until five minutes before.
"""

from __future__ import annotations

import asyncio
import configparser
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode
from xml.etree.ElementTree import Element

import orjson

from termprom.config.schema import HTTPClientConfig, MechanismConfig
from termprom.discovery.aws_signature import Credentials, signed_headers
from termprom.discovery.client import Answer, DiscoveryClient
from termprom.discovery.interface import Surroundings
from termprom.discovery.polled import PolledDiscovery
from termprom.discovery.xml_answers import parse_xml, text
from termprom.errors import DiscoveryError

METADATA_URL: Final = "http://169.254.169.254"
_METADATA_SECONDS: Final = 5.0
_EARLY_MS: Final = 300_000
_REFUSED: Final = frozenset({"AuthFailure", "UnauthorizedOperation", "ExpiredToken"})
_NO_PARAMETERS: Final[Mapping[str, str]] = {}
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


class AWSMechanism(PolledDiscovery):
    """One account and region; `source` is the region, once it is known."""

    source = ""

    def __init__(self, config: MechanismConfig, around: Surroundings) -> None:
        """Raises ConfigError for client settings that are not implemented."""
        super().__init__(config, around)
        self._credentials: Credentials | None = None
        self._until_ms = 0

    async def region(self) -> str:
        """Raises DiscoveryError where nothing tells it."""
        if not self.source:
            self.source = (
                self.values["region"]
                or await asyncio.to_thread(_local_region, self.values["profile"])
                or await self._metadata_region()
            )
        return self.source

    async def query(
        self,
        service: str,
        version: str,
        action: str,
        parameters: Mapping[str, str] = _NO_PARAMETERS,
        *,
        own: bool = True,
    ) -> Element:
        """The answer of a service with a query API. Raises DiscoveryError. `own` says that the
        section's endpoint is that of this service.
        """
        body = urlencode({"Action": action, "Version": version, **parameters}).encode()
        return self._checked(await self._ask(service, "POST", "", _FORM, body, own=own))

    async def call(self, service: str, target: str, content: Mapping[str, Any]) -> Any:
        """The answer of a service that speaks JSON. Raises DiscoveryError."""
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
        return self._json(await self._ask(service, "POST", "", headers, orjson.dumps(content)))

    async def get(self, service: str, path: str, **parameters: str) -> Any:
        """The answer of a service with paths of its own. Raises DiscoveryError."""
        query = f"?{urlencode(parameters, quote_via=quote)}" if parameters else ""
        headers = {"Accept": "application/json"}
        return self._json(await self._ask(service, "GET", path + query, headers, b""))

    def _json(self, answer: Answer) -> Any:
        if answer.status in (400, 401, 403):
            self._credentials = None  # whatever renewed them meanwhile shall be seen
        return answer.json()

    async def _ask(
        self,
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        own: bool = True,
    ) -> Answer:
        region = await self.region()
        written = self.values["endpoint"] if own else ""
        url = (written or endpoint(service, region)).rstrip("/") + path
        keys = await self._keys()
        signed = self._signed(service, region, method, url, headers, body, keys)
        return await self.client.request(method, url, signed, body or None)

    def _signed(
        self,
        service: str,
        region: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        credentials: Credentials,
    ) -> dict[str, str]:
        return signed_headers(
            method,
            url,
            headers,
            body,
            credentials,
            region=region,
            service=service,
            now_ms=self.around.clock.now_ms(),
        )

    def _checked(self, answer: Answer) -> Element:
        root = parse_xml(answer.body)
        if answer.status == 200:
            return root
        code, message = text(root, ".//Code"), text(root, ".//Message")
        if code in _REFUSED:
            self._credentials = None  # whatever renewed them meanwhile shall be seen
        raise DiscoveryError(f"{code or answer.status_line}: {message}")

    async def _keys(self) -> Credentials:
        if self._credentials is None or self.around.clock.now_ms() >= self._until_ms:
            self._until_ms = 1 << 62
            self._credentials = await self._base_keys()
            if self.values["role_arn"]:
                self._credentials = await self._assumed(self._credentials)
        return self._credentials

    async def _base_keys(self) -> Credentials:
        access, secret = self.values["access_key"], self.values["secret_key"]
        if access and secret:
            return Credentials(access, secret.reveal())
        found = await asyncio.to_thread(_local_keys, self.values["profile"])
        return found or await self._machine_keys()

    async def _machine_keys(self) -> Credentials:
        """The keys of the role that the machine has. Raises DiscoveryError."""
        base = "/latest/meta-data/iam/security-credentials/"
        role = (await self._metadata(base)).split("\n")[0].strip()
        content = orjson.loads(await self._metadata(base + role))
        self._expires(content["Expiration"])
        return Credentials(content["AccessKeyId"], content["SecretAccessKey"], content["Token"])

    async def _assumed(self, base: Credentials) -> Credentials:
        parameters = {
            "Action": "AssumeRole",
            "Version": "2011-06-15",
            "RoleArn": self.values["role_arn"],
            "RoleSessionName": f"termprom-{self.around.clock.now_ms()}",
        }
        if self.values["external_id"]:
            parameters["ExternalId"] = self.values["external_id"]
        region = await self.region()
        url = endpoint("sts", region)
        body = urlencode(parameters).encode()
        signed = self._signed("sts", region, "POST", url, _FORM, body, base)
        root = self._checked(await self.client.request("POST", url, signed, body))
        self._expires(text(root, ".//Expiration"))
        return Credentials(
            text(root, ".//AccessKeyId"),
            text(root, ".//SecretAccessKey"),
            text(root, ".//SessionToken"),
        )

    def _expires(self, at: str) -> None:
        moment = datetime.fromisoformat(at.replace("Z", "+00:00"))
        self._until_ms = int(moment.timestamp() * 1000) - _EARLY_MS

    async def _metadata_region(self) -> str:
        try:
            return await self._metadata("/latest/meta-data/placement/region")
        except DiscoveryError as problem:
            raise DiscoveryError(f"could not determine AWS region: {problem}") from problem

    async def _metadata(self, path: str) -> str:
        """A page of the machine's own metadata service. Raises DiscoveryError."""
        # Never through the section's proxy or with its credentials.
        client = DiscoveryClient(HTTPClientConfig(), timeout_seconds=_METADATA_SECONDS)
        base = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", METADATA_URL).rstrip("/")
        async with client:
            lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
            token = await client.request("PUT", f"{base}/latest/api/token", lifetime)
            headers = {"X-aws-ec2-metadata-token": token.body.decode()}
            answer = await client.get(base + path, headers)
        if answer.status != 200:
            raise DiscoveryError(f"the metadata service returned {answer.status_line}")
        return answer.body.decode()


def endpoint(service: str, region: str) -> str:
    """Where a service is, unless the environment says otherwise, as AWS's own tools read it."""
    for variable in (f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL"):
        if os.environ.get(variable):
            return os.environ[variable].rstrip("/")
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{service}.{region}.{suffix}"


def _local_keys(profile: str) -> Credentials | None:
    """The keys of the environment, unless a profile is asked for, or of the shared file."""
    access = os.environ.get("AWS_ACCESS_KEY_ID", "")
    secret = os.environ.get("AWS_SECRET_ACCESS_KEY", "")
    if access and secret and not profile:
        return Credentials(access, secret, os.environ.get("AWS_SESSION_TOKEN", ""))
    found = _shared("AWS_SHARED_CREDENTIALS_FILE", "credentials", profile)
    if "aws_access_key_id" not in found:
        return None
    return Credentials(
        found["aws_access_key_id"],
        found.get("aws_secret_access_key", ""),
        found.get("aws_session_token", ""),
    )


def _local_region(profile: str) -> str:
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if os.environ.get(variable):
            return os.environ[variable]
    return _shared("AWS_CONFIG_FILE", "config", profile).get("region", "")


def _shared(variable: str, name: str, profile: str) -> Mapping[str, str]:
    """The section of a profile in one of the two files that AWS's tools share. Blocking."""
    path = os.environ.get(variable) or Path.home() / ".aws" / name
    profile = profile or os.environ.get("AWS_PROFILE", "") or "default"
    parser = configparser.RawConfigParser()
    try:
        parser.read(path)
    except (configparser.Error, UnicodeDecodeError) as problem:
        raise DiscoveryError(f"unable to read {path}: {problem}") from problem
    for section in (profile, f"profile {profile}"):
        if parser.has_section(section):
            return dict(parser.items(section))
    return {}
