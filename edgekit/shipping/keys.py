"""A device's list of keys, changed from here by its own commands."""

from __future__ import annotations

from collections.abc import Mapping

from edgekit.devices.orders import orders
from edgekit.project.contract import OwnDevice
from edgekit_targets.signing.keys import PublicKey


def trust_on(device: str, own: Mapping[str, OwnDevice], key: PublicKey) -> None:
    """Let the device take in what this key signs.

    Raises:
        InputError: no such device, it cannot be reached or written, or the key was revoked there.
        DeviceLost: it does not answer.
    """
    with orders(device, own) as there:
        there.ask("keys", "trust", "-", given=key.pem)


def revoke_on(device: str, own: Mapping[str, OwnDevice], key: PublicKey) -> None:
    """Let the device refuse what this key signs, from now on and for good.

    Raises:
        InputError: no such device, or it cannot be reached or written.
        DeviceLost: it does not answer.
    """
    with orders(device, own) as there:
        there.ask("keys", "revoke", "-", given=key.pem)
