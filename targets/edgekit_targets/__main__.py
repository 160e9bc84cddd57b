"""``python -m edgekit_targets``: the agent on standard input and output."""

from __future__ import annotations

from edgekit_targets.agent.server import main

if __name__ == "__main__":
    main()
