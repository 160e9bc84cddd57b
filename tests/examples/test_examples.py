"""The two examples follow a device's releases: every answer is the golden one, and a switch needs no restart."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from edgekit_targets.releases.boot import Boot, RealBoot, ScriptedBoot
from edgekit_targets.releases.format import GOLDEN, MANIFEST
from edgekit_targets.releases.store import Store
from tests.edgekit.conftest import make_artifact, make_manifest, make_measurement, make_profile
from tests.edgekit.shelf import STREAM, WINDOW, composed, key, make_shelf, shelf

__all__ = [  # fixtures
    "composed",
    "key",
    "make_artifact",
    "make_manifest",
    "make_measurement",
    "make_profile",
    "make_shelf",
    "shelf",
]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
INCLUDE = os.environ.get("ORT_INCLUDE", str(Path(__file__).parent / "include"))
Floats = NDArray[np.float32]


class Device:
    """What the store leaves on a device, as far as an application sees it."""

    def __init__(self, folder: Path) -> None:
        self.current = folder / "models" / "model" / "current"
        self._count = 0

    def activate(self, release: Path) -> str:
        self._count += 1
        target = f"releases/{self._count}-0123456789ab"
        shutil.copytree(release, self.current.parent / target)
        new = self.current.with_name("new")
        new.symlink_to(target)
        new.replace(self.current)
        return target


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path / "device")


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as ONNX Runtime's archive for C has it, with the wheel's library."""
    folder = tmp_path_factory.mktemp("ort")
    (folder / "lib").mkdir()
    (folder / "include").symlink_to(INCLUDE)
    found = next(Path(onnxruntime.__file__).parent.glob("capi/libonnxruntime.so*"))
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (folder / "lib" / name).symlink_to(found)
    return folder


def compiled(current: Path, library: Path, program: Path) -> Path:
    """By the very line that the example itself gives."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("there is no C compiler here")
    source = EXAMPLES / "c" / "infer.c"
    (line,) = re.findall(r"^ \*   cc (.*)$", source.read_text(), re.MULTILINE)
    line = line.replace("~/.edgekit/models/model/current", str(current)).replace("ORT/", f"{library}/")
    line = line.replace("infer.c", str(source)).replace("-o infer", f"-o {program}")
    words = [compiler, *line.split(), "-std=gnu11", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(words, check=True, capture_output=True, text=True)
    return program


class Running:
    """An example at work, fed through its standard input."""

    def __init__(self, words: list[str]) -> None:
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def send(self, line: str) -> None:
        assert self.process.stdin is not None
        print(line, file=self.process.stdin, flush=True)

    def answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(self.end())
        return line

    def end(self) -> str:
        """What it said on its standard error."""
        _, said = self.process.communicate(timeout=60)
        return said


@pytest.fixture
def start() -> Iterator[Callable[[list[str]], Running]]:
    started: list[Running] = []

    def begin(words: list[str]) -> Running:
        started.append(Running(words))
        return started[-1]

    yield begin
    for one in started:
        one.process.kill()
        one.process.communicate()


def golden(release: Path) -> tuple[Floats, Floats, float]:
    with np.load(release / GOLDEN) as arrays:
        tolerance = json.loads((release / MANIFEST).read_text())["golden"]["tolerance"]
        return arrays["input.x"], arrays["output.logits"], tolerance


def ask_python(running: Running, x: Floats) -> Floats:
    running.send(json.dumps({"x": x.tolist()}))
    return np.array(json.loads(running.answer())["logits"][0], np.float32)


def ask_c(running: Running, x: Floats) -> Floats:
    running.send(" ".join(map(repr, x.ravel().tolist())))
    return np.array(running.answer().split(), np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("artifact", [WINDOW, STREAM])
def test_python_gives_the_golden_answers_and_notices_a_switch(
    composed: Callable[..., Path], device: Device, start: Callable[..., Running], artifact: str
) -> None:
    release = composed(artifact)
    device.activate(release)
    running = start([sys.executable, str(EXAMPLES / "python" / "infer.py"), str(device.current)])
    inputs, outputs, tolerance = golden(release)
    for x, y in [(inputs[0], outputs[0])] if artifact == STREAM else [(inputs, outputs)]:
        for one, want in zip(x, y, strict=True):
            np.testing.assert_allclose(ask_python(running, one[None]), want, atol=tolerance)
    device.activate(composed(artifact, 8))  # a stream starts anew
    first = outputs[1, 0] if artifact == STREAM else outputs[1]
    given = inputs[1, 0] if artifact == STREAM else inputs[1]
    np.testing.assert_allclose(ask_python(running, given[None]), first, atol=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("artifact", [WINDOW, STREAM])
def test_c_gives_the_golden_answers_resets_and_notices_a_switch(
    composed: Callable[..., Path],
    device: Device,
    library: Path,
    tmp_path: Path,
    start: Callable[..., Running],
    artifact: str,
) -> None:
    release = composed(artifact)
    first = device.activate(release)
    running = start([str(compiled(device.current, library, tmp_path / "infer")), str(device.current)])
    inputs, outputs, tolerance = golden(release)
    if artifact == STREAM:
        for x, y in zip(inputs, outputs, strict=True):
            running.send("")  # each sequence from a reset
            for one, want in zip(x, y, strict=True):
                np.testing.assert_allclose(ask_c(running, one), want, atol=tolerance)
    else:
        for one, want in zip(inputs, outputs, strict=True):
            np.testing.assert_allclose(ask_c(running, one), want, atol=tolerance)
    second = device.activate(composed(artifact, 8))
    given, want = (inputs[1, 0], outputs[1, 0]) if artifact == STREAM else (inputs[1], outputs[1])
    np.testing.assert_allclose(ask_c(running, given), want, atol=tolerance)
    assert running.end().split("\n")[:2] == [f"took up {first}", f"took up {second}"]


@pytest.mark.slow
def test_c_keeps_the_old_release_where_the_contract_changed(
    composed: Callable[..., Path], device: Device, library: Path, tmp_path: Path, start: Callable[..., Running]
) -> None:
    release = composed(WINDOW)
    device.activate(release)
    running = start([str(compiled(device.current, library, tmp_path / "infer")), str(device.current)])
    inputs, outputs, tolerance = golden(release)
    np.testing.assert_allclose(ask_c(running, inputs[0]), outputs[0], atol=tolerance)
    other = device.activate(composed(WINDOW, 8, labels=["x", "y", "z"]))
    np.testing.assert_allclose(ask_c(running, inputs[1]), outputs[1], atol=tolerance)
    assert f"{other} has another contract" in running.end()


@pytest.fixture
def switched(composed: Callable[..., Path], tmp_path: Path) -> Callable[[Boot], Path]:
    """A real store with a release that was confirmed, and one after it that was not; gives what applications open."""

    def switch(boot: Boot) -> Path:
        store = Store(tmp_path / "switched", boot=boot)
        with store.locked(make=True):
            for counter in (7, 8):
                name = f"{counter}-0123456789ab"
                store.stage(composed(STREAM, counter), name)
                store.admit(name)
                if counter == 8:
                    store.confirm()
                store.switch(name, counter)
        return store.folder / "current"

    return switch


@pytest.mark.slow
@pytest.mark.parametrize("restarted", [False, True])
def test_neither_opens_what_a_restart_left_unconfirmed(
    switched: Callable[[Boot], Path],
    composed: Callable[..., Path],
    library: Path,
    tmp_path: Path,
    start: Callable[..., Running],
    restarted: bool,
) -> None:
    current = switched(ScriptedBoot() if restarted else RealBoot())
    assert str(current.readlink()) == "releases/8-0123456789ab"
    inputs, outputs, tolerance = golden(composed(STREAM, 7))
    python = start([sys.executable, str(EXAMPLES / "python" / "infer.py"), str(current)])
    c = start([str(compiled(current, library, tmp_path / "infer")), str(current)])
    np.testing.assert_allclose(ask_c(c, inputs[0, 0]), outputs[0, 0], atol=tolerance)
    opened = "7-0123456789ab" if restarted else "8-0123456789ab"
    assert c.end() == f"took up releases/{opened}\n"
    # This one prints no names: so the release that it must not open is gone.
    shutil.rmtree(current.parent / "releases" / ("8-0123456789ab" if restarted else "7-0123456789ab"))
    np.testing.assert_allclose(ask_python(python, inputs[0, :1]), outputs[0, 0], atol=tolerance)


@pytest.mark.slow
def test_neither_opens_a_first_release_that_a_restart_left_unconfirmed(
    composed: Callable[..., Path], library: Path, tmp_path: Path, start: Callable[..., Running]
) -> None:
    store = Store(tmp_path / "device", boot=ScriptedBoot())
    with store.locked(make=True):
        store.stage(composed(STREAM, 7), "7-0123456789ab")
        store.admit("7-0123456789ab")
        store.switch("7-0123456789ab", 7)
    current = store.folder / "current"
    python = start([sys.executable, str(EXAMPLES / "python" / "infer.py"), str(current)])
    c = start([str(compiled(current, library, tmp_path / "infer")), str(current)])
    python.send("{}")
    c.send("0")
    assert "No such file or directory" in python.end()
    assert c.end() == "releases/7-0123456789ab was not confirmed before a restart, and none was there before it\n"


def test_python_takes_about_forty_lines() -> None:
    lines = (EXAMPLES / "python" / "infer.py").read_text().splitlines()
    code = [line for line in lines[lines.index("import json") :] if line.strip()]
    assert len(code) <= 45
    assert not any("edgekit" in line for line in code)
