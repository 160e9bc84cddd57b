"""``verify``: is every file the one the manifest describes, and does it answer there as it did when it was made?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.profiling.measure import open_request
from edgekit.profiling.plan import subjects
from edgekit.profiling.run import choose_targets
from edgekit_targets.agent.contract import Agent
from edgekit_targets.bundle import read_manifest
from edgekit_targets.errors import EdgekitError
from edgekit_targets.progress import Progress
from edgekit_targets.types.session import SessionOptions


@dataclass(frozen=True, kw_only=True)
class Check:
    """One artifact on one target: its golden vectors run again. ``reason`` says why it did not pass."""

    artifact: str
    sha256: str
    target: str
    passed: bool
    max_abs_error: float | None
    tolerance: float | None
    reason: str | None


def verify(bundle: Path, agent: Agent, *, targets: Sequence[str], progress: Progress) -> list[Check]:
    """Check hashes, then run the golden vectors of every artifact on every target, each in a fresh process.

    Raises:
        InputError: the bundle or a target is wrong.
        CheckFailed: a file is not the one the manifest describes.
    """
    manifest = read_manifest(bundle)
    usable = choose_targets(agent.hello(), targets)
    wanted = subjects(bundle, manifest, targets=usable, threads=[1], lengths=[], settings=SessionOptions())
    checks: list[Check] = []
    for number, subject in enumerate(wanted):
        progress("verify", number, len(wanted))
        error = tolerance = reason = None
        try:
            parity = agent.open(open_request(subject.key, subject)).parity
        except EdgekitError as failure:
            parity, reason = None, str(failure)
        else:
            agent.close(subject.key)
            if parity is None:
                reason = "the bundle has no golden outputs for it; export it again"
            else:
                error, tolerance = parity.max_abs_error, parity.tolerance
                reason = None if parity.passed else "its answers are off by more than the tolerance"
        checks.append(
            Check(
                artifact=subject.artifact.id,
                sha256=subject.artifact.sha256,
                target=subject.target,
                passed=reason is None,
                max_abs_error=error,
                tolerance=tolerance,
                reason=reason,
            )
        )
    progress("verify", len(wanted), len(wanted))
    return checks
