"""The agent's own commands (``install``, ``keys trust``, ...) on a device: over ssh, or on this machine.

What they print and how they end: :mod:`edgekit_targets.releases.commands`.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from edgekit.devices.connect import find_address
from edgekit.devices.openssh import Connection
from edgekit.devices.place import Place
from edgekit.devices.remote import put_agent, start_command
from edgekit.devices.snippets import MARK
from edgekit.project.contract import OwnDevice
from edgekit_targets.errors import (
    AgentFailed,
    CheckFailed,
    EdgekitError,
    InputError,
    NothingFits,
    Undecided,
)
from edgekit_targets.records import loads
from edgekit_targets.spawn import environment, python_module

SECONDS = 120.0
_ERRORS = {kind.exit_code: kind for kind in (InputError, NothingFits, Undecided, CheckFailed)}
_SAID = "edgekit: "
_PIP = re.compile(r"; install it with: pip install .*")
"""A device need not have pip, nor the internet."""


class Orders(Protocol):
    """One device, and its agent's commands."""

    name: str
    """What messages call it."""

    def ask(self, *words: str, given: bytes = b"", seconds: float = SECONDS) -> list[dict[str, Any]]:
        """Run a command there, with ``given`` as its standard input; gives its answers.

        Raises:
            EdgekitError: what the device says, under its name, of the kind that its exit code stands for.
            AgentFailed: it said nothing of the kind, or nothing that makes sense.
            DeviceLost: the connection broke, or it took longer than ``seconds``; what was asked may have been done.
        """

    def put(self, folder: Path, *parts: str) -> str:
        """Send a folder's files to below edgekit's own folder there, those that are missing; gives its path there."""

    def remove(self, *parts: str) -> None:
        """Take a folder away that was put there."""


@contextmanager
def orders(device: str, own: Mapping[str, OwnDevice]) -> Iterator[Orders]:
    """The agent's commands on the device.

    Raises:
        InputError: no such device, or one that cannot be reached for a reason that the user must mend.
        DeviceLost: it does not answer.
    """
    address = find_address(device, own)
    if address.host is None:
        yield _Here(device)
        return
    with Connection(address, device) as connection:
        place = Place(connection)
        yield _There(place, connection, put_agent(place))


class _There:
    """Behind ssh."""

    def __init__(self, place: Place, connection: Connection, file: str) -> None:
        self.name = place.name
        self._place, self._connection, self._file = place, connection, file

    def ask(self, *words: str, given: bytes = b"", seconds: float = SECONDS) -> list[dict[str, Any]]:
        line = f"{start_command(self._place, self._file)} {shlex.join(words)}"
        done = self._connection.run(line, given=given, seconds=seconds)
        # A shell may greet before it does what it is asked.
        _, mark, said = done.stdout.decode("utf-8", "replace").partition(f"{MARK}\n")
        if not mark:
            raise AgentFailed(f"{self.name} gave no answer that makes sense to a command of the agent")
        try:
            return _answers(self.name, done.code, said, done.stderr)
        except InputError as error:
            raise type(error)(_PIP.sub(f"; put it there with: edgekit device setup {self.name}", str(error))) from error

    def put(self, folder: Path, *parts: str) -> str:
        return self._place.put_folder(folder, *parts)

    def remove(self, *parts: str) -> None:
        self._place.remove([self._place.path(*parts)])


class _Here:
    """On this machine, by this installation: a folder that lies here need not be sent."""

    def __init__(self, name: str) -> None:
        self.name = name

    def ask(self, *words: str, given: bytes = b"", seconds: float = SECONDS) -> list[dict[str, Any]]:
        try:
            done = subprocess.run(
                python_module("edgekit_targets", *words),
                input=given,
                capture_output=True,
                check=False,
                timeout=seconds,
                env=environment(),
                start_new_session=True,
            )
        except subprocess.TimeoutExpired as error:
            raise AgentFailed(f"{self.name}: {words[0]} did not end in {seconds:.0f} s") from error
        said, stderr = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        return _answers(self.name, done.returncode, said, stderr)

    def put(self, folder: Path, *parts: str) -> str:
        return os.fspath(folder.absolute())

    def remove(self, *parts: str) -> None:
        """Nothing was put anywhere."""


def _answers(name: str, code: int, stdout: str, stderr: str) -> list[dict[str, Any]]:
    if code != 0:
        raise _error(name, code, stderr.splitlines())
    try:
        answers = [loads(line, name) for line in stdout.splitlines() if line.strip()]
    except InputError as error:
        raise AgentFailed(str(error)) from error
    if not all(isinstance(answer, dict) for answer in answers):
        raise AgentFailed(f"{name} answered something else than it was asked")
    return answers


def _error(name: str, code: int, lines: Sequence[str]) -> EdgekitError:
    told = [line.removeprefix(_SAID) for line in lines if line.startswith(_SAID)]
    if told and code in _ERRORS:
        return _ERRORS[code](f"{name}: {told[-1]}")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
    return AgentFailed(f"{name}: a command of the agent ended with exit code {code} and said: {last}")
