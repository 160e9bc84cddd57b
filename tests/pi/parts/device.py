"""One emulated Raspberry Pi behind an ssh server of its own on loopback, and an ``ssh`` that knows it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_SERVER = """Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 50
ForceCommand {folder}/login
"""
_LOGIN = """#!/bin/sh
cd {folder}/home || exit 1
{before}
exec env -i PATH={root}/usr/bin:/usr/bin:/bin HOME={folder}/home USER=pi LOGNAME=pi SHELL=/bin/sh LANG=C.UTF-8 \\
  TMPDIR={folder}/tmp EDGEKIT_LOCK={folder}/tmp/lock /bin/sh -c "{prefix}${{SSH_ORIGINAL_COMMAND:-exec /bin/sh -i}}"
"""
_CLIENT = """Host {name}
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {folder}/id
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
  StrictHostKeyChecking yes
{more}
"""

# The accounts of an emulated device are those of this machine, whatever user an address names.
_SSH = """#!/bin/bash
words=()
while [ $# -gt 0 ]; do
  if [ "$1" = -l ]; then shift 2; else words+=("$1"); shift; fi
done
exec /usr/bin/ssh -F {config} "${{words[@]}}"
"""


@dataclass(frozen=True, kw_only=True)
class Pi:
    """A device: where its folder lies here, and the name by which ``ssh`` knows it."""

    name: str
    folder: Path
    port: int
    servers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def home(self) -> Path:
        """Its home folder, seen from here."""
        return self.folder / "home"

    @property
    def server(self) -> int:
        """The process of its ssh server."""
        return int((self.folder / "sshd.pid").read_text())

    def sessions(self) -> list[int]:
        """The processes of its open connections."""
        children = subprocess.run(["pgrep", "-P", str(self.server)], capture_output=True, text=True, check=False)
        return [int(word) for word in children.stdout.split()]

    def running(self) -> list[int]:
        """The processes of edgekit's on it: agents, and whatever they or a login started from its folder."""
        found = subprocess.run(["pgrep", "-f", f"{self.home}/.edgekit"], capture_output=True, text=True, check=False)
        return [int(word) for word in found.stdout.split()]

    def serve(self) -> None:
        """Start its ssh server, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            server = subprocess.Popen(
                ["/usr/sbin/sshd", "-D", "-e", "-f", str(self.folder / "sshd_config")],
                stderr=log,
                start_new_session=True,
            )
        self.servers.append(server)
        _wait_until_up(self)

    def stop(self) -> None:
        """Take its power: the server, its connections and all that runs there are gone at once."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for process in [self.server, *self.sessions(), *self.running()]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        while self.servers:
            self.servers.pop().wait()

    def freeze(self) -> None:
        """Stop it in its tracks: the connections stay open and say nothing."""
        for process in [self.server, *self.sessions()]:
            os.kill(process, signal.SIGSTOP)


@contextlib.contextmanager
def device(root: Path, folder: Path, name: str, *, before: str = "", prefix: str = "", more: str = "") -> Iterator[Pi]:
    """Start a device; ``before`` runs at each login, ``prefix`` before each command, ``more`` configures ssh."""
    for part in ("home", "tmp"):
        (folder / part).mkdir(parents=True)
    for key in ("host", "id"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True)
    shutil.copy(folder / "id.pub", folder / "authorized_keys")
    port = _free_port()
    login = folder / "login"
    login.write_text(_LOGIN.format(folder=folder, root=root, before=before, prefix=prefix))
    login.chmod(0o755)
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    (folder / "sshd_config").write_text(_SERVER.format(port=port, folder=folder))
    user = os.environ.get("USER") or "root"
    (folder / "config").write_text(_CLIENT.format(name=name, port=port, folder=folder, user=user, more=more))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    pi = Pi(name=name, folder=folder, port=port)
    try:
        pi.serve()
        yield pi
    finally:
        pi.stop()


def client(folder: Path, devices: list[Pi]) -> Path:
    """A folder for the front of ``PATH`` whose ``ssh`` knows the devices by name."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config"
    config.write_text("\n".join((one.folder / "config").read_text() for one in devices))
    ssh = folder / "ssh"
    ssh.write_text(_SSH.format(config=config))
    ssh.chmod(0o755)
    return folder


def _wait_until_up(pi: Pi) -> None:
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", pi.port), timeout=1):
            return
        assert time.monotonic() < deadline, (pi.folder / "log").read_text()
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
