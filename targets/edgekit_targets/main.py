"""What ``python3 edgekit-agent.pyz`` and ``python -m edgekit_targets`` do."""

from __future__ import annotations

import sys


def main() -> None:
    """Without arguments the agent on standard input and output, else one of the device's commands."""
    if not sys.argv[1:]:
        from edgekit_targets.agent.server import main as serve

        serve()
        return
    from edgekit_targets.releases.commands import main as run

    sys.exit(run(sys.argv[1:]))
