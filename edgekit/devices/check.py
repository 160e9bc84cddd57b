"""``edgekit device check``: what is there, which entry of the catalogue it is, and how to mend what is wrong."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from edgekit.devices import snippets
from edgekit.devices.package import NAME as AGENT
from edgekit.devices.place import Found, Place, another_folder
from edgekit.devices.wheels import runs_openvino
from edgekit_targets.agent.protocol import Welcome
from edgekit_targets.catalogue.match import match
from edgekit_targets.records import parse
from edgekit_targets.types.catalogue import Entry
from edgekit_targets.types.profile import Conditions, Device
from edgekit_targets.types.target import TargetStatus

_CLOCK_SECONDS = 300.0
"""Signatures need no clock; logs and certificates of others do."""
_FREE_BYTES = 256 << 20
"""What device setup brings takes 90 MB unpacked and 30 MB on the way there."""

_STATE = (
    snippets.SAY
    + """
import datetime, dataclasses, glob, subprocess
from edgekit_targets.hardware.conditions import read_conditions
state = read_conditions()
try:
    with open("/sys/fs/cgroup/cgroup.controllers") as file:
        memory = "memory" in file.read().split()
except OSError:
    memory = os.path.isdir("/sys/fs/cgroup/memory")
lines = []
for pattern in ("/etc/crontab", "/etc/cron.d/*", "/etc/rc.local", "/etc/systemd/system/*.service",
                "/usr/lib/systemd/system/*.service", "~/.config/systemd/user/*.service"):
    for path in glob.glob(os.path.expanduser(pattern)):
        try:
            with open(path, errors="replace") as file:
                lines += file
        except OSError:
            pass
try:
    lines += subprocess.run(["crontab", "-l"], capture_output=True, text=True).stdout.splitlines()
except OSError:
    pass
recovers = any("edgekit" in line and "recover" in line and line.strip()[0] != "#" for line in lines)
takes = any(os.path.isdir(os.path.join(sys.argv[1], part)) for part in ("models", "keys"))
agent = os.path.isfile(os.path.join(sys.argv[1], "agent", sys.argv[2]))
say(agent=agent, takes_releases=takes, recovers_at_start=recovers,
    now=datetime.datetime.now(datetime.timezone.utc).timestamp(), memory_controller=memory,
    conditions=None if state is None else dataclasses.asdict(state))
"""
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at; ``remedy`` is the command that mends it, null where nothing is wrong."""

    what: str
    told: str
    fine: bool
    remedy: str | None = None


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A device as it is now."""

    schema_version: int
    device: Device
    targets: tuple[TargetStatus, ...]
    catalogue: str | None
    """The entry of the catalogue that it is; null where nothing tells."""
    findings: tuple[Finding, ...]


def check(place: Place, file: str, welcome: Welcome, name: str) -> Checked:
    """Look at a device whose agent answered; ``file`` is the agent there.

    Raises:
        AgentFailed: it does not answer as it should.
        DeviceLost: the connection broke.
    """
    state = place.ask(_STATE, place.folder, AGENT, packages=file)
    entry = match(welcome.device, [one.name for one in welcome.targets if one.available])
    return Checked(
        schema_version=1,
        device=welcome.device,
        targets=welcome.targets,
        catalogue=None if entry is None else entry.name,
        findings=(
            *_machine(welcome.device, place.found, entry),
            _runtime(welcome.targets, name),
            *_openvino(welcome.targets, place.found, name),
            *_now(state, datetime.now(UTC).timestamp()),
            _disk(place.found, name),
            _controller(state),
            *_restart(state, place.path("agent", AGENT), name),
            *_traps(entry),
        ),
    )


def _machine(device: Device, found: Found, entry: Entry | None) -> Sequence[Finding]:
    cores = f"{device.cores} cores" if device.cores != 1 else "1 core"
    isa = ", ".join(device.isa) or "nothing beyond the base"
    memory = "unknown" if device.memory_bytes is None else f"{device.memory_bytes / (1 << 30):.1f} GiB"
    kind = "not in the catalogue" if entry is None else f"{entry.title} ({entry.name})"
    return (
        Finding(what="machine", told=f"{device.model or 'unknown model'}: {kind}", fine=True),
        Finding(what="processor", told=f"{device.cpu or device.architecture}, {cores}; {isa}", fine=True),
        *([Finding(what="GPU", told=f"{device.gpu}, driver {device.gpu_driver}", fine=True)] if device.gpu else []),
        Finding(what="memory", told=memory, fine=True),
        Finding(what="system", told=f"{device.os}, {found.machine}, {' '.join(found.libc)}".rstrip(), fine=True),
        Finding(what="python", told=device.python, fine=True),
    )


def _runtime(targets: Sequence[TargetStatus], name: str) -> Finding:
    usable = [f"{one.name} {one.version}" for one in targets if one.available]
    if usable:
        return Finding(what="runtime", told=", ".join(usable), fine=True)
    return Finding(what="runtime", told="none", fine=False, remedy=f"edgekit device setup {name}")


def _openvino(targets: Sequence[TargetStatus], found: Found, name: str) -> Sequence[Finding]:
    """Offered where its wheel runs."""
    if any(one.name == "openvino" and one.available for one in targets) or not runs_openvino(found):
        return ()
    remedy = f"edgekit device setup {name} --runtime onnxruntime,openvino"
    return (Finding(what="openvino", told="not there; it runs on this system", fine=True, remedy=remedy),)


def _now(state: dict[str, Any], here: float) -> Sequence[Finding]:
    found = []
    off = float(state["now"]) - here
    if abs(off) <= _CLOCK_SECONDS:
        found.append(Finding(what="clock", told="agrees with this machine's", fine=True))
    else:
        told = f"{abs(off) / 60:.0f} minutes {'ahead' if off > 0 else 'behind'} of this machine's"
        found.append(Finding(what="clock", told=told, fine=False, remedy="sudo timedatectl set-ntp true"))
    conditions = None
    if state["conditions"] is not None:
        conditions = parse(Conditions, state["conditions"], "the device's state")
    if conditions is None or conditions.throttled is None:
        found.append(Finding(what="throttling", told="this system does not tell it", fine=True))
    elif conditions.throttled:
        told = ", ".join(conditions.throttled)
        found.append(
            Finding(what="throttling", told=told, fine=False, remedy="a stronger power supply, or a heat sink and fan")
        )
    else:
        found.append(Finding(what="throttling", told="none now", fine=True))
    if conditions is not None and conditions.temperature_celsius is not None:
        found.append(Finding(what="temperature", told=f"{conditions.temperature_celsius:.0f} °C", fine=True))
    if conditions is not None and conditions.governor is not None:
        steady = conditions.governor == "performance"
        told = conditions.governor if steady else f"{conditions.governor}: the clock follows the load, figures with it"
        found.append(Finding(what="governor", told=told, fine=True))
    return found


def _disk(found: Found, name: str) -> Finding:
    if found.free_bytes is None:
        return Finding(what="disk", told="unknown", fine=True)
    told = f"{found.free_bytes / (1 << 30):.1f} GiB free"
    if found.noexec:
        return Finding(
            what="disk",
            told=f"{told}; mounted noexec, so no runtime can be loaded from {found.folder}",
            fine=False,
            remedy=another_folder(name, "on a disk without noexec"),
        )
    if found.free_bytes >= _FREE_BYTES:
        return Finding(what="disk", told=told, fine=True)
    return Finding(what="disk", told=told, fine=False, remedy="df -h ~ && sudo apt clean")


def _controller(state: dict[str, Any]) -> Finding:
    if state["memory_controller"]:
        return Finding(what="memory controller", told="on: a memory limit can be enforced", fine=True)
    return Finding(
        what="memory controller",
        told="off: a memory limit can be measured against, not enforced",
        fine=True,
        remedy="to have it: add cgroup_enable=memory to the line in /boot/firmware/cmdline.txt and restart",
    )


def _restart(state: dict[str, Any], agent: str, name: str) -> Sequence[Finding]:
    """Told of a device that takes releases: a restart ends the process that would go back from an unconfirmed one."""
    if not state["takes_releases"]:
        return ()
    if state["recovers_at_start"]:
        return (Finding(what="restart", told="goes back from a release that was not confirmed", fine=True),)
    first = "" if state["agent"] else f"edgekit device setup {name} --releases, then there: "
    line = f"@reboot python3 {shlex.quote(agent)} recover"
    return (
        Finding(
            what="restart",
            told="a release that was not confirmed before it stays current until edgekit is used here next",
            fine=False,
            remedy=f"{first}(crontab -l; echo {shlex.quote(line)}) | crontab -",
        ),
    )


def _traps(entry: Entry | None) -> Sequence[Finding]:
    """What is known to go wrong with this hardware, told as advice."""
    if entry is None:
        return ()
    return [
        Finding(what="known", told=f"{trap.what} ({trap.url})", fine=True, remedy=trap.remedy) for trap in entry.traps
    ]
