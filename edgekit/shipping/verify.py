"""A release checked on any machine that has a runtime: signature, hashes, content, and its golden vectors run again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgekit.profiling.verify import Check
from edgekit_targets.agent.contract import Agent
from edgekit_targets.agent.protocol import Open
from edgekit_targets.errors import EdgekitError
from edgekit_targets.releases.check import check_runs, verify_release
from edgekit_targets.releases.format import GOLDEN, MANIFEST, MODEL, Release
from edgekit_targets.signing.keys import PublicKey
from edgekit_targets.signing.verify import Signer

_HANDLE = "release"


def is_release(folder: Path) -> bool:
    """Whether this is meant to be a release and no bundle."""
    return (folder / MANIFEST).exists()


def verify(folder: Path, agent: Agent, keys: Sequence[PublicKey], target: str | None) -> tuple[Release, Signer, Check]:
    """Check a release, then run its golden vectors on the agent's machine as its session says.

    Args:
        folder: the release.
        agent: on the machine.
        keys: those that may have signed it.
        target: runs it on another target than it was measured on.

    Raises:
        InputError: there is no such folder, or this machine is not one that it may run on.
        CheckFailed: it is not what was signed, or says of itself what is not so.
        MissingExtra: ``cryptography`` is not installed.
    """
    release, signer = verify_release(folder, keys)
    wanted = target or release.session.target
    welcome = agent.hello()
    versions = {one.name: one.version for one in welcome.targets}
    check_runs(
        release, architecture=welcome.device.architecture, isa=welcome.device.isa, onnxruntime=versions.get(wanted)
    )
    parity, reason = None, None
    try:
        parity = agent.open(
            Open(
                handle=_HANDLE,
                file=str((folder / MODEL).resolve()),
                sha256=release.sha256,
                target=wanted,
                inputs=release.session.shapes,
                golden=str((folder / GOLDEN).resolve()),
                tolerance=release.golden.tolerance,
                states=release.states,
                options=release.session.options,
            )
        ).parity
        agent.close(_HANDLE)
    except EdgekitError as failure:
        reason = str(failure)
    if parity is not None and not parity.passed:
        reason = "its answers are off by more than the tolerance"
    return (
        release,
        signer,
        Check(
            artifact=release.artifact,
            sha256=release.sha256,
            target=wanted,
            passed=parity is not None and parity.passed,
            max_abs_error=None if parity is None else parity.max_abs_error,
            tolerance=release.golden.tolerance,
            reason=reason,
        ),
    )
