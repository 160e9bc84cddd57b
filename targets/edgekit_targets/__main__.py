"""``python -m edgekit_targets``: the agent on standard input and output, or a command of the device."""

from __future__ import annotations

from edgekit_targets.main import main

if __name__ == "__main__":
    main()
