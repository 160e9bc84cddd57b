"""How long an answer may take before whoever waits gives up: generous, for a slow device with a cold disk."""

from __future__ import annotations

from typing import Any, Final

from edgekit_targets.agent.protocol import Close, Enforce, Evaluate, Hello, Idle, Open, Run

_SECONDS: Final[dict[type[Any], float]] = {
    Hello: 300.0,
    Open: 600.0,
    Run: 300.0,
    Evaluate: 3600.0,
    Idle: 30.0,
    Close: 30.0,
}
GRACE_SECONDS: Final = 30.0
"""What a controller waits longer than its agent, so that the agent's own message about a stuck worker gets through."""


def limit_seconds(request: Any) -> float:
    """The longest time a reply to ``request`` may take; a run's own time is added."""
    if isinstance(request, Enforce):
        return limit_seconds(request.model) + limit_seconds(request.run)
    own = 0.0
    if isinstance(request, Run):
        own = request.max_seconds + request.warmup_seconds + 2.0 * (request.every_seconds or 0.0)
    elif isinstance(request, Idle):
        own = request.seconds
    return _SECONDS[type(request)] + float(own)
