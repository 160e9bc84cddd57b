"""What holds for all tests."""

from __future__ import annotations

import os
import tempfile

from hypothesis import HealthCheck, settings

# No test asserts timing, and a busy machine is no failure. Under CI the examples are the same in every run, so that a
# red run can be run again; elsewhere they are new each time.
settings.register_profile(
    "edgekit",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("edgekit")

# Two runs of the tests on one machine must not keep each other out.
os.environ["EDGEKIT_LOCK"] = os.path.join(tempfile.mkdtemp(prefix="edgekit-tests-"), "lock")  # noqa: PTH118
