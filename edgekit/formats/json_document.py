"""The verdict as JSON: what ``--json`` prints."""

from __future__ import annotations

from edgekit_targets.records import dumps
from edgekit_targets.types.verdict import Verdict

NAME = "json"


def render(verdict: Verdict) -> str:
    """One JSON document."""
    return dumps(verdict, indent=1)
