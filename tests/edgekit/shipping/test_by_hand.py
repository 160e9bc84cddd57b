"""A release on a stick: taken in on the device itself, with what ``edgekit device setup`` had put there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.devices.package import write_agent
from edgekit_targets.releases.store import Store
from edgekit_targets.signing.ring import trust
from tests.edgekit.bare import bare_python
from tests.edgekit.shipping.conftest import id_of
from tests.targets.releases.conftest import Owner


@pytest.mark.slow
def test_a_folder_is_taken_in(owner: Owner, make_release: Callable[..., Path], tmp_path: Path) -> None:
    root = tmp_path / "home" / ".edgekit"
    agent = write_agent(root / "agent")
    bare_python(tmp_path / "brought", "numpy", "onnxruntime", "cryptography", "cffi")
    (site,) = (tmp_path / "brought").glob("lib/python*/site-packages")
    (root / "runtimes").mkdir()
    site.rename(root / "runtimes" / "default")
    python = bare_python(tmp_path / "system")
    trust(root, owner.public)
    stick = tmp_path / "stick"
    shutil.copytree(make_release(5), stick)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {"HOME": str(tmp_path / "home"), "PATH": os.environ["PATH"]}
        argv = [str(python), str(agent), *words]
        return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)

    done = run("install", str(stick))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["release"] == Store(root).current() == id_of(stick)
    assert Store(root).state().pending is None
    (stick / "model.onnx").write_bytes((stick / "model.onnx").read_bytes()[:-1] + b"!")
    done = run("install", str(stick))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (5, "", 1)
    assert "is not the file that was signed" in done.stderr
