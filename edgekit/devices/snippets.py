"""What is run on a device before edgekit's own agent is there: a few lines for the device's Python, any 3.

Each says its answer as one line of JSON behind a mark, because a shell may greet, warn or chatter before it, after it
and on either stream.
"""

from __future__ import annotations

import json
import shlex
from typing import Any, Final

from edgekit_targets.errors import AgentFailed, InputError

MARK: Final = "edgekit-device:"
_MOST_LINES = 10_000
_GRACE_SECONDS = 60
SAY: Final = (
    f'import sys,os,json\ndef say(**k): sys.stdout.write("\\n{MARK}"+json.dumps(k)+"\\n"); sys.stdout.flush()\n'
)

PROBE: Final = (
    SAY
    + """
import glob, platform, tempfile, shutil, time
home = sys.argv[1] if len(sys.argv) > 1 else os.path.expanduser("~")
folder = os.path.join(home, ".edgekit")
reason = None
try:
    os.makedirs(folder, mode=0o700, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder)
    os.close(handle)
    os.unlink(name)
    for part in glob.glob(os.path.join(glob.escape(folder), "*", "*.part")):
        if os.path.isfile(part) and time.time() - os.path.getmtime(part) > 3600:
            os.unlink(part)
except OSError as error:
    reason = error.strerror
where = folder if os.path.isdir(folder) else home
free = shutil.disk_usage(where).free if os.path.isdir(where) else None
noexec = os.path.isdir(where) and bool(os.statvfs(where).f_flag & getattr(os, "ST_NOEXEC", 0))
say(folder=folder, reason=reason, free_bytes=free, noexec=noexec,
    python=list(sys.version_info[:3]), executable=sys.executable,
    machine=platform.machine(), bits=64 if sys.maxsize > 2**32 else 32, libc=list(platform.libc_ver()),
    system=platform.system())
"""
)
"""Where edgekit may put things, and what Python this is. What a transfer left that lost its power is taken away."""

LIST: Final = (
    SAY
    + """
import hashlib
found = {}
for path in sys.argv[1:]:
    try:
        with open(path, "rb") as file:
            digest = hashlib.sha256()
            for piece in iter(lambda: file.read(1 << 20), b""):
                digest.update(piece)
        found[path] = digest.hexdigest()
    except OSError:
        found[path] = None
say(found=found)
"""
)
"""The SHA-256 of each file that is there."""

RECEIVE: Final = (
    SAY
    + """
import hashlib, shutil
spare = 16 << 20
files = [(path, int(size), expected) for path, size, expected in zip(*[iter(sys.argv[1:])] * 3)]
part = None
try:
    for path, size, expected in files:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    free = shutil.disk_usage(os.path.dirname(files[0][0])).free
    if free < sum(size for path, size, expected in files) + spare:
        say(error="full", free_bytes=free)
        sys.exit(0)
    for path, size, expected in files:
        part = "%s.%d.part" % (path, os.getpid())
        digest, left = hashlib.sha256(), size
        with open(part, "wb") as file:
            while left:
                piece = sys.stdin.buffer.read(min(left, 1 << 20))
                if not piece:
                    break
                digest.update(piece)
                file.write(piece)
                left -= len(piece)
            file.flush()
            os.fsync(file.fileno())
        if left or digest.hexdigest() != expected:
            say(error="broken")
            break
        os.replace(part, path)
    else:
        say(received=len(files))
except OSError as error:
    say(error="full" if error.errno == 28 else str(error.strerror), free_bytes=0)
finally:
    if part is not None and os.path.exists(part):
        os.unlink(part)
"""
)
"""Files from standard input, each to a temporary name, checked, renamed: a broken line looks like an end of file."""

SEND: Final = (
    SAY
    + """
import base64
try:
    with open(sys.argv[1], "rb") as file:
        say(content=base64.b64encode(file.read()).decode("ascii"))
except OSError as error:
    say(error=error.strerror)
"""
)
"""One small file to standard output."""

REMOVE: Final = (
    SAY
    + """
import shutil
for path in sys.argv[1:]:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
say(removed=len(sys.argv) - 1)
"""
)
"""Files and folders, with what is in them."""

CLEAR: Final = (
    SAY
    + """
import shutil
folder, keep = sys.argv[1], sys.argv[2:]
found = os.listdir(folder) if os.path.isdir(folder) else []
for name in found:
    path = os.path.join(folder, name)
    if name in keep and os.listdir(path):
        continue
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
kept = sorted(os.listdir(folder)) if found else []
if os.path.isdir(folder) and not kept:
    os.rmdir(folder)
say(kept=kept)
"""
)
"""All in a folder but what is named after it and not empty; the folder too, where nothing is left."""


def command(python: str, code: str, *arguments: str, seconds: float, packages: str | None = None) -> str:
    """The line for the device's shell that runs ``code``, which may import from ``packages``.

    Nobody waits longer than ``seconds`` for it, and on a line that died without a word it would wait for ever; so it
    ends itself by then.
    """
    path = "" if packages is None else f"PYTHONPATH={shlex.quote(packages)} "
    limited = f"import signal\nsignal.alarm({int(seconds) + _GRACE_SECONDS})\n{code}"
    return path + shlex.join([python, "-c", limited, *arguments])


def read_answer(stdout: bytes, name: str) -> dict[str, Any]:
    """The one marked line of an answer.

    Raises:
        AgentFailed: there is none, or it is no JSON object.
    """
    lines = stdout.decode("utf-8", "replace").splitlines()[-_MOST_LINES:]
    marked = [line[len(MARK) :] for line in lines if line.startswith(MARK)]
    try:
        answer = json.loads(marked[-1])
    except (IndexError, ValueError) as error:
        raise AgentFailed(f"{name} gave no answer that makes sense to a few lines of Python") from error
    if not isinstance(answer, dict):
        raise AgentFailed(f"{name} answered something else than it was asked")
    return answer


def refuse(answer: dict[str, Any], name: str, what: str) -> None:
    """Turn what a snippet says went wrong into an error.

    Raises:
        InputError: the disk is full or cannot be written.
        AgentFailed: what arrived is not what was sent.
    """
    error = answer.get("error")
    if error is None:
        return
    if error == "full":
        free = answer.get("free_bytes")
        left = f", {free / (1 << 20):.0f} MiB are free" if isinstance(free, int) else ""
        raise InputError(f"{name}: its disk is too full for {what}{left}; make room and try again")
    if error == "broken":
        raise AgentFailed(f"{name}: {what} arrived broken; try again")
    raise InputError(f"{name}: {what} could not be written: {error}")
