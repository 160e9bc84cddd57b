"""What ``python3 edgekit-agent.pyz`` and ``python -m edgekit_targets`` do."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Without arguments the agent on standard input and output, else one of the device's commands."""
    _use_packages()
    if not sys.argv[1:]:
        from edgekit_targets.agent.server import main as serve

        serve()
        return
    from edgekit_targets.releases.commands import main as run

    sys.exit(run(sys.argv[1:]))


def _use_packages() -> None:
    """Use the packages that ``edgekit device setup`` put beside the agent, unless a controller named some."""
    file = Path(__file__).absolute().parents[1]
    runtimes = file.parents[1] / "runtimes"
    packages = runtimes / "default"
    if not file.is_file() or not packages.is_dir() or any(Path(one).parent == runtimes for one in sys.path):
        return
    sys.path.insert(1, str(packages))
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = f"{packages}{os.pathsep}{before}" if before else str(packages)
    os.environ.setdefault("XDG_CACHE_HOME", str(runtimes.with_name("cache")))
