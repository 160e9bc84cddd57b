"""From the argument of ``--device`` to an agent on that machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from edgekit.devices.address import LOCAL, SSH, Address, parse_address
from edgekit.devices.openssh import Connection
from edgekit.devices.place import Place
from edgekit.devices.remote import remote_agent
from edgekit.profiling.store import is_device, read_profiles
from edgekit.project.contract import OwnDevice
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.contract import Agent
from edgekit_targets.errors import InputError
from edgekit_targets.toml import nearest


def connect(device: str, own: Mapping[str, OwnDevice]) -> AbstractContextManager[Agent]:
    """An agent on the device: the local machine is one like any other, reached over a pipe instead of ssh.

    Raises:
        InputError: no such device, or one that cannot be reached for a reason that the user must mend.
        DeviceLost: it does not answer.
    """
    address = find_address(device, own)
    return LocalAgent() if address.host is None else remote_agent(address, device, folder=find_folder(device, own))


@contextmanager
def reach(device: str, own: Mapping[str, OwnDevice]) -> Iterator[Place]:
    """The folder of edgekit on a device behind ssh.

    Raises:
        InputError: no such device, this machine, or one that cannot be reached.
        DeviceLost: it does not answer.
    """
    address = find_address(device, own)
    if address.host is None:
        raise InputError(f"{device} is this machine, which needs no setting up: pip install the extras you use")
    with Connection(address, device) as connection:
        yield Place(connection, find_folder(device, own))


def find_address(device: str, own: Mapping[str, OwnDevice]) -> Address:
    """Where a device is: ``local``, an ssh address, or what the name stands for in ``edgekit.toml``.

    Raises:
        InputError: no such name; the nearest are offered.
    """
    if device in own:
        return own[device].address
    if device == LOCAL or device.startswith(SSH):
        return parse_address(device, "--device")
    raise InputError(f"--device {device!r} is unknown; {nearest(device, [*own, LOCAL])}")


def find_folder(device: str, own: Mapping[str, OwnDevice]) -> str | None:
    """Where a device has room for edgekit, if ``edgekit.toml`` names a folder instead of the home."""
    return own[device].folder if device in own else None


def name_in_profiles(device: str, own: Mapping[str, OwnDevice]) -> str:
    """The name under which profiles keep what was measured on a device: every name of this machine is ``local``."""
    return LOCAL if device in own and own[device].address.host is None else device


def measured_name(device: str, bundle: Path, own: Mapping[str, OwnDevice]) -> str:
    """The name under which the bundle's profiles keep a device, or the digits of a fingerprint that one of them has.

    Raises:
        InputError: neither the project nor any profile of the bundle knows it; the nearest are offered.
    """
    if device not in own and device != LOCAL and not device.startswith(SSH):
        measured = [profile.device for _, profile in read_profiles(bundle)]
        if not any(is_device(one, device) for one in measured):
            names = sorted({*own, *(one.name for one in measured)})
            raise InputError(f"--device {device!r} is unknown; {nearest(device, names)}")
    return name_in_profiles(device, own)
