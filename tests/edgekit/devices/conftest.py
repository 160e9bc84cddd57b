"""A board without a network: ``ssh`` on the ``PATH`` runs the command here, in an environment and a home of its own.

What ssh itself does is tested with a real server in ``tests/pi``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edgekit.devices.address import Address
from edgekit.devices.openssh import Connection
from edgekit.devices.place import Place

_SSH = """#!/bin/sh
for word; do [ "$word" = -O ] && exit 0; done
while [ "$1" != -- ]; do shift; done
shift 2
cd {home}
exec env -i PATH={python}:/usr/bin:/bin HOME={home} EDGEKIT_LOCK={home}.lock sh -c "{prefix}$*"
"""
Board = Callable[..., Path]
AskPlace = Callable[..., Place]
ADDRESS = Address(host="board")


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    """Make the board's ``ssh`` and home; ``prefix`` is what a login does before the command. Gives the home."""

    def make(prefix: str = "") -> Path:
        home, folder = tmp_path / "home", tmp_path / "bin"
        for one in (home, folder):
            one.mkdir(exist_ok=True)
        escaped = prefix.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
        (folder / "ssh").write_text(_SSH.format(home=home, python=Path(sys.executable).parent, prefix=escaped))
        (folder / "ssh").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        return home

    return make


@pytest.fixture
def place(board: Board) -> Iterator[AskPlace]:
    """A place on the board."""
    with ExitStack() as stack:

        def make(prefix: str = "", folder: str | None = None) -> Place:
            board(prefix)
            return Place(stack.enter_context(Connection(ADDRESS, "pi")), folder)

        yield make
