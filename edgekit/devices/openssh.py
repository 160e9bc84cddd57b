"""The system's OpenSSH: one multiplexed connection to a device, with the user's own configuration, keys, known hosts.

Nothing is asked for and no host key is skipped: ``BatchMode`` makes ssh fail where it would ask. Every failure of ssh
itself has the exit code 255, so what went wrong is told by its own words (:mod:`edgekit.devices.failures`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from edgekit.devices.address import Address
from edgekit.devices.bounded import SaidTooMuch, run_bounded
from edgekit.devices.failures import DeviceLost, explain
from edgekit_targets.errors import AgentFailed, InputError

SSH_FAILED = 255
_MOST_BYTES = 64 << 20
"""What a command may say; the largest answers are outputs of a model."""
CONNECT_SECONDS = 15
_ALIVE_SECONDS, _ALIVE_TRIES = 5, 3
"""A device that says nothing for so long is given up: 15 s."""
_PERSIST_SECONDS = 60
"""How long the shared connection outlives a workstation's process that was killed."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A command that ended on the device by itself."""

    code: int
    stdout: bytes
    stderr: str


class Connection:
    """A way to run commands on a device; a context manager, whose end closes the shared connection."""

    def __init__(self, address: Address, name: str) -> None:
        """Remember where; nothing is opened before the first command. ``name`` is what messages call the device."""
        assert address.host is not None
        self.name = name
        self._address = address
        self._folder: str | None = None

    def __enter__(self) -> Self:
        """Make a place for the shared connection.

        Raises:
            InputError: there is no ssh here.
        """
        if shutil.which("ssh") is None:
            raise InputError(
                "ssh is not installed here; install the OpenSSH client (Debian: apt install openssh-client)"
            )
        # A path of a socket may have some 100 bytes, so not below a folder of the user's. Windows has no such sockets.
        if os.name == "posix":
            self._folder = tempfile.mkdtemp(prefix="edgekit-ssh-", dir="/tmp" if Path("/tmp").is_dir() else None)  # noqa: S108
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the shared connection, and with it whatever still runs over it."""
        if self._folder is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                ["ssh", *self._options(), "-O", "exit", *self._place()],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=_ALIVE_SECONDS,
            )
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None

    def argv(self, command: str) -> list[str]:
        """The command line here that runs ``command`` by the device's shell."""
        return ["ssh", *self._options(), *self._place(), command]

    def run(self, command: str, *, given: IO[bytes] | bytes = b"", seconds: float = 120.0) -> Done:
        """Run a command on the device and wait for it; ``given`` is its standard input.

        Raises:
            InputError: the device cannot be reached for a reason that the user must mend.
            AgentFailed: it says things without end.
            DeviceLost: it was reached, or could be, and the connection broke or it did not answer in ``seconds``.
        """
        try:
            ended = run_bounded(self.argv(command), given, seconds=seconds, most_bytes=_MOST_BYTES)
        except SaidTooMuch as error:
            raise AgentFailed(
                f"{self.name} says things without end; what a login prints there must end, see ~/.profile and ~/.bashrc"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise DeviceLost(
                f"{self.name} gave no answer in {seconds:.0f} s; is it frozen, or its line slow?"
            ) from error
        stderr = ended.stderr.decode("utf-8", "replace")
        if ended.returncode == SSH_FAILED:
            raise explain(self.name, self._address, stderr)
        return Done(code=ended.returncode, stdout=ended.stdout, stderr=stderr)

    def _place(self) -> Sequence[str]:
        user = [] if self._address.user is None else ["-l", self._address.user]
        port = [] if self._address.port is None else ["-p", str(self._address.port)]
        assert self._address.host is not None
        return [*user, *port, "--", self._address.host]

    def _options(self) -> list[str]:
        settings = {
            "BatchMode": "yes",
            "ConnectTimeout": str(CONNECT_SECONDS),
            "ServerAliveInterval": str(_ALIVE_SECONDS),
            "ServerAliveCountMax": str(_ALIVE_TRIES),
            "ClearAllForwardings": "yes",
            "ForwardAgent": "no",
            "LogLevel": "ERROR",
            "RequestTTY": "no",
        }
        if self._folder is not None:
            settings |= {
                "ControlMaster": "auto",
                "ControlPath": f"{self._folder}/%C",
                "ControlPersist": str(_PERSIST_SECONDS),
            }
        return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
