"""The agent as one file: a zipapp of ``edgekit_targets``, run with numpy and one runtime beside it.

A device needs nothing of edgekit installed: ``python3 edgekit-agent.pyz`` is the agent, and it starts its workers from
the same file. The same sources give the same bytes, so a hash says whether a device has this version already. The
standard library's :mod:`zipapp` would write in when and with which permissions each file was saved, hence
:mod:`zipfile`; the format is the same (PEP 441).
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import edgekit_targets
from edgekit_targets.files import write_atomic

NAME = "edgekit-agent.pyz"
_INTERPRETER = b"#!/usr/bin/env python3\n"
_SAVED = (1980, 1, 1, 0, 0, 0)
_PERMISSIONS = 0o100644 << 16
_UNIX = 3
# Old interpreters read this file before anything can be checked, so it is written for every one since Python 2.
_MAIN = """\
import sys

if sys.version_info < (3, 11):
    sys.exit("edgekit's agent needs Python 3.11 or newer, and %s is Python %d.%d; "
             "name a newer one or install it" % ((sys.executable,) + tuple(sys.version_info[:2])))

from edgekit_targets.main import main

main()
"""


def agent_bytes() -> bytes:
    """The zipapp: every file of ``edgekit_targets`` that is no cache, in sorted order, and what starts the agent."""
    root = Path(edgekit_targets.__file__).parent
    files = {"__main__.py": _MAIN.encode("ascii")}
    for path in root.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            files[path.relative_to(root.parent).as_posix()] = path.read_bytes()
    buffer = io.BytesIO()
    buffer.write(_INTERPRETER)
    with zipfile.ZipFile(buffer, "a") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _SAVED)
            entry.external_attr = _PERMISSIONS
            entry.create_system = _UNIX
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name], compresslevel=9)
    return buffer.getvalue()


def write_agent(folder: Path) -> Path:
    """Write the zipapp into ``folder``, in one step, and give its path.

    Raises:
        WriteFailed: the folder cannot be written or the disk is full.
    """
    path = folder / NAME
    write_atomic(path, agent_bytes())
    return path
