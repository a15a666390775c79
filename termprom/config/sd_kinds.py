"""Every discovery mechanism that is known by name, beside static lists, files and HTTP.

Source: reference of service discovery.
"""

from __future__ import annotations

from typing import Final

from termprom.config.sd_clouds import CLOUDS
from termprom.config.sd_fields import SDKind
from termprom.config.sd_local import LOCAL
from termprom.config.sd_orchestrators import ORCHESTRATORS
from termprom.config.sd_registries import REGISTRIES

KINDS: Final[dict[str, SDKind]] = {**CLOUDS, **ORCHESTRATORS, **REGISTRIES, **LOCAL}
