"""What holds for all tests."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
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
_LOCKS = tempfile.mkdtemp(prefix="edgekit-tests-")
atexit.register(shutil.rmtree, _LOCKS, ignore_errors=True)
os.environ["EDGEKIT_LOCK"] = str(Path(_LOCKS) / "lock")

_TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The device's tests begin, because nothing that comes after them takes as long."""
    items.sort(key=lambda item: item.path.relative_to(_TESTS).parts[0] != "pi")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Among several workers a file stays with one, since its tests share what was trained.

    Setting up an emulated device takes half a minute, so that two workers have one each and share the files between
    them, about alike in time.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            if file.startswith("tests/pi/"):
                return "pi, faults" if file.endswith(("test_faults.py", "test_ship.py")) else "pi"
            return file

    return ByFile(config, log)
