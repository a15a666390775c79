"""What all tests share: how hard hypothesis tries.

    HYPOTHESIS_PROFILE=deep make pytest      many more examples, for a change of a format

Examples have no deadline, because the machines are shared and noisy.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_QUIET = [HealthCheck.too_slow]
settings.register_profile(
    "quick", deadline=None, max_examples=50, print_blob=True, suppress_health_check=_QUIET
)
settings.register_profile(
    "deep", deadline=None, max_examples=2_000, print_blob=True, suppress_health_check=_QUIET
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
