"""edgekit's folder on a device, ``~/.edgekit``: what is put there, by hash, and taken away again."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from edgekit.devices import snippets
from edgekit.devices.openssh import Connection
from edgekit_targets.errors import AgentFailed, InputError
from edgekit_targets.files import sha256_of

OLDEST_PYTHON = (3, 11)
_NO_PYTHON = 127
_SLOWEST_BYTES_PER_SECOND = 20_000
"""A line slower than this counts as broken."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a device says of itself before anything of edgekit's is there."""

    folder: str
    free_bytes: int | None
    noexec: bool
    """Whether no library can be loaded from the folder, as on a disk mounted ``noexec``."""
    python: tuple[int, ...]
    executable: str
    machine: str
    bits: int
    libc: tuple[str, str]
    system: str


def another_folder(name: str, which: str) -> str:
    """The remedy where a device's home will not do."""
    return f'name a folder there {which}, in edgekit.toml: [devices.{name}] folder = "/path"'


class Place:
    """The folder on one device, over an open connection."""

    def __init__(self, connection: Connection, folder: str | None = None, python: str = "python3") -> None:
        """Ask the device what it is; edgekit's own folder is made in ``folder``, by default the home.

        Raises:
            InputError: it cannot be reached, has no Python or one that is too old, or nothing can be written there.
            DeviceLost: it does not answer.
        """
        self._connection, self._python = connection, python
        self.name = connection.name
        self.found = self._probe(folder)
        self.folder = self.found.folder

    def path(self, *parts: str) -> str:
        """A path below the folder, on the device."""
        return "/".join((self.folder, *parts))

    def argv(self, command: str) -> list[str]:
        """The command line here that runs ``command`` by the device's shell."""
        return self._connection.argv(command)

    def put(self, content: Path | bytes, *parts: str) -> str:
        """Send a file unless it is there already with the same hash; gives its path on the device.

        Raises:
            InputError: the disk is full or cannot be written.
            AgentFailed: it did not arrive whole.
            DeviceLost: the connection broke; what had arrived of it is gone.
        """
        path = self.path(*parts)
        sha256 = hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else sha256_of(content)
        if self.ask(snippets.LIST, path)["found"].get(path) == sha256:
            return path
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        with contextlib.nullcontext(content) if isinstance(content, bytes) else content.open("rb") as given:
            self._receive([(path, size, sha256)], given, parts[-1])
        return path

    def put_folder(self, folder: Path, *parts: str) -> str:
        """Send the files of a folder that are not there already, all at once; gives the folder's path on the device.

        Files that arrived before a connection broke are not sent again. What else lies in that folder is let be.

        Raises:
            InputError: the disk is full or cannot be written.
            AgentFailed: a file did not arrive whole.
            DeviceLost: the connection broke.
        """
        target = self.path(*parts)
        files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
        hashes = {name: sha256_of(path) for name, path in files.items()}
        there = self.ask(snippets.LIST, *(f"{target}/{name}" for name in files))["found"]
        missing = [name for name in files if there.get(f"{target}/{name}") != hashes[name]]
        if missing:
            sizes = [(f"{target}/{name}", files[name].stat().st_size, hashes[name]) for name in missing]
            with tempfile.TemporaryFile() as given:
                for name in missing:
                    with files[name].open("rb") as source:
                        shutil.copyfileobj(source, given)
                given.seek(0)
                self._receive(sizes, given, parts[-1])
        return target

    def _receive(self, files: Sequence[tuple[str, int, str]], given: IO[bytes] | bytes, what: str) -> None:
        """Send files (path there, size, SHA-256), whose contents ``given`` holds one after the other."""
        seconds = 60.0 + sum(size for _, size, _ in files) / _SLOWEST_BYTES_PER_SECOND
        words = [str(word) for file in files for word in file]
        answer = self.ask(snippets.RECEIVE, *words, given=given, seconds=seconds)
        snippets.refuse(answer, self.name, what)

    def get(self, path: str) -> bytes:
        """The content of a file there.

        Raises:
            AgentFailed: it is not there.
        """
        answer = self.ask(snippets.SEND, path)
        if "content" not in answer:
            raise AgentFailed(f"{self.name}: {path} could not be read: {answer.get('error')}")
        return base64.b64decode(str(answer["content"]), validate=True)

    def remove(self, paths: Sequence[str]) -> None:
        """Take files and folders away; those that are not there are no error."""
        self.ask(snippets.REMOVE, *paths)

    def ask(
        self,
        code: str,
        *arguments: str,
        given: IO[bytes] | bytes = b"",
        seconds: float = 120.0,
        packages: str | None = None,
    ) -> dict[str, Any]:
        """Run a snippet there and read its answer; ``packages`` is where it may import from."""
        line = snippets.command(self._python, code, *arguments, seconds=seconds, packages=packages)
        done = self._connection.run(line, given=given, seconds=seconds)
        if done.code == _NO_PYTHON:
            raise InputError(f"{self.name} has no {self._python}; install it there: sudo apt install python3")
        if done.code != 0 and snippets.MARK.encode() not in done.stdout:
            said = done.stderr.strip().splitlines() or ["nothing"]
            raise AgentFailed(f"{self.name}: {self._python} ended with exit code {done.code} and said: {said[-1]}")
        return snippets.read_answer(done.stdout, self.name)

    def _probe(self, folder: str | None) -> Found:
        answer = self.ask(snippets.PROBE, *(() if folder is None else (folder,)))
        try:
            found = Found(
                folder=str(answer["folder"]),
                free_bytes=None if answer["free_bytes"] is None else int(answer["free_bytes"]),
                noexec=bool(answer["noexec"]),
                python=tuple(int(number) for number in answer["python"]),
                executable=str(answer["executable"]),
                machine=str(answer["machine"]),
                bits=int(answer["bits"]),
                libc=(str(answer["libc"][0]), str(answer["libc"][1])),
                system=str(answer["system"]),
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise AgentFailed(f"{self.name} answered something else than it was asked") from error
        version = ".".join(map(str, found.python))
        if found.python[:2] < OLDEST_PYTHON:
            oldest = ".".join(map(str, OLDEST_PYTHON))
            raise InputError(f"{self.name} has Python {version}; edgekit's agent needs {oldest} or newer there")
        if answer.get("reason") is not None:
            raise InputError(
                f"{self.name}: {found.folder} cannot be written: {answer['reason']}; "
                f"{another_folder(self.name, 'that can')}"
            )
        return found
