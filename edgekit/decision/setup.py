"""What tells two candidates of one verdict apart: the file, where it runs, how it is run, and at which pace."""

from __future__ import annotations

from typing import NamedTuple

from edgekit_targets.types.profile import Measurement
from edgekit_targets.types.session import SessionOptions, options_of
from edgekit_targets.types.verdict import Candidate, Choice


class Setup(NamedTuple):
    """Equal for a measurement, the candidate made of it and the choice made of that."""

    artifact: str
    target: str
    options: SessionOptions
    every_seconds: float | None


def setup_of(one: Candidate | Choice | Measurement) -> Setup:
    """What a record is about."""
    return Setup(one.artifact, one.target, options_of(one), one.every_seconds)
