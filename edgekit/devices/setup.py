"""``edgekit device setup``: numpy, a runtime and cryptography on a device, apart from the system's, tried first."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.devices import snippets
from edgekit.devices.package import NAME as AGENT
from edgekit.devices.package import agent_bytes
from edgekit.devices.place import Place
from edgekit.devices.remote import DEFAULT_RUNTIME
from edgekit.devices.wheels import fetch, pinned
from edgekit_targets.errors import CheckFailed
from edgekit_targets.progress import Progress

_KNOWN_TO_WORK = {"SIGILL": "onnxruntime==1.22.0"}
"""1.21.0 uses instructions that a Cortex-A72 lacks (onnxruntime issue 23957, fixed by pull request 23978)."""

_UNPACK = (
    snippets.SAY
    + """
import shutil, zipfile
archive, target, need = sys.argv[1], sys.argv[2], int(sys.argv[3])
part = target + ".part"
try:
    shutil.rmtree(part, ignore_errors=True)
    free = shutil.disk_usage(os.path.dirname(archive)).free
    if free < need + (16 << 20):
        say(error="full", free_bytes=free)
        sys.exit(0)
    try:
        with zipfile.ZipFile(archive) as file:
            file.extractall(part)
        say(part=part)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
except OSError as error:
    say(error="full" if error.errno == 28 else str(error.strerror), free_bytes=0)
"""
)
_TRY = (
    snippets.SAY
    + """
import subprocess, json
code = "import json, numpy; found = {'numpy': numpy.__version__}\\n"
for name in sys.argv[3:]:
    code += "import %s; found['%s'] = %s.__version__\\n" % (name, name, name)
if "cryptography" in sys.argv[3:]:  # its compiled half is loaded when it is used
    code += "import cryptography.hazmat.primitives.asymmetric.ec\\n"
code += "print(json.dumps(found))"
variables = dict(os.environ, PYTHONPATH=sys.argv[1], XDG_CACHE_HOME=sys.argv[2])
child = subprocess.run([sys.executable, "-c", code], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
lines = child.stderr.decode("utf-8", "replace").strip().splitlines()
say(code=child.returncode, last=lines[-1] if lines else "",
    versions=json.loads(child.stdout.decode().splitlines()[-1]) if child.returncode == 0 else None)
"""
)
_SWITCH = (
    snippets.SAY
    + """
import shutil
part, target = sys.argv[1], sys.argv[2]
shutil.rmtree(target, ignore_errors=True)
os.rename(part, target)
say(path=target)
"""
)


@dataclass(frozen=True, kw_only=True)
class SetUp:
    """What a device has now: versions by package, the wheels they came from (SHA-256), and how large it is there."""

    device: str
    versions: dict[str, str]
    wheels: dict[str, str]
    sent_bytes: int
    unpacked_bytes: int


def set_up(
    place: Place,
    cache: Path,
    progress: Progress,
    requirements: Sequence[str] | None = None,
    runtime: str = DEFAULT_RUNTIME,
) -> SetUp:
    """Fetch here, send, unpack beside what is in use, try in a process of its own, and only then switch.

    The agent goes there too, under a name that people can type. Without ``requirements`` the pinned versions are taken.

    Raises:
        InputError: nothing suits the device, or it has no room.
        CheckFailed: the packages do not load there; what was in use before still is.
        DeviceLost: the connection broke.
    """
    requirements = requirements or pinned().requirements
    stage = f"set up {place.name}"
    progress(stage, 0, 4)
    closure = fetch(place.found, requirements, cache)
    progress(stage, 1, 4)
    archive = place.put(closure.archive, "scratch", "runtime.zip")
    progress(stage, 2, 4)
    target = place.path("runtimes", runtime)
    answer = place.ask(_UNPACK, archive, target, str(closure.unpacked_bytes), seconds=900.0)
    place.remove([archive])
    snippets.refuse(answer, place.name, "the runtime")
    part = str(answer["part"])
    progress(stage, 3, 4)
    try:
        versions = _tried(place, part, requirements)
    except CheckFailed:
        place.remove([part])
        raise
    place.ask(_SWITCH, part, target)
    place.put(agent_bytes(), "agent", AGENT)
    progress(stage, 4, 4)
    return SetUp(
        device=place.name,
        versions=versions,
        wheels=closure.wheels,
        sent_bytes=len(closure.archive),
        unpacked_bytes=closure.unpacked_bytes,
    )


def tear_down(place: Place) -> None:
    """Remove everything of edgekit's from the device."""
    place.remove([place.folder])


def _tried(place: Place, part: str, requirements: Sequence[str]) -> dict[str, str]:
    modules = [requirement.partition("==")[0].replace("-", "_") for requirement in requirements]
    answer = place.ask(_TRY, part, place.path("cache"), *[name for name in modules if name != "numpy"], seconds=300.0)
    versions = answer.get("versions")
    if isinstance(versions, dict):
        return {str(name): str(version) for name, version in versions.items()}
    code = int(answer.get("code", 1))
    try:
        ended = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        ended = f"signal {-code}"
    told = f": {answer['last']}" if answer.get("last") else ""
    known = _KNOWN_TO_WORK.get(ended)
    remedy = f"; {known} is known to work: --runtime {known}" if known else "; name another version with --runtime"
    raise CheckFailed(f"{place.name}: {' and '.join(requirements)} does not load there ({ended}){told}{remedy}")
