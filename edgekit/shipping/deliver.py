"""``edgekit ship --device``: a rollout is begun, or gone on with, and brought to its end."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from edgekit.devices.connect import connect, name_in_profiles
from edgekit.devices.orders import orders
from edgekit.devices.several import on_each
from edgekit.profiling.store import read_profiles
from edgekit.project.contract import OwnDevice
from edgekit.shipping.push import Push
from edgekit.shipping.rollout import AT_ONCE, Receiver, roll_out
from edgekit.shipping.state import Question, Rollout, State
from edgekit_targets.errors import InputError
from edgekit_targets.progress import Progress
from edgekit_targets.releases.format import MANIFEST, Release, parse_release, release_id
from edgekit_targets.signing.verify import hash_folder
from edgekit_targets.types.profile import Device

_RELEASES = "releases"


def unfinished(state: State, question: Question) -> Rollout | None:
    """The rollout that the same question began and that no process has brought to its end."""
    return next((one for one in state.unfinished() if one.question == question and Path(one.folder).is_dir()), None)


def begin(state: State, question: Question, folder: Path, compose: Callable[[Path], Release]) -> Rollout:
    """Have the release made, below ``folder``, where it is kept until the rollout has ended; nothing is sent yet.

    Raises:
        InputError: as ``compose``, or the folder or the state cannot be written.
    """
    out = folder / _RELEASES / secrets.token_hex(8)
    try:
        compose(out)
        return state.begin(question, _identity(out), out)
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise


def abandon(state: State, rollout: Rollout) -> None:
    """Leave a rollout as it stands: nobody will go on with it.

    Raises:
        InputError: another process is at work on it.
    """
    with state.hold(rollout.number):
        state.end(rollout.number, "failed")
    shutil.rmtree(rollout.folder, ignore_errors=True)


def deliver(state: State, rollout: Rollout, own: Mapping[str, OwnDevice], progress: Progress) -> Rollout:
    """Bring a rollout to its end, wave after wave; gives how it stands then.

    Raises:
        InputError: another process is at work on it, the state cannot be written, or the release that was kept is no
            longer the one that the rollout began with.
        CheckFailed: it is no longer whole.
    """
    question, kept = rollout.question, Path(rollout.folder)
    if _identity(kept) != rollout.release:
        raise InputError(
            f"{kept} no longer holds release {rollout.release}, or was made by an edgekit that named releases "
            "otherwise; begin anew with --fresh"
        )

    @contextmanager
    def reach(device: str) -> Iterator[Receiver]:
        with orders(device, own) as there:
            yield Push(
                there,
                kept,
                rollout.release,
                question.model,
                confirm_seconds=question.confirm_seconds,
                probe=question.probe,
                probe_seconds=question.probe_seconds,
                force_older=question.force,
            )

    ended = roll_out(state, rollout.number, reach, progress)
    if ended.status in ("done", "failed"):
        shutil.rmtree(rollout.folder, ignore_errors=True)
    return ended


def _identity(folder: Path) -> str:
    digests = hash_folder(folder)
    release = parse_release((folder / MANIFEST).read_bytes(), str(folder / MANIFEST))
    return release_id(release.counter, digests)


def describe_unmeasured(
    bundle: Path, devices: Sequence[str], own: Mapping[str, OwnDevice], progress: Progress
) -> dict[str, Device]:
    """What those devices say of themselves that were not measured under their own names: their kind may have been.

    Raises:
        EdgekitError: one that cannot be reached; nothing was sent to any.
    """
    measured = {profile.device.name for _, profile in read_profiles(bundle)}
    asked = [device for device in devices if name_in_profiles(device, own) not in measured]
    if not asked or not measured:
        return {}

    def work(device: str, progress: Progress) -> Device:
        progress("ask what it is", 0, 1)
        with connect(device, own) as agent:
            found = agent.hello().device
        progress("ask what it is", 1, 1)
        return found

    outcomes = on_each(asked, work, progress, at_once=AT_ONCE)
    for one in outcomes:
        if one.error is not None:
            raise one.error
    return {one.device: one.result for one in outcomes if one.result is not None}
