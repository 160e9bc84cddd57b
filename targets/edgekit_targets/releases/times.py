"""Times that a user chooses, in seconds."""

from __future__ import annotations

from typing import Final

PROBE_SECONDS: Final = 60.0
"""How long the application's own command may take unless somebody says otherwise."""
SHORTEST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 7 * 86400.0
"""A confirmation may be waited for that long, and a probe."""
