"""A device's list of keys, changed from here: this machine's own, or that of a device behind ssh."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgekit.devices import snippets
from edgekit.devices.connect import find_address, reach
from edgekit.project.contract import OwnDevice
from edgekit_targets.errors import InputError
from edgekit_targets.releases.store import DEFAULT_ROOT
from edgekit_targets.signing.keys import PublicKey
from edgekit_targets.signing.ring import REVOKED, TRUSTED, file_of, revoke, revoked_error, trust


def trust_on(device: str, own: Mapping[str, OwnDevice], key: PublicKey) -> None:
    """Let the device take in what this key signs.

    Raises:
        InputError: no such device, it cannot be reached or written, or the key was revoked there.
        DeviceLost: it does not answer.
    """
    if find_address(device, own).host is None:
        trust(_here(), key)
        return
    with reach(device, own) as place:
        taken = place.path(*file_of(REVOKED, key))
        if place.ask(snippets.LIST, taken)["found"].get(taken) is not None:
            raise InputError(f"{device}: {revoked_error(key)}")
        place.put(key.pem, *file_of(TRUSTED, key))


def revoke_on(device: str, own: Mapping[str, OwnDevice], key: PublicKey) -> None:
    """Let the device refuse what this key signs, from now on and for good.

    Raises:
        InputError: no such device, or it cannot be reached or written.
        DeviceLost: it does not answer.
    """
    if find_address(device, own).host is None:
        revoke(_here(), key)
        return
    with reach(device, own) as place:
        place.put(key.pem, *file_of(REVOKED, key))


def _here() -> Path:
    return Path(DEFAULT_ROOT).expanduser()
