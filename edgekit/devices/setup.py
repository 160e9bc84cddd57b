"""``edgekit device setup``: numpy and a runtime on a device, apart from the system's packages, tried, and removable."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.devices import snippets
from edgekit.devices.package import NAME as AGENT
from edgekit.devices.package import agent_bytes
from edgekit.devices.place import Place, another_folder
from edgekit.devices.remote import DEFAULT_RUNTIME
from edgekit.devices.wheels import fetch, pinned
from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.progress import Progress

RELEASES = ("models", "keys")
_KNOWN_TO_WORK = {"SIGILL": "onnxruntime==1.22.0"}
"""1.21.0 uses instructions that a Cortex-A72 lacks (onnxruntime issue 23957, fixed by pull request 23978)."""

# y = x w for 4 x 4 floats, w all 0.5: importing a runtime is not enough to meet the instructions that it computes with.
_MODEL = (
    "CAcSADqPAQoRCgF4CgF3EgF5IgZNYXRNdWwSA3RyeSpLCAQIBBABQgF3SkAAAAA/AAAAPwAAAD8AAAA/AAAAPwAAAD8AAAA/AAAAPwAAAD8AAAA/"
    "AAAAPwAAAD8AAAA/AAAAPwAAAD8AAAA/WhMKAXgSDgoMCAESCAoCCAQKAggEYhMKAXkSDgoMCAESCAoCCAQKAggEQgQKABAN"
)

_TRIAL = """
import base64, json, sys, tempfile, numpy
file, found = base64.b64decode(sys.argv[1]), {}
fed = {"x": numpy.eye(4, dtype=numpy.float32)}
for name in sys.argv[2:]:
    found[name] = __import__(name).__version__.partition("-")[0]
    if name == "onnxruntime":
        import onnxruntime
        answer = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, fed)[0]
    elif name == "openvino":
        import openvino
        with tempfile.NamedTemporaryFile(suffix=".onnx") as model:
            model.write(file)
            model.flush()
            answer = openvino.Core().compile_model(model.name, "CPU")(fed)[0]
    elif name == "cryptography":
        from cryptography.hazmat.primitives.asymmetric import ec
        ec.generate_private_key(ec.SECP256R1())
        continue
    else:
        continue
    assert abs(answer - 0.5).max() < 1e-3, "%s computes wrongly" % name
print(json.dumps(found))
"""
"""Loads what was sent and computes once; takes the model above and the names of the packages."""
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
variables = dict(os.environ, PYTHONPATH=sys.argv[1], XDG_CACHE_HOME=sys.argv[2])
child = subprocess.run([sys.executable, "-c"] + sys.argv[3:], env=variables, timeout=240,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
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


@dataclass(frozen=True, kw_only=True)
class Removed:
    """What of edgekit's is still on a device: folders of releases and keys, or nothing."""

    device: str
    kept: tuple[str, ...]


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
        InputError: nothing suits the device, it has no room, or no library can be loaded from there.
        CheckFailed: the packages do not load there; what was in use before still is.
        DeviceLost: the connection broke.
    """
    if place.found.noexec:
        raise InputError(
            f"{place.name}: no library can be loaded from {place.folder}, whose disk is mounted noexec; "
            f"{another_folder(place.name, 'on a disk without noexec')}, or: sudo mount -o remount,exec <its disk>"
        )
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


def tear_down(place: Place) -> list[str]:
    """Remove everything of edgekit's from the device, but releases and the keys that they are verified with.

    An application may be running on them. Gives what was kept, by the names of the folders.
    """
    answer = place.ask(snippets.CLEAR, place.folder, *RELEASES)
    return [str(name) for name in answer.get("kept", ())]


def _tried(place: Place, part: str, requirements: Sequence[str]) -> dict[str, str]:
    modules = [requirement.partition("==")[0].replace("-", "_") for requirement in requirements]
    answer = place.ask(_TRY, part, place.path("cache"), _TRIAL, _MODEL, *modules, seconds=300.0)
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
